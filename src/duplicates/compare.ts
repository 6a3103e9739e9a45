/**
 * Compares the new classes with all others, and stores the near pairs as edges.
 *
 *   new ──► edges to all near ones stored ──► compared
 *
 * The promise: between two compared classes that are near, there is an edge. A class is marked only after its edges
 * are stored, in the same transaction or in an earlier one. It is compared with all classes that are visible at that
 * time, marked or not. So of two classes that were inserted at the same time, the one that is compared later finds
 * the other.
 *
 * A few classes are looked up in the band indexes, batch by batch, each in its own transaction. Many classes are
 * joined in memory. Then all edges are stored first, in pieces, and all marks come after. After a crash everything
 * that was stored is true, and the next call compares what is not marked. Two sessions would find the same pairs, so
 * a transaction lock makes them take turns.
 */
import type { Connection, Parameter } from "../database/connection.ts";
import { joinNear } from "./bands.ts";
import { loadHashes } from "./load.ts";
import { type DuplicateSql, duplicateSql } from "./sql.ts";

export interface CompareOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CompareProgress) => void) | undefined;
  /** `database` uses the band indexes, `memory` loads all hashes. Default: the faster one. */
  readonly method?: "database" | "memory" | undefined;
  /** How many classes one query compares. Default 500. */
  readonly batch?: number | undefined;
}

export interface CompareProgress {
  readonly compared: number;
  readonly total: number;
}

export interface Compared {
  /** How many classes were new. */
  readonly classes: number;
  /** How many new pairs were found. */
  readonly edges: number;
  readonly method: "database" | "memory" | "none";
}

const BATCH = 500;
const FEW = 2_000;
const FEW_SHARE = 0.02;
const STORE = 5_000;
const MARK = 10_000;

/**
 * Compares all new classes. Afterwards all edges exist, exactly up to `STORED_RADIUS` and `STORED_256`. The exception
 * are classes with more than `MAX_NEIGHBOURS` older neighbours. The connection must have no open transaction.
 *
 * @example await compareNew(connection, "godwit", { signal })
 */
export async function compareNew(
  connection: Connection,
  schema: string,
  options: CompareOptions = {},
): Promise<Compared> {
  const sql = duplicateSql(schema, connection.server.version);
  const { rows } = await connection.query<{ all: number; new: number }>(sql.counts());
  const { all, new: total } = rows[0] ?? { all: 0, new: 0 };
  if (total === 0) return { classes: 0, edges: 0, method: "none" };
  const method = options.method ?? (total > Math.max(FEW, all * FEW_SHARE) ? "memory" : "database");
  const comparison: Comparison = { connection, sql, options, total };
  const skipped = await skipLowInformation(comparison);
  const done = method === "database" ? await lookUp(comparison, skipped) : await join(comparison, skipped);
  return { ...done, method };
}

interface Comparison {
  readonly connection: Connection;
  readonly sql: DuplicateSql;
  readonly options: CompareOptions;
  readonly total: number;
}

async function skipLowInformation({ connection, sql, options }: Comparison): Promise<number> {
  for (let skipped = 0; ; ) {
    options.signal?.throwIfAborted();
    const { rowCount } = await connection.query(sql.skipLowInformation(), [MARK]);
    skipped += rowCount ?? 0;
    if ((rowCount ?? 0) < MARK) return skipped;
  }
}

async function lookUp(work: Comparison, skipped: number): Promise<Omit<Compared, "method">> {
  const { connection, sql, options } = work;
  let classes = skipped;
  let edges = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const batch = await transaction(connection, sql, async () => {
      const ids = idsOf(await connection.query(sql.nextNew(), [options.batch ?? BATCH]));
      if (ids.length === 0) return undefined;
      const stored = await connection.query(sql.compare(), [ids]);
      await trim(connection, sql, idsOf(stored));
      await connection.query(sql.mark(), [ids]);
      return { classes: ids.length, edges: edgesOf(stored) };
    });
    if (batch === undefined) return { classes, edges };
    classes += batch.classes;
    edges += batch.edges;
    options.onProgress?.({ compared: Math.min(classes, work.total), total: work.total });
  }
}

async function join(work: Comparison, skipped: number): Promise<Omit<Compared, "method">> {
  const { connection, sql, options, total } = work;
  const { signal, onProgress } = options;
  const hashes = await loadHashes(connection, sql, { signal });
  const pairs = await joinNear(hashes, {
    signal,
    onProgress: (done) => onProgress?.({ compared: Math.floor(total * done * JOIN_SHARE), total }),
  });

  let edges = 0;
  for (let from = 0; from < pairs.count; from += STORE) {
    signal?.throwIfAborted();
    const to = Math.min(from + STORE, pairs.count);
    const idsAt = (column: Uint32Array) => Array.from(column.subarray(from, to), (at) => hashes.ids[at] ?? 0);
    const stored = await transaction(connection, sql, async () => {
      const result = await connection.query(sql.store(), [
        idsAt(pairs.left),
        idsAt(pairs.right),
        [...pairs.distance.subarray(from, to)],
        [...pairs.distance256.subarray(from, to)],
      ]);
      await trim(connection, sql, idsOf(result));
      return edgesOf(result);
    });
    edges += stored;
  }

  const compared: number[] = [];
  for (let one = 0; one < hashes.count; one++)
    if (hashes.isNew[one] === 1) compared.push(hashes.ids[one] ?? 0);
  for (let from = 0; from < compared.length; from += MARK) {
    signal?.throwIfAborted();
    const some = compared.slice(from, from + MARK);
    await connection.query(sql.mark(), [some]);
    const marked = JOIN_SHARE + (1 - JOIN_SHARE) * ((from + some.length) / compared.length);
    onProgress?.({ compared: Math.floor(total * marked), total });
  }
  await connection.query(sql.tidy());
  return { classes: skipped + compared.length, edges };
}

/** The part of the time that comparing in memory takes. The rest goes into writing to the database. */
const JOIN_SHARE = 0.5;

async function trim(connection: Connection, sql: DuplicateSql, touched: readonly Parameter[]): Promise<void> {
  if (touched.length > 0) await connection.query(sql.trim(), [touched]);
}

async function transaction<T>(connection: Connection, sql: DuplicateSql, work: () => Promise<T>): Promise<T> {
  try {
    await connection.execute(sql.begin());
    const result = await work();
    await connection.execute("commit");
    return result;
  } catch (error) {
    // An error of the rollback must not hide the first error.
    if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
    throw error;
  }
}

interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Ids as text, because the driver reads and writes a bigint as text. */
function idsOf({ rows }: Answer): readonly string[] {
  const ids = rows[0]?.ids;
  return Array.isArray(ids) ? ids : [];
}

function edgesOf({ rows }: Answer): number {
  const edges = rows[0]?.edges;
  return typeof edges === "number" ? edges : 0;
}
