/**
 * What pg-delta would do by dropping and making again, or in the wrong order: done before it is asked. A statement that the
 * server refuses here is left out: another change may have to come first, and pg-delta has its own way.
 */
import { quoted } from "../core/sql/quote.ts";
import { alterColumn, changed, type Rule, tableOf, texts } from "./change.ts";
import { drops } from "./unmodelled.ts";

const OWNED = [
  ...["table", "foreign table", "view", "materialized view", "sequence", "schema", "type", "domain"],
  ...["function", "procedure", "aggregate", "operator", "operator class", "operator family", "statistics"],
  ...["collation", "conversion", "text search dictionary", "text search configuration", "publication"],
  ...["server", "foreign data wrapper", "language", "event trigger"],
];

const owner: Rule = (change) => {
  const to = changed(change, change.kind, "owner")?.to;
  const text = typeof to === "string" ? ownerStatement(change, to) : null;
  return text === null ? null : [text];
};

/** `null`: nothing gives such an object another owner. */
export function ownerStatement(
  { kind, name }: { readonly kind: string; readonly name: string },
  to: string,
): string | null {
  return OWNED.includes(kind) ? `ALTER ${kind.toUpperCase()} ${name} OWNER TO ${to}` : null;
}

/** pg-delta drops the table, with its rows. */
const parents: Rule = (change) => {
  const inherits = changed(change, "table", "inherits");
  const bound = changed(change, "table", "partition bound");
  if (inherits === undefined && bound === undefined) return null;
  const before = texts(change.before?.attributes.inherits ?? null);
  const after = texts(change.after?.attributes.inherits ?? null);
  const { name } = change;
  const wasPartition = change.before?.attributes["partition bound"] != null;
  const isPartition = change.after?.attributes["partition bound"] != null;
  const left = before.filter((parent) => wasPartition || !after.includes(parent));
  const joined = after.filter((parent) => isPartition || !before.includes(parent));
  return [
    ...left.map((parent) =>
      wasPartition
        ? `ALTER TABLE ${parent} DETACH PARTITION ${name}`
        : `ALTER TABLE ${name} NO INHERIT ${parent}`,
    ),
    ...joined.map((parent) =>
      isPartition
        ? `ALTER TABLE ${parent} ATTACH PARTITION ${name} ${change.after?.attributes["partition bound"]}`
        : `ALTER TABLE ${name} INHERIT ${parent}`,
    ),
  ];
};

/** pg-delta knows no table of a type. Its columns can be changed only where it is none. */
const untyped: Rule = (change) => {
  const found = changed(change, "table", "of type");
  return found?.from == null ? null : [`ALTER TABLE ${change.name} NOT OF`];
};

/** pg-delta drops the column. */
const collation: Rule = (change) => {
  const found = changed(change, "column", "collation");
  const type = change.after?.attributes.type;
  if (found === undefined || typeof type !== "string") return null;
  const collate = found.to ?? 'pg_catalog."default"';
  return [alterColumn(change, `TYPE ${type} COLLATE ${collate}`)];
};

/** pg-delta drops the column. A virtual column has no values to keep. */
const generated: Rule = (change) => {
  const found = changed(change, "column", "generated");
  const [from, to] = [found?.from, found?.to];
  if (typeof from !== "string") return null;
  if (to === null && from.startsWith("stored ")) return [alterColumn(change, "DROP EXPRESSION")];
  const [before, after] = [from, String(to)].map((text) => text.slice(0, text.indexOf(" ")));
  if (to == null || before !== after || change.version < 170_000) return null;
  const expression = String(to).slice(after?.length).trim();
  return [alterColumn(change, `SET EXPRESSION AS (${expression})`)];
};

/** pg-delta drops the constraint and makes it again: a scan under the strongest lock. */
const validated: Rule = (change) => {
  const definition = changed(change, "constraint", "definition");
  if (definition === undefined || definition.from !== `${definition.to} NOT VALID`) return null;
  const table = tableOf(change.name, change.before);
  return [`ALTER TABLE ${table} VALIDATE CONSTRAINT ${change.name.slice(table.length + 1)}`];
};

const DEFERRABLE = /( NOT DEFERRABLE| DEFERRABLE)?( INITIALLY (DEFERRED|IMMEDIATE))?$/;

const deferrable: Rule = (change) => {
  const definition = changed(change, "constraint", "definition");
  const [from, to] = [definition?.from, definition?.to];
  if (typeof from !== "string" || typeof to !== "string" || !to.startsWith("FOREIGN KEY")) return null;
  if (from.replace(DEFERRABLE, "") !== to.replace(DEFERRABLE, "")) return null;
  const table = tableOf(change.name, change.before);
  const action = DEFERRABLE.exec(to)?.[0].trim() || "NOT DEFERRABLE";
  return [`ALTER TABLE ${table} ALTER CONSTRAINT ${change.name.slice(table.length + 1)} ${action}`];
};

/** PostgreSQL uses a new value only when its transaction has ended, so all of them come first. */
const enumValues: Rule = (change) => {
  const labels = change.attributes.find(({ attribute }) => attribute === "values");
  if (change.kind !== "type" || labels === undefined) return null;
  const [from, to] = [texts(labels.from), texts(labels.to)];
  if (from.length === 0 || from.join("\0") !== to.filter((label) => from.includes(label)).join("\0"))
    return null;
  return to.flatMap((label, at) => {
    if (from.includes(label)) return [];
    const [previous, next] = [to[at - 1], to.slice(at + 1).find((one) => from.includes(one))];
    const place =
      previous !== undefined
        ? ` AFTER ${quoted(previous)}`
        : next === undefined
          ? ""
          : ` BEFORE ${quoted(next)}`;
    return [`ALTER TYPE ${change.name} ADD VALUE ${quoted(label)}${place}`];
  });
};

export const BEFORE: readonly Rule[] = [
  drops,
  owner,
  untyped,
  parents,
  collation,
  generated,
  validated,
  deferrable,
  enumValues,
];
