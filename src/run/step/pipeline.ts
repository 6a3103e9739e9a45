/**
 * Carries out transactional SQL steps, many in flight at once. `script.ts` says why that is safe.
 *
 * Whatever fails, the answer is the same: wait until every message in flight is answered (those behind the
 * failed one have no effect), roll back, and report how far it went. The caller decides whether to try again.
 */
import { asciiComments } from "../../core/sql/comments.ts";
import { INDEX_SQLSTATE } from "../../core/sql/index-guard.ts";
import { restored } from "../../core/sql/stored.ts";
import { NOT_NULL_VIOLATION, READ_ONLY_TRANSACTION, UNIQUE_VIOLATION } from "../../database/sqlstate.ts";
import { DatabaseError, LockError, StepFailed } from "../../errors.ts";
import { FENCE_SQLSTATE } from "../../lock/sql.ts";
import { sendsOneByOne } from "../../source/layouts/no-transaction.ts";
import { appliedByTool, PRESENT_SQLSTATE, presentBeside } from "../mirror/mirror.ts";
import type { StepReport } from "../report/report.ts";
import { asSchemaGone } from "../session/schema-gone.ts";
import { CALM } from "../session/settings.ts";
import { isWorthRetrying, rollback } from "../session/transaction.ts";
import {
  entryOf,
  failureOf,
  frameParts,
  type Outcome,
  pauseBeforeRetry,
  stepError,
  type Work,
} from "./context.ts";
import { committedIn, endedTransaction, isClosed } from "./ended.ts";
import { applyFrame, revertFrame } from "./frame.ts";
import { needsOutside } from "./outside.ts";
import { type Body, type Prepared, statementsOf } from "./prepare.ts";
import { type Watch, watch } from "./watch.ts";

/** At a round trip of 4 ms still thousands of steps a second; more only keeps more in memory. */
const IN_FLIGHT_STEPS = 16;
const IN_FLIGHT_BYTES = 1024 * 1024;

export interface PipelineResult {
  /** How many of the steps are done; each was told to `onDone` the moment it was. */
  readonly done: number;
  /** The failed step, or one that turned out to need no transaction around it. */
  readonly stopped: {
    readonly prepared: Prepared;
    readonly outcome: Outcome & { ok: false };
    readonly outsideNeeded: boolean;
  } | null;
}

/** Steps that ran are reported in order; stops at the first that fails for good. */
export async function runPipeline(
  work: Work,
  steps: readonly Prepared[],
  firstIndex: number,
  onDone: (report: StepReport) => void,
): Promise<PipelineResult> {
  let done = 0;
  let attempt = 1;
  while (done < steps.length) {
    const before = done;
    const failed = await flight(work, steps.slice(before), firstIndex + before, attempt, (report) => {
      done++;
      onDone(report);
    });
    if (failed === null) break;
    if (done > before) attempt = 1;
    const { prepared, error, body, blockers } = failed;
    const retry = isWorthRetrying(error) && attempt < work.target.settings.lockAttempts && !work.stop.aborted;
    const problem = stepError(work, prepared, body, error, { blockers });
    if (!retry) {
      const failure = failureOf(prepared.step.revision, problem, committedIn(error));
      const outcome = { ok: false as const, failure, error: problem };
      return { done, stopped: { prepared, outcome, outsideNeeded: losesNothingOutside(work, failed) } };
    }
    await pauseBeforeRetry(work, prepared.step, attempt, problem, blockers);
    attempt++;
  }
  return { done, stopped: null };
}

/**
 * Whether the step may be run again outside a transaction: its only statement is one that the server itself refuses inside,
 * or its tool has no transaction around it either. Whatever else fails is never tried in another way.
 */
export function losesNothingOutside(
  work: Work,
  { prepared, error, body }: Pick<Failed, "prepared" | "error" | "body">,
): boolean {
  if (body?.kind !== "sql" || prepared.settings.transaction !== undefined || work.stop.aborted) return false;
  const statements = statementsOf(body);
  const alone = statements.length === 1 || sendsOneByOne(work.target.source.layout);
  const statement = statements[error instanceof DatabaseError ? (error.completed ?? 0) : 0];
  return alone && statement !== undefined && needsOutside(error, statement) !== null;
}

interface Failed {
  readonly prepared: Prepared;
  readonly error: unknown;
  readonly body: Body | null;
  readonly blockers: Watch["blockers"];
}

/** One stretch without a failure. Returns the first step that failed, after all answers have come. */
async function flight(
  work: Work,
  steps: readonly Prepared[],
  firstIndex: number,
  firstAttempt: number,
  onDone: (report: StepReport) => void,
): Promise<Failed | null> {
  const width = work.connection.capabilities.pipeline ? IN_FLIGHT_STEPS : 1;
  const queue: { prepared: Prepared; sent: Promise<void>; bytes: number; body: Body }[] = [];
  let next = 0;
  let bytes = 0;
  let head = 0;
  let startedAt = performance.now();
  let failed: Omit<Failed, "blockers"> | null = null;
  // The file changed or went since it was planned: what was sent before it is still waited for.
  let unreadable: Omit<Failed, "blockers"> | null = null;
  using observed = watch(
    work,
    () => (steps[head] ?? (steps[0] as Prepared)).step,
    work.target.settings.lockTimeoutMs,
  );

  try {
    while (head < steps.length && failed === null) {
      while (
        next < steps.length &&
        queue.length < width &&
        (bytes < IN_FLIGHT_BYTES || queue.length === 0) &&
        unreadable === null &&
        !work.stop.aborted
      ) {
        const prepared = steps[next] as Prepared;
        const body = await prepared.load().catch((error: unknown) => {
          unreadable = { prepared, error, body: null };
          return null;
        });
        if (body === null) break;
        const sent = send(work, prepared, body);
        sent.catch(() => {});
        const size = body.kind === "sql" ? body.text.length : 0;
        queue.push({ prepared, sent, bytes: size, body });
        bytes += size;
        next++;
      }
      const first = queue.shift();
      if (first === undefined) {
        work.stop.throwIfAborted();
        failed = unreadable;
        break;
      }
      if (head === 0) startedAt = performance.now();
      const step = first.prepared.step;
      work.context.observe({ kind: "step-started", step, index: firstIndex + head, count: work.count });
      try {
        await first.sent;
      } catch (error) {
        failed = { prepared: first.prepared, error, body: first.body };
        break;
      }
      bytes -= first.bytes;
      const report: StepReport = {
        revision: step.revision,
        direction: step.direction,
        phase: step.phase,
        durationMs: performance.now() - startedAt,
        attempts: head === 0 ? firstAttempt : 1,
        transactional: true,
      };
      startedAt = performance.now();
      onDone(report);
      work.context.observe({ kind: "step-done", step, report, index: firstIndex + head, count: work.count });
      head++;
    }
  } finally {
    // Nothing may be in flight when the caller uses the connection again.
    await Promise.allSettled(queue.map((one) => one.sent));
    if (failed !== null || work.stop.aborted) await rollback(work.connection);
  }
  if (failed === null) return null;
  if (work.connection.lost.aborted) throw work.connection.lost.reason;
  return { ...failed, blockers: observed.blockers };
}

async function send(work: Work, prepared: Prepared, body: Body): Promise<void> {
  if (body.kind !== "sql") throw new Error("Only SQL can be pipelined.");
  const parts = frameParts(work, prepared, body);
  const { step } = prepared;
  const frame =
    step.direction === "up"
      ? applyFrame(parts, entryOf(prepared, body.revert))
      : revertFrame(parts, step.revision);
  const open = work.connection.execute(frame.open);
  const run = work.connection.execute(asciiComments(body.text), { rows: "discard" });
  const calm = /timeout/i.test(body.text) ? work.connection.execute(CALM) : undefined;
  const close = work.connection.execute(frame.close);
  const [opened, ran, calmed, closed] = await Promise.allSettled([open, run, calm, close]);
  if (opened.status === "rejected") throw frameError(opened.reason, step.revision);
  if (ran.status === "rejected") throw ran.reason;
  if (calmed.status === "rejected") throw frameError(calmed.reason, step.revision);
  if (closed.status === "rejected") throw frameError(closed.reason, step.revision);
  if (!isClosed(closed.value)) throw await endedTransaction(work, step);
}

/** An error in our own statements: its position is none of the file's. */
export function frameError(error: unknown, revision: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.sqlState === UNIQUE_VIOLATION && /migration_(history|log)/.test(error.message))
    return new LockError(
      {
        code: "LOCK_LOST",
        message: `${revision} has meanwhile been applied by another run.`,
        hint: "Run again: the plan is made again from the ledger.",
      },
      { cause: error },
    );
  if (error.sqlState === NOT_NULL_VIOLATION && /migration_log/.test(error.message))
    return rowGone(revision, error);
  const gone = asSchemaGone(error);
  if (gone !== error) return gone;
  if (error.sqlState === READ_ONLY_TRANSACTION) return leftReadOnly(revision, error);
  if (error.sqlState === PRESENT_SQLSTATE) return appliedByTool(restored(error.message), error);
  if (error.sqlState === INDEX_SQLSTATE) return indexRefused(error);
  if (error.sqlState === FENCE_SQLSTATE)
    return new LockError(
      {
        code: "LOCK_LOST",
        message: `The migration lock was taken over by another run before ${revision} began; nothing of it was done.`,
        hint: "Run again: the plan is made again from the ledger.",
      },
      { cause: error },
    );
  return error.withoutPosition();
}

/** The last transaction of a step outside of one. Throws `PlanRefused` where another tool was at work meanwhile. */
export async function closed(
  { connection }: Pick<Work, "connection">,
  step: Prepared["step"],
  sql: string,
): Promise<void> {
  await connection.execute(sql).catch((error: unknown) => {
    throw presentBeside(error, step);
  });
}

/** What `indexGuard` has raised. */
export function indexRefused(error: DatabaseError): StepFailed {
  const { message, hint } = error;
  return new StepFailed({ code: "STEP_INDEX_INVALID", message, hint }, { cause: error });
}

/** The open transaction has no row of the step in the ledger, so it fails, and nothing of it is kept. */
function rowGone(revision: string, cause: unknown): StepFailed {
  return new StepFailed(
    {
      code: "STEP_ENDED_TRANSACTION",
      message: `The row of ${revision} was not in the ledger any more when it was to be completed.`,
      hint: `It was rolled back; nothing of it was kept. Look for what changes migration_history (a trigger or a rule on it, or ${revision} itself), remove that, then run again.`,
    },
    { cause },
  );
}

function leftReadOnly(revision: string, cause: unknown): StepFailed {
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${revision} left its transaction read-only, so its ledger row could not be written.`,
      hint: "It was rolled back; nothing of it was kept: remove what sets transaction_read_only, then run again.",
    },
    { cause },
  );
}
