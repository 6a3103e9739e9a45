/**
 * How fast pages of a table are read, by samples that are read in a transaction that may not write. Each is read within some
 * milliseconds, so that on a busy machine some of them are not disturbed.
 *
 * They are read as a statement that scans the table would read it. PostgreSQL reads a table that is larger than a quarter of its
 * buffers through a few of them, again and again. That is faster than to find new ones. There each sample goes on where the last
 * one has ended. Samples of a smaller table lie all over it, so that it is not read from memory unless it is there. They are long,
 * because reading ahead begins slowly.
 */
import { literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";

const SAMPLES = 5;
const PAGES_EACH = 2048;
/** The second fastest is taken for one that was not disturbed by other work. */
const UNDISTURBED = 1;
/** Of a table that nobody has analyzed. */
const ROWS_OF_PAGE = 50;

/** In milliseconds for a page. `null`: it took too long, or this role may not read the table. */
export async function pageMs(
  connection: Connection,
  { table, bytes }: { readonly table: string; readonly bytes: number },
): Promise<number | null> {
  const pages = Math.floor(bytes / 8192);
  if (pages < 1) return null;
  // Whoever may not use a schema is refused already when he asks for a name in it: the largest partition may lie in one.
  const { rows } = await connection
    .query<{ buffers: number; rowsOfPage: number | null }>(
      `select (pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / 8192)::pg_catalog.float8 as buffers,
  (case when relpages > 0 and reltuples > 0 then reltuples / relpages end)::pg_catalog.float8 as "rowsOfPage"
from pg_catalog.pg_class where oid = pg_catalog.to_regclass(${literal(table)})`,
    )
    .catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
      return { rows: [] };
    });
  const [known] = rows;
  if (known === undefined) return null;
  const each = Math.min(PAGES_EACH, pages);
  const begin = Math.random();
  const isAnywhere = pages > known.buffers / 4;
  const samples = Array.from({ length: SAMPLES }, (_, index) => {
    const first = Math.floor((pages - each) * ((begin + index / SAMPLES) % 1));
    // Before 14 a range of rows is found by reading the whole table.
    const range =
      isAnywhere || connection.server.version < 140_000
        ? ""
        : ` where ctid >= '(${first},0)' and ctid < '(${first + each},0)'`;
    // One by one through a limit, in both ways, so that their times can be compared.
    const limit = Math.ceil(each * (known.rowsOfPage ?? ROWS_OF_PAGE));
    return `explain (analyze, buffers, timing off, format json) select count(*) from (select from only ${table}${range} limit ${limit}) sample; `;
  });
  try {
    const results = await connection.execute(
      `begin read only; set local lock_timeout = '500ms'; set local statement_timeout = '1s'; set local synchronize_seqscans = on;
set local enable_indexonlyscan = off; set local max_parallel_workers_per_gather = 0; set local jit = off; ${samples.join("")}rollback`,
    );
    const times = results
      .flatMap(({ rows }) => rows)
      .filter((row) => "QUERY PLAN" in row)
      .map((row) => readPageMs(row["QUERY PLAN"]))
      .sort((a, b) => a - b);
    return times[UNDISTURBED] ?? null;
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
function readPageMs(plan: unknown): number {
  const [read] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [SampleRead];
  const pages = read.Plan["Shared Hit Blocks"] + read.Plan["Shared Read Blocks"];
  return read["Execution Time"] / Math.max(1, pages);
}

interface SampleRead {
  readonly Plan: { readonly "Shared Hit Blocks": number; readonly "Shared Read Blocks": number };
  readonly "Execution Time": number;
}
