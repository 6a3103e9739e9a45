/** A step that ends by a signal, the deadline or a lost lock. The error always says what of the step was kept. */
import { DatabaseError, GodwitError, Interrupted, LockError, StepFailed } from "../../errors.ts";
import { joinSentences } from "../../std/sentences.ts";
import { advise, type Committed, type FailedStep, howToResume, whatWasKept } from "../report/committed.ts";

/** `when` says when it ended, where the step was not running. */
export function interruption(
  stop: AbortSignal,
  step: FailedStep,
  committed: Committed,
  when = `while ${step.revision} was running`,
): GodwitError {
  const what = `${when}. ${whatWasKept(committed, step)}.`;
  return interrupted(stop, what, howToResume(committed, step)) ?? withKept(stop.reason, step, committed);
}

/** The error of a step that nobody has begun. */
export function interruptedBefore(stop: AbortSignal, { revision }: FailedStep): GodwitError {
  const what = `before ${revision} had begun.`;
  return interrupted(stop, what, "Run again: it continues where it stopped.") ?? stop.reason;
}

interface Tried {
  readonly trying: string | undefined;
  /** The file of a step that has committed, where none can. */
  readonly committedBy: string | undefined;
}

function keptOfDryRun({ committedBy }: Tried): string {
  return committedBy === undefined
    ? "A dry run keeps nothing."
    : `${committedBy} had ended its transaction: what that has committed is in the database.`;
}

/** The error of a dry run whose connection was lost. It is not tried again: the step may have ended it. */
export function lostDryRun(error: DatabaseError, tried: Tried): DatabaseError {
  const { trying } = tried;
  const when = trying === undefined ? "" : ` Before, ${trying} was tried.`;
  const hint =
    trying === undefined
      ? "Try again."
      : `Try again. If it is lost there again, a statement of ${trying} crashes the server or ends its own session: look into the server's log.`;
  const code = error.code as "DATABASE_CONNECTION_LOST";
  return new DatabaseError(
    { code, message: `${error.message}${when} ${keptOfDryRun(tried)}`, hint },
    { cause: error },
  );
}

/** The error of a dry run. Nothing of it is committed, so nothing continues. */
export function interruptedDryRun(stop: AbortSignal, tried: Tried): Interrupted {
  const { trying, committedBy } = tried;
  const kept = keptOfDryRun(tried);
  const hint =
    committedBy === undefined
      ? "To try everything, run it again: it begins with the first migration."
      : "Look at the database. A migration must not begin or end transactions itself.";
  const when = trying === undefined ? "" : ` while ${trying} was tried`;
  const { code, by, who } = endedBy(stop);
  return new Interrupted({ code, message: `${who} ended the dry run${when}. ${kept}`, hint }, by);
}

/** Returns `null` where the reason of the signal is an error with its own code. */
function interrupted(
  { reason }: Pick<AbortSignal, "reason">,
  what: string,
  hint: string,
): GodwitError | null {
  if (reason instanceof GodwitError && !(reason instanceof Interrupted)) return null;
  const { code, by, who } = endedBy({ reason });
  return new Interrupted({ code, message: `${who} ended the run ${what}`, hint }, by);
}

function endedBy({ reason }: Pick<AbortSignal, "reason">) {
  const by = reason instanceof Interrupted ? reason.by : "abort";
  const isLate = reason instanceof Interrupted && reason.code === "DEADLINE";
  return { code: isLate ? "DEADLINE" : "INTERRUPTED", by, who: WHO[by] ?? by } as const;
}

const WHO: Readonly<Record<string, string>> = { deadline: "The deadline", abort: "The program" };

/** Our own sentences, and no single words: what a module throws, and the name of a file, are in the message too. */
const SAYS_KEPT =
  /nothing of (?:it|that|that transaction) was (?:kept|done)|what it kept is not known|was committed and is in the ledger/i;

/** The database cannot be reached any more since the step began. */
export function cutShort(error: DatabaseError, step: FailedStep, committed: Committed): DatabaseError {
  const { message, hint, details } = error.toProblem();
  const said = `${message} Before, ${step.revision} was running. ${whatWasKept(committed, step)}.`;
  const next = joinSentences(hint, howToResume(committed, step));
  const code = error.code as "DATABASE_CONNECTION_LOST";
  const { cause, sqlState } = error;
  return new DatabaseError({ code, message: said, hint: next, details }, { cause, sqlState });
}

/** Adds what was kept to an error that already has a hint. */
export function withKept(error: GodwitError, step: FailedStep, committed: Committed): GodwitError {
  const { code: _, ...problem } = error.toProblem();
  const said = `${problem.message} ${problem.hint ?? ""}`;
  if (committed.extent === "none" && SAYS_KEPT.test(said)) return error;
  const saysNext = committed.extent === "none" && /\brun again\b/i.test(said);
  const kept = saysNext ? `${whatWasKept(committed, step)}.` : advise(committed, step);
  const hint = joinSentences(problem.hint, kept);
  const { cause } = error;
  if (error instanceof StepFailed)
    return new StepFailed({ ...problem, code: error.code as "STEP_FAILED", hint }, { cause });
  if (error instanceof LockError)
    return new LockError({ ...problem, code: error.code as "LOCK_LOST", hint }, { cause });
  return error;
}
