/** What the server says about the sessions of runners, for tests. */

import { lockKey } from "../../src/lock/session.ts";
import type { TestDatabase } from "./database.ts";
import { ledgerSchema } from "./database.ts";
import { until } from "./until.ts";

/** The backend that holds the migration lock of this pass's ledger. */
export async function lockHolder(db: TestDatabase): Promise<number | undefined> {
  const bits = BigInt.asUintN(64, lockKey(ledgerSchema));
  const rows = await db.admin<{ pid: number }>(
    `select l.pid from pg_locks l join pg_database d on d.oid = l.database
     where locktype = 'advisory' and granted and classid = $1::bigint::oid and objid = $2::bigint::oid and d.datname = $3`,
    [String(bits >> 32n), String(bits & 0xffffffffn), db.name],
  );
  return rows[0]?.pid;
}

/** Resolves with the backend whose running statement matches, once there is one. */
export function running(db: TestDatabase, pattern: RegExp): Promise<number> {
  return until(
    async () => {
      const rows = await db.admin<{ pid: number; query: string }>(
        "select pid, query from pg_stat_activity where datname = $1 and state = 'active' and pid <> pg_backend_pid()",
        [db.name],
      );
      return rows.find(({ query }) => pattern.test(query))?.pid;
    },
    { what: `a statement like ${pattern}` },
  );
}

/**
 * How many sessions of this database wait for a lock, of one table or of any. The server also holds databases of other
 * tests. The session says which database it is: the lock of a transaction does not.
 */
export async function waiters(db: TestDatabase, table?: string): Promise<number> {
  const rows = await db.sql<{ n: number }>(
    `select count(*)::int as n from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where not granted and a.datname = current_database() and ($1::text is null or relation = to_regclass($1))`,
    [table ?? null],
  );
  return rows[0]?.n ?? 0;
}

/** The same, once that statement waits for a lock. */
export function blocked(db: TestDatabase, pattern: RegExp): Promise<number> {
  return until(
    async () => {
      const rows = await db.admin<{ pid: number; query: string }>(
        "select pid, query from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'",
        [db.name],
      );
      return rows.find(({ query }) => pattern.test(query))?.pid;
    },
    { what: `a statement like ${pattern} to wait for a lock` },
  );
}
