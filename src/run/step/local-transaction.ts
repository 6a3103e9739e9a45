/**
 * Whether a statement outside a transaction committed anything before it failed.
 *
 * A session numbers its transactions, and each `COMMIT` and `ROLLBACK` of a procedure begins a new one. The
 * numbers before and after the statement tell how many it ended.
 */
import type { Connection, Row } from "../../database/connection.ts";

/** The number of the current transaction, or `null` where the session has none to tell. */
export async function localTransaction(connection: Connection): Promise<number | null> {
  if (!connection.capabilities.session) return null;
  const { rows } = await connection.query<Row & { number: number | null }>(
    `select pg_catalog.split_part(virtualtransaction, '/', 2)::float8 as number from pg_catalog.pg_locks
     where locktype = 'virtualxid' and pid = pg_catalog.pg_backend_pid()`,
  );
  return rows[0]?.number ?? null;
}

/**
 * How many transactions the one statement sent since `since` has ended before it failed; `null` if that is not
 * known. `ours` is the number of the run's own messages since then.
 */
export async function commitsOf(
  connection: Connection,
  since: number | null,
  ours: number,
): Promise<number | null> {
  if (since === null) return null;
  // A cancel request that was meant for the statement may hit this question.
  const now = await localTransaction(connection).catch(() => null);
  // One transaction is the statement itself, one is the question.
  return now === null ? null : now - since - 2 - ours;
}
