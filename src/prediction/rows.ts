/** The statements that make a table like one of the target, with generated rows. Pure. */
import { identifier } from "../core/sql/quote.ts";
import type { Column, Shape } from "./shape.ts";

/** Without constraints: rows that are made up would need values for each of them. */
export function tableOf({ schema, name, columns }: Shape): string {
  const defined = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(", ");
  return `create schema if not exists ${identifier(schema)}; create table ${nameOf({ schema, name })} (${defined})`;
}

/** A column whose values are those of a column of another table, of which there are so many rows. */
export interface Reference {
  readonly column: string;
  readonly to: Column;
  readonly rows: number;
}

export function rowsOf(shape: Shape, count: number, references: readonly Reference[] = []): string {
  const values = shape.columns.map((column) => {
    const reference = references.find((one) => one.column === column.name);
    return madeUp(column, count, reference);
  });
  return `insert into ${nameOf(shape)} select ${values.join(", ")} from pg_catalog.generate_series(1, ${count}) g`;
}

export function nameOf({ schema, name }: Pick<Shape, "schema" | "name">): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** What rows take beside their values: header, line pointer and the gaps of alignment. */
const ROW_OVERHEAD = 32;

export function rowBytes({ columns }: Shape): number {
  return columns.reduce((sum, { width }) => sum + (width ?? 8), ROW_OVERHEAD);
}

/** Longer values would go into the TOAST table, where the ones of the target are compressed. */
const MOST_WIDTH = 1500;

function madeUp(column: Column, count: number, reference: Reference | undefined): string {
  const { type, distinct, nulls } = column;
  const likely = distinct === null ? count : distinct < 0 ? -distinct * count : distinct;
  const many = Math.max(1, Math.min(Math.round(likely), reference?.rows ?? Number.POSITIVE_INFINITY));
  const like = reference?.to ?? column;
  const width = Math.min(MOST_WIDTH, Math.max(1, (like.width ?? 32) - 1));
  const correlation = column.correlation ?? 0;
  const isOrdered = Math.abs(like.correlation ?? 0) > MUCH;
  const value = ofType(like.type, { seed: seedOf({ many, count, correlation }), width, isOrdered });
  if (value === null) return `null::${type}`;
  const whole = like === column ? `(${value})::${type}` : `((${value})::${like.type})::${type}`;
  return nulls > 0 ? `case when pg_catalog.random() < ${nulls} then null else ${whole} end` : whole;
}

/** Of the correlation, from which on values are as good as in the order of the rows. */
const MUCH = 0.5;
/** No number of rows is a multiple of it, so that each row gets another number. */
const PRIME = 2_654_435_761;

/** A number for each row: all different, or as many as on the target. They come in their order, against it, or in none. */
function seedOf({
  many,
  count,
  correlation,
}: {
  readonly many: number;
  readonly count: number;
  readonly correlation: number;
}): string {
  const place = correlation < -MUCH ? `(${count + 1} - g)` : "g";
  if (many < count)
    return Math.abs(correlation) > MUCH
      ? `(1 + ${place}::bigint * ${many - 1} / ${count})`
      : `(1 + (pg_catalog.random() * ${many - 1})::int)`;
  return Math.abs(correlation) > MUCH ? place : `(1 + g::bigint * ${PRIME} % ${count})`;
}

interface Value {
  readonly seed: string;
  readonly width: number;
  /** The values are in the order of their numbers. */
  readonly isOrdered: boolean;
}

function ofType(type: string, { seed, width, isOrdered }: Value): string | null {
  const text = isOrdered
    ? `pg_catalog.lpad(${seed}::text, ${width}, '0')`
    : `pg_catalog.left(pg_catalog.repeat(pg_catalog.md5(${seed}::text), ${Math.ceil(width / 32)}), ${width})`;
  if (/\[\]$/.test(type)) return "'{}'";
  if (/^smallint/.test(type)) return `${seed} % 32000`;
  if (/^(integer|bigint|oid)/.test(type)) return seed;
  const precision = /^numeric\((\d+),(-?\d+)\)/.exec(type);
  if (precision !== null)
    return `${seed} % ${10 ** Math.min(8, Number(precision[1]) - Number(precision[2]))}`;
  if (/^(numeric|real|double precision|money)/.test(type)) return `${seed}::numeric * 1.25`;
  if (/^(text|character|name|"char")/.test(type)) return text;
  if (type === "boolean") return `${seed} % 2 = 0`;
  if (/^(timestamp|date)/.test(type))
    return `timestamp '2020-01-01' + ${seed} % 1000000 * interval '2 minutes'`;
  if (/^(time|interval)/.test(type)) return `${seed} % 86400 * interval '1 second'`;
  if (type === "uuid")
    return isOrdered
      ? `pg_catalog.lpad(pg_catalog.to_hex(${seed}), 32, '0')`
      : `pg_catalog.md5(${seed}::text)`;
  if (/^jsonb?$/.test(type)) return `pg_catalog.json_build_object('k', ${text})`;
  if (type === "bytea") return `pg_catalog.convert_to(${text}, 'UTF8')`;
  if (/^(inet|cidr)/.test(type)) return `'10.0.0.0'::inet + ${seed}`;
  return null;
}
