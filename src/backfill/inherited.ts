/** Tables with children by inheritance: a key is unique in each of them, and not in all together. */
import { regclass } from "../core/sql/regclass.ts";
import type { Connection } from "../database/connection.ts";
import { SourceError } from "../errors.ts";
import type { BackfillTable } from "./table.ts";

/**
 * Throws `SourceError` (`BACKFILL_KEY`) if `what` finds rows by their key and two rows may share one. It is not called for a
 * plain statement, because a window is a range and contains both rows. The key of a partitioned table is unique in all partitions.
 */
export async function refuseChildren(
  connection: Pick<Connection, "execute">,
  table: BackfillTable,
  { file, what }: { readonly file: string; readonly what: string },
): Promise<void> {
  const [answer] = await connection.execute(`select n.nspname || '.' || c.relname as shown
from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhparent and p.relkind = 'r'
  join pg_catalog.pg_class c on c.oid = i.inhrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where p.oid = ${regclass(table.name)} order by 1 limit 1`);
  const child = answer?.rows[0]?.shown;
  if (child === undefined) return;
  const columns = table.key.map(({ name }) => name).join(", ");
  throw new SourceError([
    {
      code: "BACKFILL_KEY",
      message: `${file} finds rows of ${table.shown} again by (${columns}), for ${what}, and ${child} inherits from it: the same key may be in both.`,
      hint: `Write a statement without ${what}, which has no need of it. Or make a backfill of each table that inherits, and none of ${table.shown}.`,
      place: { file },
    },
  ]);
}
