/** The context that every form of a step runs in, and the ways in which a step can end. */
import type { Step } from "../../core/plan.ts";
import type { Blocker, Connection } from "../../database/connection.ts";
import type { DatabaseError, GodwitError, Problem } from "../../errors.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Author } from "../../ledger/rows.ts";
import type { Lock } from "../../lock/lock.ts";
import { backoffMs, delay } from "../../std/time.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { Advisory } from "../mirror/tool-lock.ts";
import type { ToolWatch } from "../mirror/tool-watch.ts";
import type { Committed } from "../report/committed.ts";
import type { Observe } from "../report/events.ts";
import type { StepFailure, StepReport } from "../report/report.ts";
import { resetSession, type SessionKind } from "../session/settings.ts";
import type { Target } from "../session/target.ts";

export interface StepContext {
  readonly target: Target;
  readonly observe: Observe;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly ledger: Ledger;
  readonly author: Author;
  readonly kind: SessionKind;
  /** Aborts on a signal, at the deadline, or when the lock can't be trusted any more. */
  readonly stop: AbortSignal;
  /** The moment from which backfills begin no window. */
  readonly until?: Date | undefined;
  /**
   * Takes the migrations lock again, which a backfill has given away for its windows. Left out: they run under the lock,
   * because something else of this run relies on it.
   */
  readonly retake?: (() => Promise<void>) | undefined;
  /** The number of steps in the plan, for progress. */
  readonly count: number;
  /** Puts a warning into the report. */
  readonly warn?: ((problem: Problem) => void) | undefined;
  /**
   * Whether a failed step would come too late in the next run, because steps behind it are carried out all the
   * same.
   */
  readonly isOvertaken?: ((revision: string) => boolean) | undefined;
  /** How to run again after a failure, where the same command does something else: `run …`. */
  readonly runAgain?: (() => string | undefined) | undefined;
  /** Receives what a module that is already done has gone on to do. */
  readonly late?: ((error: GodwitError) => void) | undefined;
  /** The step that this run was carrying out when it lost its connection. */
  readonly cut?: { readonly revision: string; readonly error: DatabaseError } | undefined;
  /** Receives what is known of a step whose connection was lost, without asking the ledger. */
  readonly lostAt?: ((known: Committed) => void) | undefined;
  /** Receives each text that a module sends. */
  readonly sent?: ((revision: string, text: string) => void) | undefined;
  /** What a person has deleted from our history, so that it runs again. */
  readonly again?: ReadonlySet<string> | undefined;
  /** The history of another tool, which the run writes too. */
  readonly mirror?: Mirror | null | undefined;
  /** A tool whose history the run doesn't write. Its own runs must not overlap with this one. */
  readonly watch?: ToolWatch | null | undefined;
  /** The lock of another tool, where the session can't hold it. */
  readonly advisory?: Advisory | null | undefined;
}

/** How one step ended. A lost connection is thrown instead. */
export type StepOutcome =
  | { readonly ok: true; readonly report: StepReport }
  | { readonly ok: false; readonly failure: StepFailure; readonly error: GodwitError };

interface Done {
  /** When it began, on the clock of the process. */
  readonly startedAt: number;
  readonly attempts?: number;
  readonly transactional: boolean;
}

/** What is reported of a step that has ended now. */
export function reportOf(step: Step, { startedAt, attempts = 1, transactional }: Done): StepReport {
  const { revision, direction, phase } = step;
  return {
    ...{ revision, direction, phase, durationMs: performance.now() - startedAt },
    ...{ attempts, transactional },
  };
}

/** Tells that a step is done. */
export function stepDone(context: StepContext, step: Step, index: number, done: Done): StepOutcome {
  const report = reportOf(step, done);
  context.observe({ kind: "step-done", step, report, index, count: context.count });
  return { ok: true, report };
}

/** The folder and the file in which to look for places of a module. */
export function whereIs(
  context: StepContext,
  step: Step,
): { readonly folder: string; readonly file: string } {
  return { folder: context.target.source.folder, file: step.file };
}

/** Resets the session after a migration, before the run asks or writes something itself. */
export async function ownSession(context: StepContext): Promise<void> {
  if (context.kind.session)
    await context.connection.execute(resetSession(context.kind, context.target.settings, {}));
}

/** The pause between two attempts grows. */
export async function pauseBeforeRetry(
  context: StepContext,
  step: Step,
  attempt: number,
  error: GodwitError,
  blockers: readonly Blocker[],
): Promise<void> {
  const delayMs = backoffMs(attempt, { firstMs: 200, maxMs: 30_000 });
  const attempts = context.target.settings.lockAttempts;
  context.observe({
    kind: "step-retry",
    step,
    attempt,
    attempts,
    delayMs,
    problem: error.toProblem(),
    blockers,
  });
  await delay(delayMs, context.stop);
}
