/** What all the ways of carrying out a step are given, and how a step can end. */
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
  /** Aborts when work must stop: a signal, the deadline, or a lock that cannot be trusted any more. */
  readonly stop: AbortSignal;
  /** Number of steps in the plan, for progress. */
  readonly count: number;
  /** Puts a warning into the report. */
  readonly warn?: ((problem: Problem) => void) | undefined;
  /** Whether it is late if it fails, because those behind it are carried out all the same. */
  readonly isOvertaken?: ((revision: string) => boolean) | undefined;
  /** What a module left behind went on when its step was done. */
  readonly late?: ((error: GodwitError) => void) | undefined;
  /** What this run itself was doing when it lost its connection. */
  readonly cut?: { readonly revision: string; readonly error: DatabaseError } | undefined;
  /** Told each text that a module sends. */
  readonly sent?: ((revision: string, text: string) => void) | undefined;
  /** Another tool's history that is kept in step. */
  readonly mirror?: Mirror | null | undefined;
  /** A tool that is not told, and whose own work must not meet ours. */
  readonly watch?: ToolWatch | null | undefined;
  /** Another tool's lock, where the session cannot hold it. */
  readonly advisory?: Advisory | null | undefined;
}

/** How one step ended. `error` is set together with `failure`; connection loss is thrown instead. */
export type StepOutcome =
  | { readonly ok: true; readonly report: StepReport }
  | { readonly ok: false; readonly failure: StepFailure; readonly error: GodwitError };

/** For what looks for places in a module's files. */
export function whereIs(
  context: StepContext,
  step: Step,
): { readonly folder: string; readonly file: string } {
  return { folder: context.target.source.folder, file: step.file };
}

/** Undoes what migrations did to the session, for what the run itself has to say and to ask between them. */
export async function ownSession(context: StepContext): Promise<void> {
  if (context.kind.session)
    await context.connection.execute(resetSession(context.kind, context.target.settings, {}));
}

/** Growing pauses between two tries of one step. */
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
