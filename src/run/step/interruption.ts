/** A signal, a deadline or a lost lock as the end of a step: what of it was kept is said, whatever ended it. */
import { GodwitError, Interrupted, LockError, StepFailed } from "../../errors.ts";
import { advise, type Committed, howToResume, type Whose, whatWasKept } from "../report/committed.ts";

export function interruption(stop: AbortSignal, step: Whose, committed: Committed): GodwitError {
  const what = `while ${step.revision} was running. ${whatWasKept(committed, step)}.`;
  return interrupted(stop, what, howToResume(committed, step)) ?? withKept(stop.reason, step, committed);
}

/** It was planned and not begun. */
export function interruptedBefore(stop: AbortSignal, { revision }: Whose): GodwitError {
  const what = `before ${revision} had begun.`;
  return interrupted(stop, what, "Run again: it continues where it stopped.") ?? stop.reason;
}

/** `null`: what ended the work has a name of its own. */
function interrupted({ reason }: AbortSignal, what: string, hint: string): GodwitError | null {
  if (reason instanceof GodwitError && !(reason instanceof Interrupted)) return null;
  const by = reason instanceof Interrupted ? reason.by : "abort";
  const code = reason instanceof Interrupted && reason.code === "DEADLINE" ? "DEADLINE" : "INTERRUPTED";
  return new Interrupted({ code, message: `${WHO[by] ?? by} ended the run ${what}`, hint }, by);
}

const WHO: Readonly<Record<string, string>> = { deadline: "The deadline", abort: "The program" };

/** An error that says already what to do, and does not know that something of the step stays. */
export function withKept(error: GodwitError, step: Whose, committed: Committed): GodwitError {
  if (committed.extent === "none") return error;
  const { code: _, ...problem } = error.toProblem();
  const hint = [problem.hint, advise(committed, step)].filter(Boolean).join(" ");
  const { cause } = error;
  if (error instanceof StepFailed)
    return new StepFailed({ ...problem, code: error.code as "STEP_FAILED", hint }, { cause });
  if (error instanceof LockError) return new LockError({ ...problem, code: "LOCK_LOST", hint }, { cause });
  return error;
}
