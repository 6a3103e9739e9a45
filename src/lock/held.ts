/** The locks of a ledger that somebody holds, for people who look. A run that waits asks `findHolder`. */
import { restored } from "../core/sql/stored.ts";
import type { Connection, Row } from "../database/connection.ts";
import { lockSql } from "./sql.ts";

export interface HeldLock {
  readonly host: string | null;
  /** `null`: the holder is no session, and its lock is a lease. */
  readonly pid: number | null;
  readonly doing: string | null;
}

/** The migration lock and those of imports. Empty where no run has made the table yet. */
export async function heldLocks(connection: Connection, schema: string): Promise<readonly HeldLock[]> {
  const sql = lockSql(schema);
  const found = await connection.query<Row & { there: boolean }>(sql.isThere());
  if (found.rows[0]?.there !== true) return [];
  const { rows } = await connection.query<Row & HeldLock>(sql.held());
  return restored(rows);
}
