/**
 * Whether a statement outside a transaction has committed anything before it failed. A session numbers its transactions,
 * and each `COMMIT` and `ROLLBACK` of a procedure begins one more: so the numbers before and after tell how many it ended.
 */
import type { Connection, Row } from "../../database/connection.ts";

/** The number of the transaction in which this is asked; `null` where it cannot be had. */
export async function localTransaction(connection: Connection): Promise<number | null> {
  if (!connection.capabilities.session) return null;
  const { rows } = await connection.query<Row & { number: number | null }>(
    `select pg_catalog.split_part(virtualtransaction, '/', 2)::float8 as number from pg_catalog.pg_locks
     where locktype = 'virtualxid' and pid = pg_catalog.pg_backend_pid()`,
  );
  return rows[0]?.number ?? null;
}

/**
 * How many transactions the one statement sent since then has ended before it failed; `null`: not known. `ours`: messages
 * that were sent beside it.
 */
export async function commitsOf(
  connection: Connection,
  since: number | null,
  ours: number,
): Promise<number | null> {
  if (since === null) return null;
  // A request to cancel that was meant for the statement may hit the question.
  const now = await localTransaction(connection).catch(() => null);
  // One for the statement itself, one for the question.
  return now === null ? null : now - since - 2 - ours;
}
