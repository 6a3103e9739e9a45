/**
 * The lock for connections without a session (a pooler in transaction mode): a row that expires.
 *
 *            acquire (fence + 1)              release
 *   free ───────────────────────► held(fence) ───────► free(fence)
 *     ▲                             │  renewed every third of its term by a connection of its own
 *     └────── term over ◄───────────┘  when the holder stops renewing
 *
 * The clock is the database's. The holder stops trusting itself a margin before the term is over, counted from the
 * moment it *asked* for it, and cancels its work.
 *
 * That is not enough by itself: a paused process checks nothing until it wakes. Every transaction therefore begins with
 * the fence. It locks the row `for key share`, and fails if another run has taken over. Taking over changes the fence,
 * which is part of a key, so it waits for that transaction. Two holders can never both commit. A holder that hangs
 * inside a transaction is ended by `idle_in_transaction_session_timeout`.
 *
 * Runs with a session lock and runs with a lease exclude each other. To take the lease, a run must get the advisory lock
 * for the length of that statement. A run that gets the advisory lock checks for a live lease.
 *
 * A crash leaves a row that expires after one term. No migration waits longer than that for it.
 */
import type { Connection } from "../database/connection.ts";
import { DatabaseError, LockError, type Problem } from "../errors.ts";
import { backoffMs, delay, formatDuration, orAbort, timeLimit } from "../std/time.ts";
import { type Lock, type LockOptions, lockName } from "./lock.ts";
import { findHolder, lockKey, MISSING } from "./session.ts";
import { ADVISORY_LOCK_HELD, type LockRow, type LockSql, lockSql, requireAdvisoryLock } from "./sql.ts";
import { reportWaits } from "./wait.ts";

const LEASE_TERM_MS = 60_000;
const MARGIN_MS = 5_000;
const RETRY_MS = 250;

export interface LeaseOptions extends LockOptions {
  /** Opens a second connection, which renews the lease while the first is busy. */
  readonly openAnother: () => Promise<Connection>;
  readonly termMs?: number | undefined;
}

export async function acquireLease(connection: Connection, options: LeaseOptions): Promise<Lock> {
  const termMs = options.termMs ?? LEASE_TERM_MS;
  const row: LockRow = options;
  const name = lockName(options);
  const sql = lockSql(options.schema, name, options);
  const key = lockKey(name);
  const waits = reportWaits(options);

  let fence: string | undefined;
  let own: string | null = null;
  let askedAt = performance.now();
  for (let attempt = 1; fence === undefined; attempt++) {
    askedAt = performance.now();
    fence = await tryAcquire(connection, key, {
      create: sql.create(),
      acquire: sql.acquire(row, termMs, own),
    });
    if (fence === undefined) {
      const before: string | null = own;
      own = await ownFence(connection, sql.ownFence(row));
      if (own !== null && own !== before) continue;
      await waits.report(() => findHolder(connection, key, sql));
      await delay(
        Math.min(backoffMs(attempt, { firstMs: 50, maxMs: 1_000 }), waits.remainingMs()),
        options.signal,
      );
    }
  }
  const renewer = await options.openAnother().catch(async (error: unknown) => {
    // Nobody would renew the lease, and everybody would wait until its term is over.
    if (!connection.lost.aborted) await connection.execute(sql.release(row, fence)).catch(() => {});
    throw error;
  });
  const trustedMs = termMs - marginOf(termMs);
  const starved = connection.capabilities.spanning && (await isStarved(connection, renewer, termMs));
  const caveat = starved ? poolOfOne(connection, trustedMs) : undefined;
  const { openAnother } = options;
  return new Lease(connection, renewer, { row, sql, fence, termMs, askedAt, caveat, openAnother });
}

/** The run is in its own way where it has lost the connection, or the answer, with which it took the lease. */
async function ownFence(connection: Connection, select: string): Promise<string | null> {
  const [found] = await connection
    .query<{ fence: string }>(select)
    .then(({ rows }) => rows)
    .catch((error) => {
      // There is no table yet.
      if (error instanceof DatabaseError && MISSING.has(error.sqlState ?? "")) return [];
      throw error;
    });
  return found?.fence ?? null;
}

/** How long a pooler may take to find a second server session for the renewal. */
const PROBE_MS = 2_000;

/** Whether the renewer gets no server session while the first connection holds one, as every migration does. */
async function isStarved(connection: Connection, renewer: Connection, termMs: number): Promise<boolean> {
  await connection.execute("begin; select 1");
  using limit = timeLimit(Math.min(PROBE_MS, termMs / 4));
  try {
    await orAbort(renewer.query("select 1"), limit.signal);
    return false;
  } catch (error) {
    if (limit.signal.aborted) return true;
    throw error;
  } finally {
    if (!connection.lost.aborted) await connection.execute("rollback");
  }
}

function poolOfOne(connection: Connection, trustedMs: number): Problem {
  const limit = formatDuration(trustedMs);
  return {
    code: "DATABASE_POOLED",
    message: `The pooler has no second connection to the server while a migration uses the first, so the lock cannot be renewed: a migration that takes longer than ${limit} is rolled back.`,
    hint: wayOut(connection),
  };
}

function wayOut(connection: Connection): string {
  const direct = connection.pooler ?? "Use the direct URL of the database itself.";
  return `${direct} Or give this pool two connections to the server or more (in PgBouncer: default_pool_size or pool_size).`;
}

function marginOf(termMs: number): number {
  return Math.min(MARGIN_MS, termMs / 4);
}

interface Term {
  readonly row: LockRow;
  readonly sql: LockSql;
  readonly fence: string;
  readonly termMs: number;
  readonly askedAt: number;
  readonly caveat: Problem | undefined;
  readonly openAnother: () => Promise<Connection>;
}

class Lease implements Lock {
  readonly kind = "lease";
  readonly lost: AbortSignal;
  readonly fence: string;
  readonly caveat: Problem | undefined;
  readonly #connection: Connection;
  #renewer: Connection;
  readonly #term: Term;
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #trustedUntil: number;

  constructor(connection: Connection, renewer: Connection, term: Term) {
    this.#connection = connection;
    this.#renewer = renewer;
    this.#term = term;
    this.fence = `${term.sql.fence(term.row, term.fence)};`;
    this.lost = AbortSignal.any([this.#lost.signal, connection.lost]);
    this.caveat = term.caveat;
    this.#trustedUntil = term.askedAt + term.termMs - marginOf(term.termMs);
    this.#renewing = this.#renew();
    // Whoever has lost the connection takes the lock again. Nobody may renew the old term any longer.
    connection.lost.addEventListener("abort", () => void this.#end().catch(() => {}), { once: true });
  }

  async confirm(): Promise<void> {
    this.lost.throwIfAborted();
    await this.#connection.execute(this.fence);
  }

  async announce(doing: string): Promise<void> {
    await this.#connection.execute(this.#term.sql.describe(this.#term.row, this.#term.fence, doing));
  }

  async release(): Promise<void> {
    const { sql, row, fence } = this.#term;
    const release = sql.release(row, fence);
    this.#stop.abort();
    await this.#renewing;
    try {
      if (!this.lost.aborted)
        await this.#connection.execute(release).catch(async (error: unknown) => {
          // The other connection may still get through, or the next run would wait until the term is over.
          if (!this.#renewer.lost.aborted) await this.#renewer.execute(release);
          else throw error;
        });
    } finally {
      await this.#renewer.close();
    }
  }

  async #end(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#renewing;
    await this.#renewer.close();
  }

  async #renew(): Promise<void> {
    const { termMs, openAnother } = this.#term;
    const watchdog = () => Math.max(0, this.#trustedUntil - performance.now());
    while (!this.#stop.signal.aborted) {
      try {
        // A request without an answer ends a connection over HTTPS. The term is long enough for another.
        if (this.#renewer.lost.aborted && !this.#connection.capabilities.spanning)
          this.#renewer = await orAbort(openAnother(), this.#stop.signal);
        const over = AbortSignal.any([this.#stop.signal, this.#renewer.lost]);
        await delay(Math.min(termMs / 3, watchdog()), over);
        const askedAt = performance.now();
        if (askedAt >= this.#trustedUntil) return this.#lose("could not be renewed in time");
        if (!(await this.#renewOnce(watchdog()))) return this.#lose("was taken over by another run");
        this.#trustedUntil = askedAt + termMs - marginOf(termMs);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const gone = this.#renewer.lost.aborted && this.#connection.capabilities.spanning;
        if (watchdog() === 0 || gone) return this.#lose("could not be renewed", error);
        await delay(RETRY_MS, this.#stop.signal).catch(() => {});
      }
    }
  }

  /** Whether the lease is still ours. A function of its own: see the law about `using` in `test/architecture.test.ts`. */
  async #renewOnce(withinMs: number): Promise<boolean> {
    const { sql, row, fence, termMs } = this.#term;
    using limit = timeLimit(Math.ceil(withinMs));
    const expiry = AbortSignal.any([this.#stop.signal, limit.signal]);
    const { rowCount } = await orAbort(this.#renewer.query(sql.renew(row, fence, termMs)), expiry);
    return rowCount === 1;
  }

  #lose(why: string, cause?: unknown): void {
    const starved = this.caveat !== undefined && !this.#renewer.lost.aborted;
    this.#lost.abort(
      new LockError(
        {
          code: "LOCK_LOST",
          message: `The lock ${why}${starved ? ", because the pooler had no second connection to the server for it" : ""}; the current work is cancelled and rolled back.`,
          hint: starved
            ? `${wayOut(this.#connection)} Then run again: what was committed is in the ledger.`
            : "Run again: what was committed is in the ledger.",
        },
        { cause },
      ),
    );
  }
}

const HOLDER_IS_AT_WORK = new Set(["55P03", "40P01", ADVISORY_LOCK_HELD]);

/** Where a transaction cannot span messages, the message fails if somebody holds the advisory lock. */
async function acquireInOneMessage(
  connection: Connection,
  key: bigint,
  { create, acquire }: { create: string; acquire: string },
): Promise<string | undefined> {
  const results = await connection.execute(
    `begin; set local lock_timeout = '1s'; ${requireAdvisoryLock(key)}; ${create}; ${acquire}; commit`,
  );
  const fence = results.at(-2)?.rows[0]?.fence;
  return typeof fence === "string" ? fence : undefined;
}

async function tryAcquire(
  connection: Connection,
  key: bigint,
  { create, acquire }: { create: string; acquire: string },
): Promise<string | undefined> {
  const { spanning } = connection.capabilities;
  try {
    if (!spanning) return await acquireInOneMessage(connection, key, { create, acquire });
    const results = await connection.execute(
      `begin; set local lock_timeout = '1s';
       select pg_try_advisory_xact_lock(${key}) as free`,
    );
    if (results.at(-1)?.rows[0]?.free !== true) return undefined;
    // Runs under the lock, because `if not exists` does not protect two runs that create at the same time.
    const taken = await connection.execute(`${create}; ${acquire}`);
    const fence = taken.at(-1)?.rows[0]?.fence;
    await connection.execute("commit");
    return typeof fence === "string" ? fence : undefined;
  } catch (error) {
    // lock_not_available: the holder is inside a transaction, so it is alive even if its term is over.
    // deadlock_detected: the same, and the holder waits to create tables while we do.
    if (error instanceof DatabaseError && HOLDER_IS_AT_WORK.has(error.sqlState ?? "")) return undefined;
    throw error;
  } finally {
    if (spanning && !connection.lost.aborted) await connection.execute("rollback");
  }
}
