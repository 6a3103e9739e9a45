/** Carries out a prepared plan, consecutive steps of one form together. */
import type { Step } from "../../core/plan.ts";
import { type GodwitError, type Problem, SourceError, StepFailed } from "../../errors.ts";
import type { StepFailure, StepReport } from "../report/report.ts";
import { ownSession, type StepContext, type StepOutcome } from "./context.ts";
import type { Prepared } from "./prepared.ts";
import { failureOf } from "./step-error.ts";

export interface ExecuteOptions {
  readonly policy: "stop" | "continue";
  readonly onDone: (report: StepReport) => void;
  readonly onFailed: (failure: StepFailure, error: GodwitError) => void;
  /** Steps that have failed in this run, with their errors. They are not tried again. */
  readonly failedBefore: ReadonlyMap<string, GodwitError>;
}

/**
 * Throws the first failure. Under `stop` it throws at once, under `continue` after all steps that don't depend
 * on it.
 */
export async function execute(
  context: StepContext,
  steps: readonly Prepared[],
  options: ExecuteOptions,
): Promise<void> {
  let [first] = options.failedBefore.values();
  const failed = new Set(options.failedBefore.keys());
  const fail = async (prepared: Prepared, outcome: StepOutcome & { ok: false }) => {
    failed.add(prepared.step.revision);
    first ??= outcome.error;
    options.onFailed(outcome.failure, outcome.error);
    context.observe({ kind: "step-failed", step: prepared.step, problem: outcome.failure.problem });
    await record(context, prepared, outcome);
    if (options.policy === "stop" || context.stop.aborted) throw outcome.error;
  };

  for (let index = 0; index < steps.length; ) {
    const prepared = steps[index] as Prepared;
    context.stop.throwIfAborted();
    if (options.failedBefore.has(prepared.step.revision)) {
      index++;
      continue;
    }
    const blocker = prepared.step.after.find((revision) => failed.has(revision));
    if (blocker !== undefined) {
      failed.add(prepared.step.revision);
      const error = notBegun(prepared, blocker);
      options.onFailed(failureOf(prepared.step.revision, error), error);
      index++;
    } else if (prepared.problem !== null) {
      const error = new SourceError([prepared.problem]);
      await fail(prepared, { ok: false, failure: failureOf(prepared.step.revision, error), error });
      index++;
    } else {
      const stretch = stretchFrom(steps, index, failed);
      const { done, failed: stopped } = await prepared.form.run(context, stretch, index, options.onDone);
      index += done;
      if (stopped !== null) {
        await fail(stopped.prepared, stopped.outcome);
        index++;
      }
      // A lock that was freed stays so if the step is rolled back.
      if (stretch.some(({ mayFreeLock }) => mayFreeLock)) await context.lock.confirm();
    }
  }
  if (first !== undefined) throw first;
}

/** Under `stop` every file is checked before anything is done. Throws `SourceError`. */
export function refuseBroken(steps: readonly Prepared[]): void {
  const problems = steps.flatMap((prepared) => (prepared.problem === null ? [] : [prepared.problem]));
  const [head, ...rest] = problems;
  if (head !== undefined) throw new SourceError([head, ...rest]);
}

/** Consecutive steps of one form, up to the first that can't run, depends on a failed step, or follows one that may free the lock. */
function stretchFrom(
  steps: readonly Prepared[],
  from: number,
  failed: ReadonlySet<string>,
): readonly Prepared[] {
  const rest = steps.slice(from);
  const form = rest[0]?.form;
  const end = rest.findIndex(
    (next, at) =>
      next.form !== form ||
      rest[at - 1]?.mayFreeLock === true ||
      next.problem !== null ||
      failed.has(next.step.revision) ||
      next.step.after.some((revision) => failed.has(revision)),
  );
  return end === -1 ? rest : rest.slice(0, end);
}

/** The log keeps every attempt. If it can't be written, that must not hide why the step failed. */
async function record(
  context: StepContext,
  { step }: Prepared,
  { failure }: StepOutcome & { ok: false },
): Promise<void> {
  if (context.connection.lost.aborted) return;
  await ownSession(context)
    .then(() => logFailure(context, step, failure))
    .catch(() => {});
}

export async function logFailure(
  { ledger, connection, author }: Pick<StepContext, "ledger" | "connection" | "author">,
  { revision, direction }: Step,
  { problem, committed }: StepFailure,
): Promise<void> {
  await ledger.log(connection, author, {
    event: "failed",
    revision,
    direction,
    durationMs: null,
    details: { code: problem.code, message: problem.message, place: placeOf(problem), committed },
  });
}

function placeOf(problem: Problem): unknown {
  const { file, line, column } = problem.place ?? {};
  return file === undefined ? null : { file, line: line ?? null, column: column ?? null };
}

function notBegun(prepared: Prepared, blocker: string): GodwitError {
  return new StepFailed({
    code: "STEP_FAILED",
    message: `${prepared.step.revision} was not begun: it depends on ${blocker}, which failed.`,
  });
}
