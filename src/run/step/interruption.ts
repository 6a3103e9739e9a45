/** A step that ends by a signal, the deadline or a lost lock. The error always says what of the step was kept. */
import { GodwitError, Interrupted, LockError, StepFailed } from "../../errors.ts";
import { advise, type Committed, type FailedStep, howToResume, whatWasKept } from "../report/committed.ts";

export function interruption(stop: AbortSignal, step: FailedStep, committed: Committed): GodwitError {
  const what = `while ${step.revision} was running. ${whatWasKept(committed, step)}.`;
  return interrupted(stop, what, howToResume(committed, step)) ?? withKept(stop.reason, step, committed);
}

/** The error of a step that was planned and not begun. */
export function interruptedBefore(stop: AbortSignal, { revision }: FailedStep): GodwitError {
  const what = `before ${revision} had begun.`;
  return interrupted(stop, what, "Run again: it goes on where it stopped.") ?? stop.reason;
}

/** Returns `null` where the reason of the signal is an error with its own code. */
function interrupted({ reason }: AbortSignal, what: string, hint: string): GodwitError | null {
  if (reason instanceof GodwitError && !(reason instanceof Interrupted)) return null;
  const by = reason instanceof Interrupted ? reason.by : "abort";
  const code = reason instanceof Interrupted && reason.code === "DEADLINE" ? "DEADLINE" : "INTERRUPTED";
  return new Interrupted({ code, message: `${WHO[by] ?? by} ended the run ${what}`, hint }, by);
}

const WHO: Readonly<Record<string, string>> = { deadline: "The deadline", abort: "The program" };

/** Adds what was kept to an error that already has a hint. */
export function withKept(error: GodwitError, step: FailedStep, committed: Committed): GodwitError {
  if (committed.extent === "none") return error;
  const { code: _, ...problem } = error.toProblem();
  const hint = [problem.hint, advise(committed, step)].filter(Boolean).join(" ");
  const { cause } = error;
  if (error instanceof StepFailed)
    return new StepFailed({ ...problem, code: error.code as "STEP_FAILED", hint }, { cause });
  if (error instanceof LockError) return new LockError({ ...problem, code: "LOCK_LOST", hint }, { cause });
  return error;
}
