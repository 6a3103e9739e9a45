/**
 * What a backfill does before its first window and behind its last one. No window is open there, so a lock in the way is
 * waited out as one of a window is: the work is tried again, and ends the run only after as many tries.
 */
import type { Blocker } from "../../../database/connection.ts";
import { watchOver } from "../../session/own-waits.ts";
import { isWorthRetrying, rollback } from "../../session/transaction.ts";
import type { Body } from "../body.ts";
import { pauseBeforeRetry, type StepContext } from "../context.ts";
import type { Prepared } from "../prepared.ts";
import { stepError } from "../step-error.ts";
import { committedOf, type Filling } from "./filling.ts";

interface Trying {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly body: Body;
  /** What the ledger has of it. `null`: nothing. */
  readonly state: Filling["state"] | null;
}

/** Throws what `work` throws, which must leave nothing where a lock has ended it. */
export async function throughLocks<T>(
  { context, prepared, body, state }: Trying,
  work: () => Promise<T>,
): Promise<T> {
  const { connection, stop, target } = context;
  const { lockAttempts, lockTimeoutMs } = target.settings;
  for (let attempt = 1; ; attempt++) {
    let blockers: readonly Blocker[] = [];
    const seen = (found: readonly Blocker[]) => {
      blockers = found;
    };
    const watching = watchOver(connection, { lockTimeoutMs, seen });
    try {
      return await work();
    } catch (error) {
      const isOver = connection.lost.aborted || stop.aborted || attempt >= lockAttempts;
      if (isOver || !isWorthRetrying(error)) throw error;
      await rollback(connection);
      const committed = committedOf(state);
      const problem = stepError(context, prepared, body, error, { committed, blockers });
      await pauseBeforeRetry(context, prepared.step, attempt, problem, blockers);
    } finally {
      watching[Symbol.dispose]();
    }
  }
}
