/**
 * What a backfill does outside of its windows. Nothing is open there, so a lock in the way is waited out as one of a window
 * is: the work is tried again, and ends the run only after as many tries.
 */
import type { Blocker } from "../../../database/connection.ts";
import type { GodwitError } from "../../../errors.ts";
import { watchOver } from "../../session/own-waits.ts";
import { isWorthRetrying, rollback } from "../../session/transaction.ts";
import type { Body } from "../body.ts";
import { pauseBeforeRetry, type StepContext } from "../context.ts";
import type { Prepared } from "../prepared.ts";
import { stepError } from "../step-error.ts";
import { committedOf, type Filling } from "./filling.ts";

/** What is told of a try that a lock has ended. */
type Tell = (error: unknown, blockers: readonly Blocker[]) => GodwitError;

interface Trying {
  readonly context: StepContext;
  readonly prepared: Pick<Prepared, "step">;
  readonly tell: Tell;
  /** What ends the run after the last try. Left out: the error itself. */
  readonly last?: Tell;
  /** No try comes after this one. */
  readonly isHalted?: (() => boolean) | undefined;
}

/** Begins `work` at once. Throws what it throws, which must leave nothing where a lock has ended it. */
export async function retryWhileLocked<T>(
  { context, prepared: { step }, tell, last, isHalted }: Trying,
  work: () => Promise<T>,
): Promise<T> {
  const { connection, stop, target } = context;
  const { lockAttempts, lockTimeoutMs } = target.settings;
  for (let attempt = 1; ; attempt++) {
    let blockers: readonly Blocker[] = [];
    const seen = (found: readonly Blocker[]) => {
      blockers = found;
    };
    let watching: Disposable | undefined;
    try {
      const working = work();
      watching = watchOver(connection, { lockTimeoutMs, seen });
      return await working;
    } catch (error) {
      if (connection.lost.aborted || stop.aborted || !isWorthRetrying(error)) throw error;
      await rollback(connection);
      if (attempt >= lockAttempts || isHalted?.() === true) throw last?.(error, blockers) ?? error;
      await pauseBeforeRetry(context, step, attempt, tell(error, blockers), blockers);
    } finally {
      watching?.[Symbol.dispose]();
    }
  }
}

interface Author {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly body: Body;
  /** What the ledger has of it. `null`: nothing. */
  readonly state: Filling["state"] | null;
}

/** The same with what the author's statements ask or do. */
export async function throughLocks<T>(
  { context, prepared, body, state }: Author,
  work: () => Promise<T>,
): Promise<T> {
  const tell: Tell = (error, blockers) =>
    stepError(context, prepared, body, error, { committed: committedOf(state), blockers });
  return retryWhileLocked({ context, prepared, tell }, work);
}
