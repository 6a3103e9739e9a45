/**
 * The lock for connections that are sessions: an advisory lock on the connection that migrates.
 *
 *   free ── pg_try_advisory_lock ──► held ── release, or the connection ends ──► free
 *
 * Waiters poll; they never block inside the server. A blocked `pg_advisory_lock` holds a snapshot. A `CREATE INDEX
 * CONCURRENTLY` of the holder would wait for that snapshot while its owner waits for the holder. PostgreSQL does not
 * report this hang. Between two polls a waiter has no transaction open.
 *
 * Losing the connection loses the lock and rolls back the open transaction at the same moment. No holder can commit
 * after it lost the lock, so no fence is needed.
 */
import { createHash } from "node:crypto";
import { endSession } from "../core/sql/end-session.ts";
import { hideLiterals } from "../core/sql/secrets.ts";
import { restored } from "../core/sql/stored.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, LockError } from "../errors.ts";
import { delay } from "../std/time.ts";
import { type Holder, type Lock, type LockOptions, lockName } from "./lock.ts";
import { type LockSql, lockSql } from "./sql.ts";
import { reportWaits } from "./wait.ts";

const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 250;

export async function acquireSessionLock(connection: Connection, options: LockOptions): Promise<Lock> {
  const name = lockName(options);
  const key = lockKey(name);
  const sql = lockSql(options.schema, name, options);
  const waits = reportWaits(options);
  for (let attempt = 1; !(await tryLock(connection, key, sql)); attempt++) {
    await waits.report(() => findHolder(connection, key, sql));
    const pauseMs = Math.min(POLL_MAX_MS, POLL_FIRST_MS * attempt) * (0.5 + Math.random());
    await delay(Math.min(pauseMs, waits.remainingMs()), options.signal);
  }
  return new SessionLock(connection, options, key);
}

/** The key of the advisory lock. A ledger has one migration lock, whose name is the ledger's schema. */
export function lockKey(name: string): bigint {
  return createHash("sha256").update(`godwit:${name}`).digest().readBigInt64BE();
}

class SessionLock implements Lock {
  readonly kind = "session";
  readonly fence = "";
  readonly #connection: Connection;
  readonly #options: LockOptions;
  readonly #key: bigint;
  #announced = false;

  constructor(connection: Connection, options: LockOptions, key: bigint) {
    this.#connection = connection;
    this.#options = options;
    this.#key = key;
  }

  get lost(): AbortSignal {
    return this.#connection.lost;
  }

  async confirm(): Promise<void> {
    // A migration can release the lock (`DISCARD ALL`, `pg_advisory_unlock_all`), so the server is asked each time.
    const { rows } = await this.#connection.query<{ held: boolean }>(
      `select exists (select from pg_catalog.pg_locks where pid operator(pg_catalog.=) pg_catalog.pg_backend_pid() and ${lockPredicate(this.#key)}) as held`,
    );
    if (rows[0]?.held) return;
    throw new LockError({
      code: "LOCK_LOST",
      message: "A migration has released the lock of this run (DISCARD ALL or pg_advisory_unlock_all).",
      hint: "Leave its file as it is: what was applied is in the ledger. Run again for the rest, and keep that statement out of later migrations.",
    });
  }

  async announce(doing: string): Promise<void> {
    const sql = this.#sql();
    await this.#connection.execute(
      `${this.#announced ? "" : `${sql.create()};`} ${sql.announce(this.#options, doing)}`,
    );
    this.#announced = true;
  }

  async release(): Promise<void> {
    if (this.#announced) await this.#connection.execute(this.#sql().withdraw(this.#options));
    // Check the boolean: the server reports unlocking a lock that is not held as a warning, not an error.
    const { rows } = await this.#connection.query<{ released: boolean }>(
      "select pg_catalog.pg_advisory_unlock($1) as released",
      [this.#key],
    );
    if (!rows[0]?.released) await this.#connection.close();
  }

  #sql(): LockSql {
    return lockSql(this.#options.schema, lockName(this.#options), this.#options);
  }
}

async function tryLock(connection: Connection, key: bigint, sql: LockSql): Promise<boolean> {
  const [lock, lease] = await Promise.all([
    connection.query<{ locked: boolean }>("select pg_catalog.pg_try_advisory_lock($1) as locked", [key]),
    connection.query<{ live: boolean }>(sql.anyLease()).catch((error) => {
      if (error instanceof DatabaseError && MISSING.has(error.sqlState ?? "")) return { rows: [] };
      throw error;
    }),
  ]);
  if (lock.rows[0]?.locked !== true) return false;
  const [found] = lease.rows;
  if (found === undefined) return true;
  if (!found.live && (await endLease(connection, sql.endLease()))) return true;
  await connection.query("select pg_catalog.pg_advisory_unlock($1)", [key]);
  return false;
}

/** `false`: the holder is inside a transaction, so it is alive even if its term is over. */
async function endLease(connection: Connection, end: string): Promise<boolean> {
  try {
    await connection.execute(`begin; set local lock_timeout = '1s'; ${end}; commit`);
    return true;
  } catch (error) {
    await connection.execute("rollback");
    if (error instanceof DatabaseError && error.sqlState === "55P03") return false;
    throw error;
  }
}

/** undefined_table, invalid_schema_name */
export const MISSING = new Set(["42P01", "3F000"]);

/** `pg_locks` stores the 64-bit key in two halves. */
/** Schemas and operators are named, because the search_path may put objects of others before the server's. */
export function lockPredicate(key: bigint): string {
  const bits = BigInt.asUintN(64, key);
  return `locktype operator(pg_catalog.=) 'advisory' and classid operator(pg_catalog.=) ${bits >> 32n}::pg_catalog.oid
    and objid operator(pg_catalog.=) ${bits & 0xffffffffn}::pg_catalog.oid and objsubid operator(pg_catalog.=) 1::pg_catalog.int2
    and database operator(pg_catalog.=) (select oid from pg_catalog.pg_database
      where datname operator(pg_catalog.=) pg_catalog.current_database()) and granted`;
}

/** Finds who holds the lock, as a session or as a lease, for the runs that wait for it. */
export async function findHolder(connection: Connection, key: bigint, sql: LockSql): Promise<Holder | null> {
  // The lease comes first. A run that tries for a lease holds the advisory lock only briefly and is not the holder.
  const lease = await findLeaseRow(connection, sql);
  if (lease !== null) return lease;
  const { rows } = await connection.query<{
    pid: number;
    user: string | null;
    host: string | null;
    application: string | null;
    heldForMs: number | null;
    doing: string | null;
    statementForMs: number | null;
  }>(`select a.pid, a.usename as "user", host(a.client_addr) as host, a.application_name as application,
      (extract(epoch from clock_timestamp() - a.backend_start) * 1000)::float8 as "heldForMs", left(a.query, 200) as doing,
      case when a.state = 'active' then (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 end as "statementForMs"
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid) where ${lockPredicate(key)} limit 1`);
  const [row] = rows;
  if (row === undefined) return null;
  const { application, doing, ...holder } = row;
  const runId = /run ([0-9a-f-]{36})/.exec(application ?? "")?.[1] ?? null;
  const outlives = connection.server.version < CHECKS_CLIENTS && row.statementForMs !== null;
  return {
    ...holder,
    doing: doing === null ? null : hideLiterals(doing),
    runId,
    release: `${endSession(row.pid)};`,
    ...(outlives ? { note: OUTLIVES } : {}),
  };
}

/** The first server version with `client_connection_check_interval`. */
const CHECKS_CLIENTS = 140_000;

const OUTLIVES =
  "PostgreSQL 13 notices that a runner is gone only when the runner's statement ends. If that run was killed, end its session";

async function findLeaseRow(connection: Connection, sql: LockSql): Promise<Holder | null> {
  const found = await connection
    .query<{ runId: string; host: string; doing: string | null; heldForMs: number }>(sql.liveLease())
    .catch(() => ({ rows: [] }));
  const [row] = found.rows;
  return row === undefined ? null : { pid: null, user: null, ...restored(row), release: sql.free() };
}
