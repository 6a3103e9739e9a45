/**
 * The locks of a backfill, beside the migrations lock. Both belong to a session.
 *
 *   of the backfill   who holds it carries the backfill out
 *   of its table      two backfills, of two ledgers too, never work on one table
 *
 * Nobody waits for them: whoever finds one held goes on with something else, or refuses and names the holder. So only the
 * migrations lock is ever waited for, and no two runs can wait for each other.
 */
import type { Connection, Row } from "../database/connection.ts";
import { lockKey, lockPredicate } from "./session.ts";

export interface BackfillHolder {
  readonly pid: number;
  /** `godwit run …`, or what the session is called. */
  readonly application: string;
  /** A session of the same run, which has lost it. */
  readonly isOwn: boolean;
}

export function backfillKey(schema: string, revision: string): bigint {
  return lockKey(`${schema}:backfill:${revision}`);
}

export function tableKey(oid: string): bigint {
  return lockKey(`backfill of table ${oid}`);
}

/** Takes it for this session if it is free, and returns at once. */
export async function tryLock(connection: Connection, key: bigint): Promise<boolean> {
  const { rows } = await connection.query<Row & { locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(${key}) as locked`,
  );
  return rows[0]?.locked === true;
}

export async function unlock(connection: Connection, keys: readonly bigint[]): Promise<void> {
  if (keys.length === 0 || connection.lost.aborted) return;
  await connection.execute(keys.map((key) => `select pg_catalog.pg_advisory_unlock(${key})`).join("; "));
}

/** `null`: nobody holds it. */
export async function holderOf(connection: Connection, key: bigint): Promise<BackfillHolder | null> {
  const { rows } = await connection.query<Row & { pid: number; application: string | null; isOwn: boolean }>(
    `select a.pid, a.application_name as application,
  coalesce(a.application_name operator(pg_catalog.=) pg_catalog.current_setting('application_name'), false) as "isOwn" from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a using (pid) where ${lockPredicate(key)} limit 1`,
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, application: row.application ?? "another session" };
}
