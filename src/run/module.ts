/**
 * Carries out a migration written in TypeScript: in one transaction, like SQL, unless it says otherwise.
 * The context is closed when the function settles: a statement that it forgot to wait for fails loudly.
 */
import type { Result } from "../database/connection.ts";
import { type DatabaseError, type GodwitError, type Place, PlanRefused, StepFailed } from "../errors.ts";
import type { Left, Returned } from "../host/protocol.ts";
import { type Committed, decideByHand, NOTHING } from "./committed.ts";
import { committedIn, endedTransaction, isClosed } from "./ended.ts";
import { type Activity, createActivity, supervised } from "./module-activity.ts";
import { closed, frameError } from "./pipeline.ts";
import type { Prepared } from "./prepare.ts";
import {
  applyFrame,
  begin,
  CALM,
  CALM_SESSION,
  closing,
  guardOf,
  resetSession,
  revertFrame,
} from "./script.ts";
import { placeOfTrace, traceOf } from "./trace.ts";
import { watch } from "./watch.ts";
import {
  cutOff,
  entryOf,
  failureOf,
  frameParts,
  isWorthRetrying,
  type Outcome,
  ownSession,
  pauseBeforeRetry,
  rollback,
  stepError,
  type Work,
  whereIs,
} from "./work.ts";

export async function runModule(work: Work, prepared: Prepared, index: number): Promise<Outcome> {
  const { step } = prepared;
  const outside = prepared.form === "module-outside";
  const startedAt = performance.now();
  work.context.observe({ kind: "step-started", step, index, count: work.count });
  for (let attempt = 1; ; attempt++) {
    using observed = watch(work, () => step, work.target.settings.lockTimeoutMs);
    const progress: Progress = { begun: false, activity: undefined, complete: false };
    try {
      await (outside ? runOutside(work, prepared, progress) : runInside(work, prepared));
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
      // A statement that obeys no cancel: at its end the run asks the ledger.
      if (work.stop.aborted && work.connection.lost.aborted) throw work.connection.lost.reason;
      const committed = outside ? await settle(work, prepared, progress) : committedIn(error);
      const place = await placeOfTrace(traceOf(error), whereIs(work, step));
      const problem = stepError(work, prepared, null, error, {
        blockers: observed.blockers,
        committed,
        place,
      });
      const retry =
        !outside &&
        isWorthRetrying(error) &&
        attempt < work.target.settings.lockAttempts &&
        !work.stop.aborted;
      if (!retry) return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
      await pauseBeforeRetry(work, step, attempt, problem, observed.blockers);
    }
  }
}

/** Of a module outside a transaction. */
interface Progress {
  /** Its row in the ledger says that it has begun. */
  begun: boolean;
  activity: Activity | undefined;
  /** Its function has settled well: only the last row is missing. */
  complete: boolean;
}

/** After a failure outside a transaction: where nothing can have stayed, it is as pending as before. */
async function settle(work: Work, prepared: Prepared, progress: Progress): Promise<Committed> {
  const { step } = prepared;
  const mayHaveKept = progress.complete || progress.activity?.tally.mayHaveKept() === true;
  // What an earlier attempt did is not known.
  if (mayHaveKept || step.reason === "resume") return { extent: "unknown", position: null };
  if (!progress.begun) return NOTHING;
  const { sql } = work.ledger;
  const { ownRole: own, fence } = frameParts(work, prepared);
  const row =
    step.direction === "down"
      ? sql.markApplied(step.revision)
      : `${sql.remove(step.revision)} and state = 'partial'`;
  await ownSession(work);
  await work.connection.execute(`${begin()} ${own} ${fence} ${row}; commit`);
  return NOTHING;
}

async function runInside(work: Work, prepared: Prepared): Promise<void> {
  const { step } = prepared;
  if (step.reason === "resume") throw cutOff(work, step, { file: step.file }) ?? interrupted(prepared);
  const parts = frameParts(work, prepared);
  const frame =
    step.direction === "up"
      ? applyFrame(parts, entryOf(prepared, null), "partial")
      : revertFrame(parts, step.revision);
  const opened = await work.connection.execute(
    `${frame.open}; select pg_catalog.pg_current_xact_id()::text as id`,
  );
  const transaction = opened.at(-1)?.rows[0]?.id as string | undefined;
  const first = await callModule(work, prepared);
  let results: readonly Result[];
  try {
    // In a transaction that has failed the second one says so too.
    const [, closed] = await Promise.allSettled([
      work.connection.execute(CALM),
      work.connection.execute(frame.close),
    ]);
    if (closed.status === "rejected") throw closed.reason;
    results = closed.value;
  } catch (error) {
    // 25P02: a statement failed, the module caught the error, and the transaction was lost all the same.
    throw (error as DatabaseError).sqlState === "25P02" && first !== undefined
      ? first
      : frameError(error, step.revision);
  }
  if (!isClosed(results)) throw await endedTransaction(work, step, transaction ?? null);
}

async function runOutside(work: Work, prepared: Prepared, progress: Progress): Promise<void> {
  const { step, settings } = prepared;
  const parts = frameParts(work, prepared);
  if (step.reason === "resume" && settings.idempotent !== true)
    throw cutOff(work, step, { file: step.file }) ?? interrupted(prepared);
  if (step.reason !== "resume") {
    const row =
      step.direction === "up"
        ? work.ledger.sql.insert(entryOf(prepared, null), work.author, "partial")
        : work.ledger.sql.startReverting(step.revision);
    await work.connection
      .execute(
        `${begin()} ${parts.ownRole} ${parts.fence} ${guardOf(work.target.settings)} ${parts.kept.open} ${row}; commit`,
      )
      .catch((error) => {
        throw frameError(error, step.revision);
      });
  }
  progress.begun = true;
  if (work.kind.session)
    await work.connection.execute(resetSession(work.kind, work.target.settings, settings));
  await work.lock.confirm();
  await callModule(work, prepared, (activity) => {
    progress.activity = activity;
  });
  // Where this fails, the transaction has: the next question finds that out.
  await work.connection.execute(CALM_SESSION).catch(() => {});
  if (await isInTransaction(work)) throw leftOpen(prepared);
  progress.complete = true;
  await closed(work, step, closing(parts, step.direction, entryOf(prepared, null)));
}

/** Whether the session is in a transaction block that was begun earlier, failed or not. */
async function isInTransaction({ connection }: Work): Promise<boolean> {
  try {
    // As one message: parsed and executed apart, the two times differ in every transaction.
    const [answer] = await connection.execute(
      "select pg_catalog.now() operator(pg_catalog.<>) pg_catalog.statement_timestamp() as open",
    );
    return answer?.rows[0]?.open === true;
  } catch (error) {
    if ((error as DatabaseError).sqlState === "25P02") return true;
    throw error;
  }
}

function leftOpen({ step }: Prepared): StepFailed {
  return new StepFailed({
    code: "STEP_ENDED_TRANSACTION",
    message: `${step.file} left a transaction open; what was in that transaction was rolled back.`,
    hint: "Commit it in the module, or leave BEGIN away.",
    place: { file: step.file },
  });
}

/**
 * Calls the function and waits for it; returns the first error of the database that it swallowed, if any. `onStart` is
 * handed the count of what it does.
 */
export async function callModule(
  work: Work,
  prepared: Prepared,
  onStart: (activity: Activity) => void = () => {},
): Promise<DatabaseError | undefined> {
  const body = await prepared.load();
  if (body.kind !== "module") throw new Error("Only a module has a function to call.");
  const activity = createActivity(prepared.step.file);
  onStart(activity);
  const idle = new AbortController();
  const timer = watchIdle(activity, work.target.settings.idleTimeoutMs, () =>
    idle.abort(neverSettled(work, prepared)),
  );
  try {
    const returned = await body.call({
      ...supervised(work, { activity, prepared }),
      begun: () => {
        activity.lastMs = performance.now();
      },
      log: (level, message) => work.context.observe({ kind: "log", step: prepared.step, level, message }),
      late: (how, place) => work.late?.(leftBehind(prepared, how, place)),
      signal: AbortSignal.any([work.stop, work.connection.lost]),
      abandoned: idle.signal,
    });
    await refuseUnfinished(prepared, returned, whereIs(work, prepared.step));
  } finally {
    clearInterval(timer);
  }
  if (activity.refused !== undefined) throw activity.refused;
  return activity.firstError;
}

/** What a function did not wait for may have failed; what a generator or a builder stands for has not happened. */
export async function refuseUnfinished(
  prepared: Prepared,
  { unbegun, left }: Returned,
  where: ReturnType<typeof whereIs>,
): Promise<void> {
  if (unbegun !== null) throw notBegun(prepared, unbegun);
  if (left === null) return;
  throw unfinished(prepared, left, await placeOfTrace(left, where));
}

function notBegun({ step }: Prepared, unbegun: "generator" | "query"): StepFailed {
  const isQuery = unbegun === "query";
  return new StepFailed({
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

/** Errors of such statements would come too late, or reach nobody. */
function unfinished({ step }: Prepared, { kind, count }: Left, place: Place | undefined): StepFailed {
  const statements = count === 1 ? "a statement" : `${count} statements`;
  const builders = count === 1 ? "a schema builder that was" : `${count} schema builders that were`;
  const [what, hint] = {
    unawaited: [`settled while ${statements} of it still ran`, "Await every statement."],
    late: [
      `began ${statements} after its function had settled`,
      "Await every statement; what a timer or a callback does needs a promise that is awaited.",
    ],
    unexecuted: [
      `made ${builders} never executed, so nothing of that was done`,
      "Call execute() at the end of each chain, and await that.",
    ],
  }[kind] as [string, string];
  return new StepFailed({
    code: "STEP_FAILED",
    message: `${step.file} ${what}.`,
    hint,
    place: place ?? { file: step.file },
  });
}

const CORRECT_UP =
  "Look at what that migration was to do: it is in the ledger. Correct it with a new migration";
const CORRECT_DOWN =
  "Look at what that way back was to do: its migration is out of the ledger. Take away by hand what is left before `godwit up` applies it again";

/** Seen when the step may have been committed already. */
function leftBehind({ step }: Prepared, how: string, place: Place | undefined): StepFailed {
  return new StepFailed({
    code: "STEP_LEFT_BEHIND",
    message: `${step.file} ${how}.`,
    hint: `${step.direction === "up" ? CORRECT_UP : CORRECT_DOWN}, and await every statement and every promise.`,
    place: place ?? { file: step.file },
  });
}

function neverSettled(work: Work, { step }: Prepared): GodwitError {
  const seconds = Math.round(work.target.settings.idleTimeoutMs / 1000);
  return new StepFailed({
    code: "STEP_NEVER_SETTLED",
    message: `${step.file} has not settled, and has had no statement running for ${seconds} s.`,
    hint: "A promise in it never resolves. If it really works that long without the database, raise --idle-timeout.",
    place: { file: step.file },
  });
}

/** An earlier run has begun it, and nobody knows how far it came. */
export function interrupted({ step }: Pick<Prepared, "step">): PlanRefused {
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended in the middle of ${step.direction === "down" ? "the way back of " : ""}${step.file}, outside a transaction; how far it came is not known.`,
      hint: decideByHand(step.revision, step.direction),
      place: { file: step.file },
    },
  ]);
}
