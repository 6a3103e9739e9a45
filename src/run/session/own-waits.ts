/**
 * Lock waits of the run's own statements, such as those on its ledger or its lock's row.
 *
 * They are treated like those of a migration: after the lock timeout, the work begins again, and the blocker is
 * named.
 *
 *   work ── 55P03, 40P01, 40001 ──► pause ──► work again, on a new connection ──► … ──► the error, with the blocker
 *
 * The server has rolled back the transaction that failed. What was committed before it is in the ledger, so the
 * work reads the ledger again. Errors of steps never arrive here as a `DatabaseError`: they are `StepFailed`,
 * and steps have their own retries.
 */
import type { Blocker, Connection } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import { backoffMs, delay } from "../../std/time.ts";
import { inTheWay } from "../report/blockers.ts";
import { asInterruption } from "./ending.ts";
import type { RunContext, Target } from "./target.ts";
import { isWorthRetrying } from "./transaction.ts";

const LOOK_EVERY_MS = 1_000;

export interface OwnWaits {
  /** Looks for the sessions that block this connection, until it is disposed. */
  watch(connection: Connection): Disposable;
}

/** Throws what `work` throws. An error of a lock is thrown only after as many attempts as a step gets. */
export async function patiently<T>(
  target: Target,
  context: RunContext,
  work: (waits: OwnWaits) => Promise<T>,
): Promise<T> {
  const { lockAttempts: attempts, lockTimeoutMs } = target.settings;
  for (let attempt = 1; ; attempt++) {
    let blockers: readonly Blocker[] = [];
    const seen = (found: readonly Blocker[]) => {
      blockers = found;
    };
    try {
      return await work({ watch: (connection) => watchOver(connection, { lockTimeoutMs, seen }) });
    } catch (thrown) {
      const error = asInterruption(thrown, context.signal);
      if (!(error instanceof DatabaseError) || !isWorthRetrying(error)) throw error;
      const blocked = blockedError(error, blockers);
      if (attempt >= attempts) throw blocked;
      const delayMs = backoffMs(attempt, { firstMs: 200, maxMs: 30_000 });
      context.observe({
        kind: "run-retry",
        attempt,
        attempts,
        delayMs,
        problem: blocked.toProblem(),
        blockers,
      });
      await delay(delayMs, context.signal);
    }
  }
}

/** Looks for the sessions that block the connection, until it is disposed. */
export function watchOver(
  connection: Connection,
  { lockTimeoutMs, seen }: { lockTimeoutMs: number; seen: (blockers: readonly Blocker[]) => void },
): Disposable {
  const done = new AbortController();
  const look = async () => {
    const everyMs = lockTimeoutMs > 0 ? Math.min(LOOK_EVERY_MS, lockTimeoutMs / 2) : LOOK_EVERY_MS;
    while (!done.signal.aborted && !connection.lost.aborted) {
      await delay(everyMs, done.signal);
      const found = await connection.blockers().catch(() => []);
      if (!done.signal.aborted && found.length > 0) seen(found);
    }
  };
  if (connection.capabilities.observer) look().catch(() => {});
  return { [Symbol.dispose]: () => done.abort() };
}

function blockedError(error: DatabaseError, blockers: readonly Blocker[]): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_ERROR",
      message: `Another session holds a lock on a table of the run itself, such as its ledger: ${error.message}.`,
      hint:
        inTheWay(blockers) ??
        "Wait until it is done, or raise --lock-timeout. To see it: select pid, query from pg_stat_activity where pid in (select pid from pg_locks where relation is not null);",
      details: error.details,
    },
    { cause: error, sqlState: error.sqlState, routine: error.routine },
  );
}
