/** What the values that a column has, or has not, stand in the way of: NOT NULL, and another type. Pure. */
import { identity, type SchemaObject } from "../schema/snapshot.ts";
import { columnOf, texts } from "./change.ts";
import { isWider } from "./losses.ts";
import { hasValue, isFresh, type RowRule, type RowScene, typesOf } from "./row-scene.ts";

export const columnRules: Readonly<Record<string, readonly RowRule[]>> = {
  column: [becomesNotNull, changesType],
  type: [losesValues],
};

function becomesNotNull(column: SchemaObject, scene: RowScene): readonly string[] {
  const { before, after, hasRows } = scene;
  const domain = strictDomainOf(column, after);
  // Of what is inherited the parent says it.
  if (!(isNotNull(column) || domain !== null) || column.attributes.inherited === "only") return [];
  const byDomain = isNotNull(column) ? null : domain;
  if (!hasRows(columnOf(column.name, column).table)) return [];
  const earlier = before.get(identity(column));
  if (earlier !== undefined && !isFresh(column, scene))
    return isNotNull(earlier) || strictDomainOf(earlier, before) !== null
      ? []
      : [
          `column ${column.name} becomes NOT NULL${byDomain === null ? "" : ` by its type ${byDomain}`}: give each row a value there first`,
        ];
  if (hasValue(column, scene)) return [];
  return [
    byDomain === null
      ? `column ${column.name} is added as NOT NULL without a default: give it one, or fill it first`
      : `column ${column.name} is added without a default, and its type ${byDomain} is NOT NULL: give it one, or fill it first`,
  ];
}

function isNotNull({ attributes }: SchemaObject): boolean {
  const constraint = attributes["not null constraint"];
  const isValid = typeof constraint !== "string" || !/\bnot valid\b/.test(constraint);
  return attributes["not null"] === true && isValid;
}

/** The domain that allows no NULL: the column's, or one that this is made of. */
function strictDomainOf(column: SchemaObject, objects: RowScene["before"]): string | null {
  if (/\]$/.test(String(column.attributes.type))) return null;
  return (
    typesOf(column, objects).find((type) => objects.get(`type ${type}`)?.attributes["not null"] === true) ??
    null
  );
}

function changesType(column: SchemaObject, scene: RowScene): readonly string[] {
  const { before, hasRows } = scene;
  const { type, generated, inherited } = column.attributes;
  const earlier = before.get(identity(column));
  if (earlier === undefined || isFresh(column, scene) || inherited === "only") return [];
  if (generated !== undefined || !hasRows(columnOf(column.name, column).table)) return [];
  const [from, to] = [String(earlier.attributes.type), String(type)];
  // A value of a domain is one of the type that this is made of.
  const origins = [from, ...(from.endsWith("]") ? [] : typesOf(earlier, before))];
  return origins.some((one) => isSure(one, to))
    ? []
    : [`column ${column.name}: ${from} becomes ${to}: let each value be one of ${to} first`];
}

const NUMBER = /^(?:smallint|integer|bigint|real|double precision|numeric)$/;
const MOMENT = /^(?:date|timestamp.*)$/;

/** Conversions that no value fails, though some lose digits. */
const SURE: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/./, /^(?:text|character varying|citext)$/],
  [MOMENT, MOMENT],
  [/^(?:smallint|integer|bigint)$/, /^(?:real|double precision)$/],
  [/^real$/, /^double precision$/],
  [NUMBER, /^numeric$/],
  [/^numeric\(\d+,\d+\)$/, /^(?:double precision|numeric)$/],
  [/^boolean$/, /^integer$/],
  [/^jsonb$/, /^json$/],
];

function isSure(from: string, to: string): boolean {
  const [a, b] = [from.replace(/\[\]$/, ""), to.replace(/\[\]$/, "")];
  if (from.endsWith("]") !== to.endsWith("]")) return to === "text";
  return a === b || isWider(a, b) || SURE.some(([one, other]) => one.test(a) && other.test(b));
}

/** An enum whose columns may have a value that it loses. */
function losesValues(type: SchemaObject, { from, before, hasRows }: RowScene): readonly string[] {
  const left = new Set(texts(type.attributes.values ?? null));
  const earlier = before.get(identity(type));
  const gone = texts(earlier?.attributes.values ?? null).filter((value) => !left.has(value));
  const isUsed = () => usersOf(type.name, from.objects, before).some((table) => hasRows(table));
  return gone.length === 0 || !isUsed()
    ? []
    : [`type ${type.name} loses ${gone.join(", ")}: let no row have such a value first`];
}

/** The tables that have columns of the type. */
export function usersOf(
  type: string,
  objects: readonly SchemaObject[],
  types: RowScene["before"],
): readonly string[] {
  return objects
    .filter((one) => one.kind === "column" && typesOf(one, types).includes(type))
    .map((one) => columnOf(one.name, one).table);
}
