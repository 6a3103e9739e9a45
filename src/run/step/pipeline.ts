/**
 * Carries out transactional SQL steps, many in flight at once. `frame.ts` says why that is safe.
 *
 * Every failure is handled in the same way: wait until every message in flight is answered, roll back, and
 * report how far the steps came. The messages behind the failed one have no effect. The caller decides whether
 * to try again.
 */
import { asciiComments } from "../../core/sql/comments.ts";
import { DatabaseError } from "../../errors.ts";
import { sendsOneByOne } from "../../source/layouts/no-transaction.ts";
import type { StepReport } from "../report/report.ts";
import { isWorthRetrying, rollback } from "../session/transaction.ts";
import { type Body, statementsOf } from "./body.ts";
import { pauseBeforeRetry, reportOf, type StepContext, type StepOutcome } from "./context.ts";
import { committedIn, endedTransaction, isClosed } from "./ended.ts";
import { applyFrame, revertFrame } from "./frame.ts";
import { frameError } from "./frame-error.ts";
import { entryOf, frameParts } from "./frame-parts.ts";
import { needsOutside } from "./outside.ts";
import type { Prepared } from "./prepared.ts";
import { sendStep } from "./send.ts";
import { failureOf, stepError } from "./step-error.ts";
import { type Watch, watch } from "./watch.ts";

/** At a round trip of 4 ms these allow thousands of steps a second. More would only use more memory. */
const IN_FLIGHT_STEPS = 16;
const IN_FLIGHT_BYTES = 1024 * 1024;

export interface PipelineResult {
  /** The number of steps that are done. `onDone` was called for each as soon as it was done. */
  readonly done: number;
  /** The step that failed, or one that the server accepts only outside a transaction. */
  readonly stopped: {
    readonly prepared: Prepared;
    readonly outcome: StepOutcome & { ok: false };
    readonly outsideNeeded: boolean;
  } | null;
}

/** Stops at the first step that fails for good. */
export async function runPipeline(
  context: StepContext,
  steps: readonly Prepared[],
  firstIndex: number,
  onDone: (report: StepReport) => void,
): Promise<PipelineResult> {
  let done = 0;
  let attempt = 1;
  while (done < steps.length) {
    const before = done;
    const failed = await flight(context, steps.slice(before), firstIndex + before, attempt, (report) => {
      done++;
      onDone(report);
    });
    if (failed === null) break;
    if (done > before) attempt = 1;
    const { prepared, error, body, blockers } = failed;
    const retry =
      isWorthRetrying(error) && attempt < context.target.settings.lockAttempts && !context.stop.aborted;
    const problem = stepError(context, prepared, body, error, { blockers });
    if (!retry) {
      const failure = failureOf(prepared.step.revision, problem, committedIn(error));
      const outcome = { ok: false as const, failure, error: problem };
      return { done, stopped: { prepared, outcome, outsideNeeded: losesNothingOutside(context, failed) } };
    }
    await pauseBeforeRetry(context, prepared.step, attempt, problem, blockers);
    attempt++;
  }
  return { done, stopped: null };
}

/**
 * Whether the step may run again outside a transaction. That is so where the server refuses its only statement
 * inside one, or where the step's own tool uses no transaction either. No other failure is tried in another
 * way.
 */
export function losesNothingOutside(
  context: StepContext,
  { prepared, error, body }: Pick<Failed, "prepared" | "error" | "body">,
): boolean {
  if (body?.kind !== "sql" || prepared.settings.transaction !== undefined || context.stop.aborted)
    return false;
  const statements = statementsOf(body);
  const alone = statements.length === 1 || sendsOneByOne(context.target.source.layout);
  const statement = statements[error instanceof DatabaseError ? (error.completed ?? 0) : 0];
  return alone && statement !== undefined && needsOutside(error, statement) !== null;
}

interface Failed {
  readonly prepared: Prepared;
  readonly error: unknown;
  readonly body: Body | null;
  readonly blockers: Watch["blockers"];
}

/** Sends steps until one fails. Returns that step after all answers have come. */
async function flight(
  context: StepContext,
  steps: readonly Prepared[],
  firstIndex: number,
  firstAttempt: number,
  onDone: (report: StepReport) => void,
): Promise<Failed | null> {
  const width = context.connection.capabilities.pipeline ? IN_FLIGHT_STEPS : 1;
  const queue: { prepared: Prepared; sent: Promise<void>; bytes: number; body: Body }[] = [];
  let next = 0;
  let bytes = 0;
  let head = 0;
  let startedAt = performance.now();
  let failed: Omit<Failed, "blockers"> | null = null;
  // The file was changed or removed after it was planned. The steps already sent are still waited for.
  let unreadable: Omit<Failed, "blockers"> | null = null;
  using observed = watch(
    context,
    () => (steps[head] ?? (steps[0] as Prepared)).step,
    context.target.settings.lockTimeoutMs,
  );

  try {
    while (head < steps.length && failed === null) {
      while (
        next < steps.length &&
        queue.length < width &&
        (bytes < IN_FLIGHT_BYTES || queue.length === 0) &&
        unreadable === null &&
        !context.stop.aborted
      ) {
        const prepared = steps[next] as Prepared;
        const body = await prepared.load().catch((error: unknown) => {
          unreadable = { prepared, error, body: null };
          return null;
        });
        if (body === null) break;
        const sent = send(context, prepared, body, queue.length > 0);
        sent.catch(() => {});
        const size = body.kind === "sql" ? body.text.length : 0;
        queue.push({ prepared, sent, bytes: size, body });
        bytes += size;
        next++;
      }
      const first = queue.shift();
      if (first === undefined) {
        context.stop.throwIfAborted();
        failed = unreadable;
        break;
      }
      if (head === 0) startedAt = performance.now();
      const step = first.prepared.step;
      context.observe({ kind: "step-started", step, index: firstIndex + head, count: context.count });
      try {
        await first.sent;
      } catch (error) {
        failed = { prepared: first.prepared, error, body: first.body };
        break;
      }
      bytes -= first.bytes;
      const attempts = head === 0 ? firstAttempt : 1;
      const report = reportOf(step, { startedAt, attempts, transactional: true });
      startedAt = performance.now();
      onDone(report);
      context.observe({ kind: "step-done", step, report, index: firstIndex + head, count: context.count });
      head++;
    }
  } finally {
    // Nothing may be in flight when the caller uses the connection again.
    await Promise.allSettled(queue.map((one) => one.sent));
    if (failed !== null || context.stop.aborted) await rollback(context.connection);
  }
  if (failed === null) return null;
  if (context.connection.lost.aborted) throw context.connection.lost.reason;
  return { ...failed, blockers: observed.blockers };
}

/** `follows`: other steps are in flight before this one. */
async function send(context: StepContext, prepared: Prepared, body: Body, follows: boolean): Promise<void> {
  if (body.kind !== "sql") throw new Error("Only SQL can be pipelined.");
  const parts = frameParts(context, prepared, body, follows);
  const { step } = prepared;
  const frame =
    step.direction === "up"
      ? applyFrame(parts, entryOf(prepared, body.revert))
      : revertFrame(parts, step.revision);
  const sent = await sendStep(context.connection, frame, asciiComments(body.text));
  if ("error" in sent) throw sent.ofText ? sent.error : frameError(sent.error, step.revision);
  if (!isClosed(sent.closed)) throw await endedTransaction(context, step);
}
