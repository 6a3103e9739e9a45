/** The statements that cut a table into ranges of about equal size, by a sample of its keys. Pure. */
import { identifier } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import { compare, type KeyValue, keyText, names } from "./key.ts";
import type { BackfillTable } from "./table.ts";

/** How many blocks the table has, with its partitions. */
export function blocksOf({ name }: BackfillTable): string {
  const table = regclass(name);
  // `pg_partition_tree` is empty for a plain table. A partitioned table has no blocks itself, so both can be added.
  return `select coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(one)), 0)::pg_catalog.float8
  / pg_catalog.current_setting('block_size')::pg_catalog.float8 as blocks
from (select ${table} as one union select relid from pg_catalog.pg_partition_tree(${table})) r`;
}

/** Divides a sample into equal parts, and returns the last key of each part except the last one. */
export function sampledBounds(
  { name, key }: BackfillTable,
  { from, to, percent, count }: { from: KeyValue | null; to: KeyValue; percent: number; count: number },
): string {
  const above = from === null ? "" : `${compare(key, ">", from)} and `;
  const descending = key.map((column) => `godwit_parts.${identifier(column.name)} desc`).join(", ");
  return `with godwit_sample as materialized (select ${names(key)} from ${name} tablesample system (${percent})
  where ${above}${compare(key, "<=", to)}),
godwit_parts as (select ${names(key)}, pg_catalog.ntile(${count}) over (order by ${names(key)}) as godwit_part from godwit_sample),
godwit_last as (select distinct on (godwit_part) godwit_part, ${keyText(key)} as key from godwit_parts order by godwit_part, ${descending})
select key from godwit_last where godwit_part < (select pg_catalog.max(godwit_part) from godwit_parts) order by godwit_part`;
}
