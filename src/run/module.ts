/**
 * Carries out a migration written in TypeScript: in one transaction, like SQL, unless it says otherwise.
 * The context is closed when the function settles: a statement that it forgot to wait for fails loudly.
 */
import type { Parameter, Result } from "../database/connection.ts";
import { DatabaseError, type GodwitError, PlanRefused, StepFailed } from "../errors.ts";
import type { Returned } from "../host/protocol.ts";
import { checkClosed, frameError } from "./pipeline.ts";
import type { Prepared } from "./prepare.ts";
import { applyFrame, closing, resetSession, revertFrame } from "./script.ts";
import { watch } from "./watch.ts";
import {
  entryOf,
  failureOf,
  frameParts,
  isWorthRetrying,
  type Outcome,
  pauseBeforeRetry,
  rollback,
  stepError,
  type Work,
} from "./work.ts";

export async function runModule(work: Work, prepared: Prepared, index: number): Promise<Outcome> {
  const { step } = prepared;
  const outside = prepared.form === "module-outside";
  const startedAt = performance.now();
  work.context.observe({ kind: "step-started", step, index, count: work.count });
  for (let attempt = 1; ; attempt++) {
    using observed = watch(work, () => step, work.target.settings.lockTimeoutMs);
    try {
      await (outside ? runOutside(work, prepared) : runInside(work, prepared));
      const report = {
        revision: step.revision,
        direction: step.direction,
        phase: step.phase,
        durationMs: performance.now() - startedAt,
        attempts: attempt,
        transactional: !outside,
      };
      work.context.observe({ kind: "step-done", step, report, index, count: work.count });
      return { ok: true, report };
    } catch (error) {
      if (work.connection.lost.aborted) throw work.connection.lost.reason;
      await rollback(work.connection);
      const problem = stepError(work, prepared, null, error, { blockers: observed.blockers });
      const retry =
        !outside &&
        isWorthRetrying(error) &&
        attempt < work.target.settings.lockAttempts &&
        !work.stop.aborted;
      if (!retry)
        return {
          ok: false,
          failure: failureOf(step.revision, problem, outside ? "unknown" : "none"),
          error: problem,
        };
      await pauseBeforeRetry(work, step, attempt, problem, observed.blockers);
    }
  }
}

async function runInside(work: Work, prepared: Prepared): Promise<void> {
  const { step } = prepared;
  if (step.reason === "resume") throw interrupted(prepared);
  const parts = frameParts(work, prepared);
  const frame =
    step.direction === "up"
      ? applyFrame(parts, entryOf(prepared, null), "partial")
      : revertFrame(parts, step.revision);
  await work.connection.execute(frame.open);
  const first = await callModule(work, prepared);
  let results: readonly Result[];
  try {
    results = await work.connection.execute(frame.close);
  } catch (error) {
    // 25P02: a statement failed, the module caught the error, and the transaction was lost all the same.
    throw (error as DatabaseError).sqlState === "25P02" && first !== undefined
      ? first
      : frameError(error, step.revision);
  }
  checkClosed(step.revision, results);
}

async function runOutside(work: Work, prepared: Prepared): Promise<void> {
  const { step, settings } = prepared;
  const parts = frameParts(work, prepared);
  if (step.reason === "resume" && settings.idempotent !== true) throw interrupted(prepared);
  if (step.reason !== "resume") {
    const row =
      step.direction === "up"
        ? work.ledger.sql.insert(entryOf(prepared, null), work.author, "partial")
        : work.ledger.sql.startReverting(step.revision);
    await work.connection.execute(`begin; ${parts.ownRole} ${parts.fence} ${parts.kept.open} ${row}; commit`);
  }
  if (work.kind.session)
    await work.connection.execute(resetSession(work.kind, work.target.settings, settings));
  await work.lock.confirm();
  await callModule(work, prepared);
  await rollback(work.connection);
  await work.connection.execute(closing(parts, step.direction, entryOf(prepared, null)));
}

/** Before its function is called, its process may have to be started anew and its module to be imported. */
const IMPORT_MS = 30_000;

/** For the watch over promises that never settle. */
interface Activity {
  inFlight: number;
  lastMs: number;
  /** The first error of the server, also if the module caught it. */
  firstError: DatabaseError | undefined;
}

/** Calls the function and waits for it; returns the first error of the database that it swallowed, if any. */
export async function callModule(work: Work, prepared: Prepared): Promise<DatabaseError | undefined> {
  const body = await prepared.load();
  if (body.kind !== "module") throw new Error("Only a module has a function to call.");
  const { connection, context, target } = work;
  const lastMs = performance.now() + IMPORT_MS;
  const activity: Activity = { inFlight: 0, lastMs, firstError: undefined };
  const supervised = async <T>(run: () => Promise<T>): Promise<T> => {
    activity.inFlight++;
    try {
      return await run();
    } catch (error) {
      if (error instanceof DatabaseError) activity.firstError ??= error;
      throw error;
    } finally {
      activity.inFlight--;
      activity.lastMs = performance.now();
    }
  };
  const idle = new AbortController();
  const timer = watchIdle(activity, target.settings.idleTimeoutMs, () =>
    idle.abort(neverSettled(work, prepared)),
  );
  try {
    const { unbegun, unawaited } = await body.call({
      query: (text, parameters) =>
        supervised(() => connection.query(text, parameters as readonly Parameter[])),
      execute: (text) => supervised(() => connection.execute(text)),
      begun: () => {
        activity.lastMs = performance.now();
      },
      log: (level, message) => context.observe({ kind: "log", step: prepared.step, level, message }),
      signal: AbortSignal.any([work.stop, connection.lost]),
      abandoned: idle.signal,
    });
    refuseUnbegun(prepared, unbegun);
    if (unawaited > 0) throw notAwaited(prepared, unawaited);
  } finally {
    clearInterval(timer);
  }
  return activity.firstError;
}

/** What a generator or a query builder stands for has not happened. */
export function refuseUnbegun({ step }: Prepared, unbegun: Returned["unbegun"]): void {
  if (unbegun === null) return;
  const isQuery = unbegun === "query";
  throw new StepFailed({
    code: "STEP_FAILED",
    message: `${step.file} returned ${isQuery ? "a query that was never executed" : "a generator, which nobody runs"}; nothing of it was done.`,
    hint: isQuery
      ? "Call execute() on it, and await that."
      : "Write a plain async function, and await each statement.",
    place: { file: step.file },
  });
}

/** The timer also keeps the process alive while a promise that nothing will ever resolve is waited for. */
function watchIdle(activity: Activity, idleTimeoutMs: number, onIdle: () => void): NodeJS.Timeout {
  return setInterval(
    () => {
      const idleMs = activity.inFlight === 0 ? performance.now() - activity.lastMs : 0;
      if (idleTimeoutMs > 0 && idleMs > idleTimeoutMs) onIdle();
    },
    idleTimeoutMs === 0 ? 1_000 : Math.min(1_000, Math.max(10, idleTimeoutMs / 4)),
  );
}

/** Their errors would come too late, or reach nobody. */
function notAwaited({ step }: Prepared, count: number): GodwitError {
  const statements = count === 1 ? "a statement" : `${count} statements`;
  return new StepFailed({
    code: "STEP_FAILED",
    message: `${step.file} settled while ${statements} of it still ran.`,
    hint: "Await every statement.",
    place: { file: step.file },
  });
}

function neverSettled(work: Work, { step }: Prepared): GodwitError {
  const seconds = Math.round(work.target.settings.idleTimeoutMs / 1000);
  return new StepFailed({
    code: "STEP_NEVER_SETTLED",
    message: `${step.file} has not settled, and has had no statement running for ${seconds} s; it was rolled back.`,
    hint: "A promise in it never resolves. If it really works that long without the database, raise --idle-timeout.",
    place: { file: step.file },
  });
}

function interrupted({ step }: Prepared): PlanRefused {
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended in the middle of ${step.file}, outside a transaction; how far it came is not known.`,
      hint: `Look at the database. If it is complete: godwit repair --mark-done ${step.revision}. If it may run again: godwit repair --retry ${step.revision} (or declare it idempotent: true).`,
      place: { file: step.file },
    },
  ]);
}
