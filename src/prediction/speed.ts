/**
 * How fast pages of a table are read, by samples that are read in a transaction that may not write. Each is read within a fraction
 * of a millisecond, so that on a busy machine some of them are not disturbed. They lie all over the table, so that a table that
 * is not in memory is not read from there.
 */
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";

const SAMPLES = 25;
const PAGES_EACH = 64;
/** The part of them that is taken for undisturbed by other work. */
const UNDISTURBED = 0.2;

/** In milliseconds for a page. `null`: it took too long, or this role may not read the table. */
export async function pageMs(
  connection: Connection,
  { table, bytes }: { readonly table: string; readonly bytes: number },
): Promise<number | null> {
  const pages = Math.floor(bytes / 8192);
  if (pages < 1) return null;
  const each = Math.min(PAGES_EACH, pages);
  const begin = Math.random();
  const samples = Array.from({ length: SAMPLES }, (_, index) => {
    const first = Math.floor((pages - each) * ((begin + index / SAMPLES) % 1));
    // Before 14 a range of rows is found by reading the whole table.
    const where =
      connection.server.version >= 140_000
        ? `where ctid >= '(${first},0)' and ctid < '(${first + each},0)'`
        : `tablesample system (${((100 * each) / pages).toFixed(4)})`;
    return `explain (analyze, timing off, format json) select count(*) from only ${table} ${where}; `;
  });
  try {
    const results = await connection.execute(
      `begin read only; set local lock_timeout = '500ms'; set local statement_timeout = '1s';
set local max_parallel_workers_per_gather = 0; set local jit = off; ${samples.join("")}rollback`,
    );
    const times = results
      .flatMap(({ rows }) => rows)
      .filter((row) => "QUERY PLAN" in row)
      .map((row) => executionMs(row["QUERY PLAN"]))
      .sort((a, b) => a - b);
    return (times[Math.floor(times.length * UNDISTURBED)] ?? 0) / each;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    await connection.execute("rollback");
    return null;
  }
}

const ROUND_TRIPS = 5;

/** What a message to the server and its answer take, in milliseconds: the least of some. */
export async function roundTripMs(connection: Connection): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let count = 0; count < ROUND_TRIPS; count++) {
    const began = performance.now();
    await connection.execute("select 1");
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

/** A driver may have read JSON already. */
function executionMs(plan: unknown): number {
  const [read] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [{ "Execution Time": number }];
  return read["Execution Time"];
}
