/** Carries out a prepared plan: runs of transactional SQL in a pipeline, everything else one by one. */
import type { Step } from "../core/plan.ts";
import { type GodwitError, type Problem, SourceError, StepFailed } from "../errors.ts";
import { interruptedBefore } from "./interruption.ts";
import { runModule } from "./module.ts";
import { runPipeline } from "./pipeline.ts";
import type { Prepared } from "./prepare.ts";
import type { StepFailure, StepReport } from "./report.ts";
import { runStatements } from "./statements.ts";
import { failureOf, type Outcome, ownSession, type Work } from "./work.ts";

export interface ExecuteOptions {
  readonly policy: "stop" | "continue";
  readonly onDone: (report: StepReport) => void;
  readonly onFailed: (failure: StepFailure, error: GodwitError) => void;
  /** What has failed already in this run, with its error: it is not tried again. */
  readonly failedBefore: ReadonlyMap<string, GodwitError>;
}

/** Throws the first failure: at once under `stop`, after all that does not depend on it under `continue`. */
export async function execute(
  work: Work,
  steps: readonly Prepared[],
  options: ExecuteOptions,
): Promise<void> {
  let [first] = options.failedBefore.values();
  const failed = new Set(options.failedBefore.keys());
  const fail = async (prepared: Prepared, outcome: Outcome & { ok: false }) => {
    failed.add(prepared.step.revision);
    first ??= outcome.error;
    options.onFailed(outcome.failure, outcome.error);
    work.context.observe({ kind: "step-failed", step: prepared.step, problem: outcome.failure.problem });
    await record(work, prepared, outcome);
    if (options.policy === "stop" || work.stop.aborted) throw outcome.error;
  };

  for (let index = 0; index < steps.length; ) {
    const prepared = steps[index] as Prepared;
    if (work.stop.aborted) throw interruptedBefore(work.stop, prepared.step);
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
    } else if (prepared.form === "transaction") {
      const stretch = pipelineFrom(steps, index, failed);
      const result = await runPipeline(work, stretch, index, options.onDone);
      index += result.done;
      if (result.stopped === null) continue;
      const { outcome, outsideNeeded } = result.stopped;
      if (outsideNeeded)
        await one(result.stopped.prepared, () =>
          runStatements(work, result.stopped?.prepared as Prepared, index),
        );
      else await fail(result.stopped.prepared, outcome);
      index++;
    } else {
      const run = prepared.form === "statements" ? runStatements : runModule;
      await one(prepared, () => run(work, prepared, index));
      index++;
    }
  }
  if (first !== undefined) throw first;

  async function one(prepared: Prepared, run: () => Promise<Outcome>): Promise<void> {
    const outcome = await run();
    if (outcome.ok) options.onDone(outcome.report);
    else await fail(prepared, outcome);
  }
}

/** Under `stop` every file is looked at before anything is done. Throws `SourceError`. */
export function refuseBroken(steps: readonly Prepared[]): void {
  const problems = steps.flatMap((prepared) => (prepared.problem === null ? [] : [prepared.problem]));
  const [head, ...rest] = problems;
  if (head !== undefined) throw new SourceError([head, ...rest]);
}

function pipelineFrom(
  steps: readonly Prepared[],
  from: number,
  failed: ReadonlySet<string>,
): readonly Prepared[] {
  const rest = steps.slice(from);
  const end = rest.findIndex(
    (next) =>
      next.form !== "transaction" ||
      next.problem !== null ||
      failed.has(next.step.revision) ||
      next.step.after.some((revision) => failed.has(revision)),
  );
  return end === -1 ? rest : rest.slice(0, end);
}

/** The log keeps every attempt; that it cannot be written must not hide why the step failed. */
async function record(work: Work, prepared: Prepared, outcome: Outcome & { ok: false }): Promise<void> {
  if (work.connection.lost.aborted) return;
  await ownSession(work)
    .then(() => logFailure(work, prepared.step, outcome.failure))
    .catch(() => {});
}

export async function logFailure(
  { ledger, connection, author }: Pick<Work, "ledger" | "connection" | "author">,
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
