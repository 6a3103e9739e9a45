/** The entry point of the command. Only this file ends the process. */
import { fileURLToPath } from "node:url";
import { Interrupted, type Problem, StepFailed } from "../errors.ts";
import { COMMANDS } from "./commands.ts";
import { createDeadline } from "./deadline.ts";
import { sayAsCalled } from "./output/called.ts";
import { exitCodeOf, exitCodeOfProblems, wantedExitCodes } from "./output/exit.ts";
import { formatProblem } from "./output/problems.ts";
import { openTerminal } from "./output/terminal.ts";
import { unread, writtenUnless } from "./output/unread.ts";
import { run } from "./run.ts";
import { type EndingSignal, exitCodeOfSignal, listenToSignals } from "./signals.ts";
import { findSupervisor } from "./supervised.ts";
import { createUnderWay } from "./under-way.ts";

/** How long a reader has to take the last words of a process that ends at once. */
const LAST_WORDS_MS = 250;

async function main(): Promise<void> {
  const names = ["help", ...COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases])];
  const program = fileURLToPath(import.meta.url);
  const asCalled = sayAsCalled({ program, workingFolder: process.cwd(), names });
  const opened = openTerminal({ environment: process.env, asCalled });
  const underWay = createUnderWay();
  let givenUp = false;
  const giveUp = (by: EndingSignal) => {
    const exit = () => process.exit(exitCodeOfSignal(by) ?? 1);
    if (givenUp) exit();
    givenUp = true;
    underWay.giveUp(underWay.cut(by));
    setTimeout(exit, LAST_WORDS_MS);
    void Promise.all([terminal.end(), flushed()]).then(exit);
  };
  const signals = listenToSignals(giveUp);
  const supervisor = findSupervisor((reason) => signals.abort(reason));
  // Beside an app no line may be written over: the one above may be the app's.
  const terminal = supervisor === null ? opened : { ...opened, live: false, interactive: false };
  // A driver may throw in a callback, when the answer is not PostgreSQL's. The run then ends with its report, as on a
  // signal.
  let uncaught: StepFailed | undefined;
  process.on("uncaughtException", (error: unknown) => {
    // Whoever has taken the signals over keeps another process, and must not end before it.
    if (signals.isTaken()) return terminal.error(`error: ${thrownByNobody(error).message}\n`);
    if (uncaught !== undefined) process.exit(1);
    uncaught = thrownByNobody(error);
    signals.abort(uncaught);
  });
  // A run continues if nobody reads the log any longer, or if its disk is full.
  process.stderr.on("error", () => {});
  // A process that ends before the run has answered has failed.
  process.exitCode = 1;
  setInterval(() => {}, 60_000);
  const deadline = createDeadline();
  const argv = process.argv.slice(2);
  const exitCodes = wantedExitCodes(argv, process.env);
  let code = await run(argv, {
    exitCodes,
    terminal,
    environment: process.env,
    workingFolder: process.cwd(),
    signal: signals.signal,
    takeSignals: signals.take,
    supervisor,
    deadline,
    underWay,
  });
  if (givenUp) return;
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
    if (code === 0)
      code =
        output === null ? exitCodeOf(ended.reason, exitCodes) : exitCodeOfProblems([unwritten], exitCodes);
  }
  // A migration may leave a timer or a socket open, so the process is ended here. The output must be written first.
  await writtenUnless(flushed(), ended);
  process.exit(code);
}

/** Resolves when everything that was written to stderr is out. */
function flushed(): Promise<void> {
  return new Promise((resolve) => process.stderr.write("", () => resolve()));
}

/** The problem of output that nobody read. `null`: the run has failed already and has said why. */
function unreadOutput(reason: unknown, code: number): Problem | null {
  return code === 0 && reason instanceof Interrupted ? unread(reason).toProblem() : null;
}

function thrownByNobody(error: unknown): StepFailed {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `An error was thrown where nothing could catch it: ${message}`,
      // Migrations run in another process, so none of them has caused it.
      hint: "`godwit status` shows what is applied. Check that the server at the database's address speaks PostgreSQL's protocol. If it does, this is a bug in Godwit.",
      details: { stack },
    },
    { cause: error },
  );
}

void main();
