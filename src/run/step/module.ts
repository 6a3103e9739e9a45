/** Carries out a migration written in TypeScript: in one transaction, like SQL, unless it says otherwise. And one that a program carries out. */
import type { Result } from "../../database/connection.ts";
import { type DatabaseError, StepFailed } from "../../errors.ts";
import { type Committed, NOTHING, UNASKED } from "../report/committed.ts";
import { CALM, CALM_SESSION, guardOf, resetSession } from "../session/settings.ts";
import { begin, isWorthRetrying, rollback } from "../session/transaction.ts";
import {
  ownSession,
  pauseBeforeRetry,
  type StepContext,
  type StepOutcome,
  stepDone,
  whereIs,
} from "./context.ts";
import { committedIn, endedTransaction, isClosed } from "./ended.ts";
import { applyFrame, closing, revertFrame } from "./frame.ts";
import { closed, frameError } from "./frame-error.ts";
import { entryOf, frameParts } from "./frame-parts.ts";
import type { Activity } from "./module-activity.ts";
import { callModule } from "./module-call.ts";
import type { Prepared } from "./prepared.ts";
import { callProgram } from "./program.ts";
import { interrupted } from "./resume.ts";
import { cutOff, failureOf, stepError } from "./step-error.ts";
import { placeOfTrace, traceOf } from "./trace.ts";
import { watch } from "./watch.ts";

export async function runModule(
  context: StepContext,
  prepared: Prepared,
  index: number,
): Promise<StepOutcome> {
  const { step } = prepared;
  const outside = !prepared.form.transactional;
  const startedAt = performance.now();
  context.observe({ kind: "step-started", step, index, count: context.count });
  for (let attempt = 1; ; attempt++) {
    using observed = watch(context, () => step, context.target.settings.lockTimeoutMs);
    const progress: ModuleProgress = {
      begun: false,
      activity: undefined,
      started: false,
      complete: false,
      closing: false,
    };
    try {
      await (outside ? runOutside(context, prepared, progress) : runInside(context, prepared, progress));
      return stepDone(context, step, index, { startedAt, attempts: attempt, transactional: !outside });
    } catch (error) {
      const { lost } = context.connection;
      const wasLost = lost.aborted;
      await rollback(context.connection);
      // A statement that obeys no cancel: at its end the run asks the ledger.
      if (wasLost || (lost.aborted && context.stop.aborted)) {
        context.lostAt?.(keptWhenLost(progress, prepared));
        throw lost.reason;
      }
      const committed = outside ? await settle(context, prepared, progress) : committedIn(error);
      const place = await placeOfTrace(traceOf(error), whereIs(context, step));
      const problem = stepError(context, prepared, null, error, {
        blockers: observed.blockers,
        committed,
        place,
      });
      const retry =
        !outside &&
        isWorthRetrying(error) &&
        attempt < context.target.settings.lockAttempts &&
        !context.stop.aborted;
      if (!retry) return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
      await pauseBeforeRetry(context, step, attempt, problem, observed.blockers);
    }
  }
}

/** How far a module outside a transaction has come. */
interface ModuleProgress {
  /** The ledger has a row that says so. */
  begun: boolean;
  activity: Activity | undefined;
  /** A program of the user's runs, or has run. */
  started: boolean;
  /** The function has returned without an error. Only the last row is missing. */
  complete: boolean;
  /** The end of its transaction was sent. */
  closing: boolean;
}

/** What is known of a module without asking the ledger. */
function keptWhenLost({ closing }: ModuleProgress, prepared: Prepared): Committed {
  if (!prepared.form.transactional) return unknownOf(prepared);
  return closing ? UNASKED : NOTHING;
}

function unknownOf({ settings: { idempotent } }: Prepared): Committed {
  return { extent: "unknown", position: null, idempotent };
}

/**
 * After a failure outside a transaction: the step becomes pending again, unless something of it may have been
 * committed.
 */
async function settle(
  context: StepContext,
  prepared: Prepared,
  progress: ModuleProgress,
): Promise<Committed> {
  const { step } = prepared;
  const mayHaveKept =
    progress.complete || progress.started || progress.activity?.commits.mayHaveKept() === true;
  // Nobody knows what an earlier attempt did.
  if (mayHaveKept || step.reason === "resume") return unknownOf(prepared);
  if (!progress.begun) return NOTHING;
  const { sql } = context.ledger;
  const { ownRole: own, fence } = frameParts(context, prepared);
  const row =
    step.direction === "down"
      ? sql.markApplied(step.revision)
      : `${sql.remove(step.revision)} and state = 'partial'`;
  await ownSession(context);
  await context.connection.execute(`${begin()} ${own} ${fence} ${row}; commit`);
  return NOTHING;
}

async function runInside(context: StepContext, prepared: Prepared, progress: ModuleProgress): Promise<void> {
  const { step } = prepared;
  if (step.reason === "resume") throw cutOff(context, step, { file: step.file }) ?? interrupted(prepared);
  const parts = frameParts(context, prepared);
  const frame =
    step.direction === "up"
      ? applyFrame(parts, entryOf(prepared, null), "partial")
      : revertFrame(parts, step.revision);
  const opened = await context.connection.execute(
    `${frame.open}; select pg_catalog.pg_current_xact_id()::text as id`,
  );
  const transaction = opened.at(-1)?.rows[0]?.id as string | undefined;
  const first = await callModule(context, prepared);
  let results: readonly Result[];
  progress.closing = !context.connection.lost.aborted;
  try {
    // In a failed transaction the second message fails too.
    const [, closed] = await Promise.allSettled([
      context.connection.execute(CALM),
      context.connection.execute(frame.close),
    ]);
    if (closed.status === "rejected") throw closed.reason;
    results = closed.value;
  } catch (error) {
    // 25P02: the module caught the error of a statement, but the transaction has failed all the same.
    throw (error as DatabaseError).sqlState === "25P02" && first !== undefined
      ? first
      : frameError(error, step.revision);
  }
  if (!isClosed(results)) throw await endedTransaction(context, step, transaction ?? null);
}

async function runOutside(context: StepContext, prepared: Prepared, progress: ModuleProgress): Promise<void> {
  const { step, settings } = prepared;
  const parts = frameParts(context, prepared);
  if (step.reason === "resume" && settings.idempotent !== true)
    throw cutOff(context, step, { file: step.file }) ?? interrupted(prepared);
  if (step.reason !== "resume") {
    const row =
      step.direction === "up"
        ? context.ledger.sql.insert(entryOf(prepared, null), context.author, "partial")
        : context.ledger.sql.startReverting(step.revision);
    await context.connection
      .execute(
        `${begin()} ${parts.ownRole} ${parts.fence} ${guardOf(context.target.settings)} ${parts.mirror.open} ${row}; commit`,
      )
      .catch((error) => {
        throw frameError(error, step.revision);
      });
  }
  progress.begun = true;
  if (context.kind.session)
    await context.connection.execute(resetSession(context.kind, context.target.settings, settings));
  await context.lock.confirm();
  if (prepared.form.sends === "program")
    await callProgram(context, prepared, () => {
      progress.started = true;
    });
  else
    await callModule(context, prepared, (activity) => {
      progress.activity = activity;
    });
  // If this fails, the transaction has failed. The next question finds that out.
  await context.connection.execute(CALM_SESSION).catch(() => {});
  if (await isInTransaction(context)) throw leftOpen(prepared);
  progress.complete = true;
  await closed(context, step, closing(parts, step.direction, entryOf(prepared, null)));
}

/** Whether the session is in a transaction block that was begun in an earlier message, failed or not. */
async function isInTransaction({ connection }: StepContext): Promise<boolean> {
  try {
    // One message holds both: in two messages the times would differ in every transaction.
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
