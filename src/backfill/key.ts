/**
 * A place in the order of a table: the values of its key, as text. The server reads that text back as the same value of the
 * column's type. So a window is the same on every connection, and after every crash.
 */
import type { KeyColumn } from "../core/backfill.ts";
import { identifier, literal } from "../core/sql/quote.ts";

export type { KeyColumn };

/** One text a column of the key. */
export type KeyValue = readonly string[];

/** Of the same text in each column. Keys that are equal may have different texts. */
export function isSameKey(one: KeyValue | null, other: KeyValue): boolean {
  return one !== null && one.length === other.length && one.every((text, at) => text === other[at]);
}

/** The keys above `from` up to and with `to`. */
export interface KeyRange {
  /** `null`: from the first row. */
  readonly from: KeyValue | null;
  readonly to: KeyValue;
}

/** The rows that a window has: a range of keys, a single row that failed before, or none, of an empty table. */
export type Window = KeyRange | { readonly only: KeyValue } | "none";

/** The condition that a row lies in the range. A plain expression, so that an index on the key serves it. */
export function inRange(
  columns: readonly KeyColumn[],
  { from, to }: KeyRange,
  alias: string | null = null,
): string {
  const above = from === null ? [] : [compare(columns, ">", from, alias)];
  return `(${[...above, compare(columns, "<=", to, alias)].join(" and ")})`;
}

/** The condition that a row is the one with this key. */
export function isKey(columns: readonly KeyColumn[], key: KeyValue, alias: string | null = null): string {
  return `(${columns.map((column, index) => `${named(column, alias)} = ${value(column, key[index])}`).join(" and ")})`;
}

/** The condition that a row lies above or not above a key. */
export function compare(
  columns: readonly KeyColumn[],
  operator: ">" | "<=",
  key: KeyValue,
  alias: string | null = null,
): string {
  const names = columns.map((column) => named(column, alias));
  const values = columns.map((column, index) => value(column, key[index]));
  if (columns.length === 1) return `${names[0]} ${operator} ${values[0]}`;
  // The planner estimates a comparison of rows by its first column alone, and takes that as a bound of the index.
  return `(${names.join(", ")}) ${operator} (${values.join(", ")})`;
}

/** `"id", "region"`, for ORDER BY and select lists. */
export function names(columns: readonly KeyColumn[]): string {
  return columns.map((column) => identifier(column.name)).join(", ");
}

/** The key of a row as an array of texts. */
export function keyText(columns: readonly KeyColumn[]): string {
  return `array[${columns.map(({ name }) => `${identifier(name)}::pg_catalog.text`).join(", ")}]`;
}

/** `id 4711`, `tenant 3, id 4711`: for people. */
export function describeKey(columns: readonly KeyColumn[], key: KeyValue): string {
  return columns.map(({ name }, index) => `${name} ${key[index]}`).join(", ");
}

function named({ name }: KeyColumn, alias: string | null): string {
  return alias === null ? identifier(name) : `${identifier(alias)}.${identifier(name)}`;
}

/** The expression of a literal may have a collation of its own, which would compete with that of the column. */
function value({ type, collation }: KeyColumn, text: string | undefined): string {
  return `${literal(text ?? null)}::${type}${collation === null ? "" : ` collate ${collation}`}`;
}
