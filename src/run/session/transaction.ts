/** Transactions of our own: how they begin, how they are left, and when the same again may succeed. */
import type { TransactionModes } from "../../core/sql/transaction-modes.ts";
import type { Connection, Result } from "../../database/connection.ts";
import { isRaised, isRetryableTransaction } from "../../database/sqlstate.ts";
import { DatabaseError } from "../../errors.ts";
import type { Lock } from "../../lock/lock.ts";

/**
 * First of all, because an isolation level cannot be chosen behind a query. All modes are said, so that what an earlier
 * migration has left as the session's default does not count.
 */
export function begin({ isolation, deferrable }: TransactionModes = {}): string {
  return `begin isolation level ${isolation ?? "read committed"} read write${deferrable === true ? " deferrable" : ""};`;
}

/** Leaves a failed transaction; quiet where the connection is gone, for then the server has rolled back. */
export async function rollback(connection: Connection): Promise<void> {
  if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
}

/**
 * Whether the same again may succeed: the server rolled all of it back, and time alone may help. What a migration raises
 * itself under such a code is its own failure.
 */
export function isWorthRetrying(error: unknown): boolean {
  return error instanceof DatabaseError && isRetryableTransaction(error.sqlState) && !isRaised(error.routine);
}

/**
 * Statements of ours in one transaction that counts only while the lock is held. `statements` end with a semicolon each. Throws
 * what the server refuses; then nothing of it is kept.
 */
export async function writeUnderLock(
  connection: Connection,
  { fence }: Pick<Lock, "fence">,
  statements: string,
): Promise<readonly Result[]> {
  return connection.execute(`${begin()} ${fence} ${statements} commit`);
}
