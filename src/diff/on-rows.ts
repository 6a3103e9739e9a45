/** What succeeds on an empty table, and fails on one that has rows. The scratch server has none, so it shows no such failure. Pure. */
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";
import { bareStatement, columnOf } from "./change.ts";
import type { DiffStatement } from "./statement.ts";

interface Sides {
  readonly from: SchemaSnapshot;
  readonly to: SchemaSnapshot;
}

/** One line each, such as `column public.users.name becomes NOT NULL: …`. */
export function failuresOnRows(statements: readonly DiffStatement[], { from, to }: Sides): readonly string[] {
  const [before, after] = [byIdentity(from), byIdentity(to)];
  const texts = statements.map(({ text }) => bareStatement(text));
  return to.objects.flatMap((column) => {
    // Of what is inherited the parent says it. Where the table is new, there are no rows.
    const domain = strictDomainOf(column, after);
    if (!(isNotNull(column) || domain !== null) || column.attributes.inherited === "only") return [];
    const byDomain = isNotNull(column) ? null : domain;
    const { table, column: name } = columnOf(column.name, column);
    if (!before.has(`table ${table}`)) return [];
    const earlier = before.get(identity(column));
    const add = bareStatement(`ALTER TABLE ${table} ADD COLUMN ${name} `);
    const adds = texts.find((text) => text.startsWith(add));
    if (adds === undefined && earlier !== undefined)
      return isNotNull(earlier) || strictDomainOf(earlier, before) !== null
        ? []
        : [
            `column ${column.name} becomes NOT NULL${byDomain === null ? "" : ` by its type ${byDomain}`}: give each row a value there first`,
          ];
    if (hasValue(column, to, adds)) return [];
    return [
      byDomain === null
        ? `column ${column.name} is added as NOT NULL without a default: give it one, or fill it first`
        : `column ${column.name} is added without a default, and its type ${byDomain} is NOT NULL: give it one, or fill it first`,
    ];
  });
}

function isNotNull({ kind, attributes }: SchemaObject): boolean {
  const constraint = attributes["not null constraint"];
  const isValid = typeof constraint !== "string" || !/\bnot valid\b/.test(constraint);
  return kind === "column" && attributes["not null"] === true && isValid;
}

/** The domain that allows no NULL: the column's, or one that this is made of. */
function strictDomainOf(
  { kind, attributes }: SchemaObject,
  objects: ReadonlyMap<string, SchemaObject>,
): string | null {
  if (kind !== "column") return null;
  let name = attributes.type;
  while (typeof name === "string") {
    const type = objects.get(`type ${name}`)?.attributes;
    if (type?.["not null"] === true) return name;
    name = type?.["base type"] ?? null;
  }
  return null;
}

/** Whether the rows that are there get a value when the column is added. */
function hasValue({ attributes }: SchemaObject, { objects }: SchemaSnapshot, adds: string | undefined) {
  const { type, generated, identity: numbered, default: own } = attributes;
  if (generated !== undefined || numbered !== undefined) return true;
  // A default that is set later comes too late for them.
  if (own !== undefined) return adds === undefined || /\sDEFAULT\s/i.test(adds);
  return objects.some((one) => one.name === type && one.attributes.default !== undefined);
}
