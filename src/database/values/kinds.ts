/** What a parameter takes, by its type: told from the number where PostgreSQL has fixed it, else asked. */
import type { ParameterKind } from "./parameters.ts";
import { ELEMENTS } from "./rows.ts";

export interface KindRow {
  readonly id: number;
  readonly kind: ParameterKind;
  readonly [column: string]: unknown;
}

/** `known` keeps what was asked for once; `ask` runs a query with one parameter, a list of numbers. */
export async function kindsOf(
  typeIds: readonly number[],
  known: Map<number, ParameterKind>,
  ask: (text: string, typeIds: readonly number[]) => Promise<readonly KindRow[]>,
): Promise<readonly ParameterKind[]> {
  const unknown = typeIds.filter((id) => fixed(id) === undefined && !known.has(id));
  if (unknown.length > 0)
    for (const { id, kind } of await ask(LOOKUP, [...new Set(unknown)])) known.set(id, kind);
  return typeIds.map((id) => fixed(id) ?? known.get(id) ?? "other");
}

function fixed(typeId: number): ParameterKind | undefined {
  if (isJson(typeId)) return "json";
  if (typeId === BYTEA) return "bytes";
  const element = ELEMENTS.get(typeId);
  if (element === undefined) return undefined;
  if (element === BYTEA) return "bytes-array";
  return isJson(element) ? "json-array" : "array";
}

const BYTEA = 17;

function isJson(typeId: number): boolean {
  return typeId === 114 || typeId === 3802;
}

/** A domain takes what the type below it takes. `int2vector` and `oidvector` are arrays of another text. */
const LOOKUP = `with recursive below (id, type) as (
  select oid, oid from pg_catalog.pg_type where oid = any ($1::oid[])
  union all
  select b.id, t.typbasetype from below b join pg_catalog.pg_type t on t.oid = b.type where t.typtype = 'd')
select b.id::int8::float8 as id, case when t.oid in (114, 3802) then 'json' when t.oid = 17 then 'bytes' when t.oid in (199, 3807) then 'json-array' when t.oid = 1001 then 'bytes-array'
  when t.typcategory = 'A' and t.typlen = -1 and t.typelem <> 0 and t.oid not in (22, 30) then 'array' else 'other' end as kind
from below b join pg_catalog.pg_type t on t.oid = b.type where t.typtype <> 'd'`;
