/** Carries out a migration written in TypeScript: in one transaction, like SQL, unless it says otherwise. */
import type { Result } from "../../database/connection.ts";
import { type DatabaseError, StepFailed } from "../../errors.ts";
import { type Committed, NOTHING } from "../report/committed.ts";
import { CALM, CALM_SESSION, guardOf, resetSession } from "../session/settings.ts";
import { begin, isWorthRetrying, rollback } from "../session/transaction.ts";
import { type Outcome, ownSession, pauseBeforeRetry, type Work, whereIs } from "./context.ts";
import { committedIn, endedTransaction, isClosed } from "./ended.ts";
import { applyFrame, closing, revertFrame } from "./frame.ts";
import { closed, frameError } from "./frame-error.ts";
import { entryOf, frameParts } from "./frame-parts.ts";
import type { Activity } from "./module-activity.ts";
import { callModule } from "./module-call.ts";
import type { Prepared } from "./prepared.ts";
import { interrupted } from "./resume.ts";
import { cutOff, failureOf, stepError } from "./step-error.ts";
import { placeOfTrace, traceOf } from "./trace.ts";
import { watch } from "./watch.ts";

export async function runModule(work: Work, prepared: Prepared, index: number): Promise<Outcome> {
  const { step } = prepared;
  const outside = !prepared.form.transactional;
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
        `${begin()} ${parts.ownRole} ${parts.fence} ${guardOf(work.target.settings)} ${parts.mirror.open} ${row}; commit`,
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
