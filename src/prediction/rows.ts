/** The statements that make a table like one of the target, with generated rows. Pure. */
import { identifier } from "../core/sql/quote.ts";
import type { Column, Shape } from "./shape.ts";

/** Without constraints: rows that are made up would need values for each of them. */
export function tableOf({ schema, name, columns }: Shape): string {
  const defined = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(", ");
  return `create schema if not exists ${identifier(schema)}; create table ${nameOf({ schema, name })} (${defined})`;
}

export function rowsOf(shape: Shape, count: number): string {
  const values = shape.columns.map((column) => madeUp(column, count)).join(", ");
  return `insert into ${nameOf(shape)} select ${values} from pg_catalog.generate_series(1, ${count}) g`;
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

function madeUp({ type, width, distinct, nulls }: Column, count: number): string {
  const many = Math.max(
    1,
    Math.round(distinct === null ? count : distinct < 0 ? -distinct * count : distinct),
  );
  // A different number for each row, or one of as many as there are on the target.
  const seed = many >= count ? "g" : `(1 + (pg_catalog.random() * ${many - 1})::int)`;
  const value = ofType(type, { seed, width: Math.min(MOST_WIDTH, Math.max(1, (width ?? 32) - 1)) });
  if (value === null) return `null::${type}`;
  const whole = `(${value})::${type}`;
  return nulls > 0 ? `case when pg_catalog.random() < ${nulls} then null else ${whole} end` : whole;
}

function ofType(
  type: string,
  { seed, width }: { readonly seed: string; readonly width: number },
): string | null {
  const text = `pg_catalog.left(pg_catalog.repeat(pg_catalog.md5(${seed}::text), ${Math.ceil(width / 32)}), ${width})`;
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
  if (type === "uuid") return `pg_catalog.md5(${seed}::text)`;
  if (/^jsonb?$/.test(type)) return `pg_catalog.json_build_object('k', ${text})`;
  if (type === "bytea") return `pg_catalog.convert_to(${text}, 'UTF8')`;
  if (/^(inet|cidr)/.test(type)) return `'10.0.0.0'::inet + ${seed}`;
  return null;
}
