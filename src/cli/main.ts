/** The command. The only file that ends the process. */
import { Interrupted, type Problem, StepFailed } from "../errors.ts";
import { createDeadline } from "./deadline.ts";
import { exitCodeOf } from "./output/exit.ts";
import { formatProblem } from "./output/problems.ts";
import { openTerminal } from "./output/terminal.ts";
import { unread, writtenUnless } from "./output/unread.ts";
import { run } from "./run.ts";
import { listenToSignals } from "./signals.ts";
import { findSupervisor } from "./supervised.ts";

async function main(): Promise<void> {
  const signals = listenToSignals();
  const supervisor = findSupervisor((reason) => signals.abort(reason));
  // A driver may throw in a callback, at an answer that is no PostgreSQL: the run ends as it does on a signal, with its report.
  let uncaught: StepFailed | undefined;
  process.on("uncaughtException", (error: unknown) => {
    // Whoever has taken the signals over keeps another process, and must not end before it.
    if (signals.isTaken()) return void process.stderr.write(`error: ${thrownByNobody(error).message}\n`);
    if (uncaught !== undefined) process.exit(1);
    uncaught = thrownByNobody(error);
    signals.abort(uncaught);
  });
  // That nobody reads the log any more, or that its disk is full, does not end a run.
  process.stderr.on("error", () => {});
  const opened = openTerminal(process.env);
  // Beside an app no line may be written over: the one above may be the app's.
  const terminal = supervisor === null ? opened : { ...opened, live: false, interactive: false };
  // Should the process ever end by itself before the run has answered, that was no success.
  process.exitCode = 1;
  setInterval(() => {}, 60_000);
  const deadline = createDeadline();
  let code = await run(process.argv.slice(2), {
    terminal,
    environment: process.env,
    workingFolder: process.cwd(),
    signal: signals.signal,
    takeSignals: signals.take,
    supervisor,
    deadline,
  });
  if (uncaught !== undefined && code === 0) {
    process.stderr.write(`error: ${uncaught.message}\n`);
    code = 1;
  }
  const ended = AbortSignal.any([signals.signal, deadline.signal]);
  const output = await writtenUnless(
    terminal.end().then((problem) => ({ problem })),
    ended,
  );
  const unwritten = output === null ? unreadOutput(ended.reason, code) : output.problem;
  if (unwritten !== null) {
    terminal.error(formatProblem("error", unwritten, terminal.paintError));
    if (code === 0) code = output === null ? exitCodeOf(ended.reason) : 1;
  }
  // A migration may have left a timer or a socket behind; what was written must still get out.
  await writtenUnless(new Promise<void>((resolve) => process.stderr.write("", () => resolve())), ended);
  process.exit(code);
}

/** One message is enough: a run that has failed has said why. */
function unreadOutput(reason: unknown, code: number): Problem | null {
  return code === 0 && reason instanceof Interrupted ? unread(reason).toProblem() : null;
}

function thrownByNobody(error: unknown): StepFailed {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `An error was thrown where nothing could catch it: ${message}`,
      // Migrations run in a process of their own, so it was none of them.
      hint: "godwit status shows what is applied. Check that the server at the database's address speaks PostgreSQL's protocol. If it does, this is a bug in Godwit.",
      details: { stack },
    },
    { cause: error },
  );
}

void main();
