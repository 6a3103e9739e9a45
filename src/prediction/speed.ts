/** How fast pages of a table are read, by a sample that is read in a transaction that may not write. */
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";

const MOST_PAGES = 4_000;

/** In milliseconds for a page. `null`: it took too long, or this role may not read the table. */
export async function pageMs(
  connection: Connection,
  { table, bytes }: { readonly table: string; readonly bytes: number },
): Promise<number | null> {
  const pages = bytes / 8192;
  if (pages < 1) return null;
  const percent = Math.min(100, (100 * MOST_PAGES) / pages);
  try {
    const results = await connection.execute(
      `begin read only; set local lock_timeout = '500ms'; set local statement_timeout = '1s';
set local max_parallel_workers_per_gather = 0;
explain (analyze, timing off, format json) select count(*) from only ${table} tablesample system (${percent.toFixed(4)}); rollback`,
    );
    const plan = results.flatMap(({ rows }) => rows).find((row) => "QUERY PLAN" in row)?.["QUERY PLAN"];
    const [read] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [{ "Execution Time": number }];
    return read["Execution Time"] / ((pages * percent) / 100);
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    await connection.execute("rollback");
    return null;
  }
}
