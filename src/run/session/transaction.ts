/** The run's own transactions: how they begin, how they are left, and when they are worth a retry. */
import type { TransactionModes } from "../../core/sql/transaction-modes.ts";
import type { Connection, Result } from "../../database/connection.ts";
import { isRaised, isRetryableTransaction } from "../../database/sqlstate.ts";
import { DatabaseError } from "../../errors.ts";
import type { Lock } from "../../lock/lock.ts";

/**
 * The first statement of a transaction, because an isolation level can't be chosen behind a query. It says all
 * modes, so that a session default which an earlier migration has left does not count.
 */
export function begin({ isolation, deferrable }: TransactionModes = {}): string {
  return `begin isolation level ${isolation ?? "read committed"} read write${deferrable === true ? " deferrable" : ""};`;
}

/** Leaves a failed transaction. On a lost connection it does nothing, because the server has rolled back. */
export async function rollback(connection: Connection): Promise<void> {
  if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
}

/**
 * Whether a retry may succeed: the server has rolled back everything, and time may help. An error that a
 * migration itself raises with such a code is its own failure.
 */
export function isWorthRetrying(error: unknown): boolean {
  return error instanceof DatabaseError && isRetryableTransaction(error.sqlState) && !isRaised(error.routine);
}

/**
 * Runs statements of the run's own in one transaction, which fails if the lock is lost. Each of them ends with
 * a semicolon. Throws the server's error, and then nothing is kept.
 */
export async function writeUnderLock(
  connection: Connection,
  { fence }: Pick<Lock, "fence">,
  statements: string,
): Promise<readonly Result[]> {
  return connection.execute(`${begin()} ${fence} ${statements} commit`);
}
