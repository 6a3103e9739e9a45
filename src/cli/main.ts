/** The command. The only file that ends the process. */
import { Interrupted, type Problem, StepFailed } from "../errors.ts";
import { createDeadline } from "./deadline.ts";
import { exitCodeOf } from "./output/exit.ts";
import { formatProblem } from "./output/problems.ts";
import { openTerminal } from "./output/terminal.ts";
import { unread, writtenUnless } from "./output/unread.ts";
import { run } from "./run.ts";
import { createUnderWay } from "./under-way.ts";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** How long a reader has to take the last words of a process that ends at once. */
const LAST_WORDS_MS = 250;

async function main(): Promise<void> {
  const stop = new AbortController();
  const terminal = openTerminal(process.env);
  const underWay = createUnderWay();
  let givenUp = false;
  const giveUp = (by: "SIGINT" | "SIGTERM") => {
    const exit = () => process.exit(EXIT_CODES[by]);
    if (givenUp) exit();
    givenUp = true;
    underWay.giveUp(underWay.cut(by));
    setTimeout(exit, LAST_WORDS_MS);
    void Promise.all([terminal.end(), flushed()]).then(exit);
  };
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (stop.signal.aborted) return giveUp(name);
      stop.abort(
        new Interrupted(
          {
            code: "INTERRUPTED",
            message: `${name} ended the run.`,
            hint: "Run again: it continues where it stopped.",
          },
          name,
        ),
      );
    });
  // A driver may throw in a callback, at an answer that is no PostgreSQL: the run ends as it does on a signal, with its report.
  let uncaught: StepFailed | undefined;
  process.on("uncaughtException", (error: unknown) => {
    if (uncaught !== undefined) process.exit(1);
    uncaught = thrownByNobody(error);
    stop.abort(uncaught);
  });
  // That nobody reads the log any more, or that its disk is full, does not end a run.
  process.stderr.on("error", () => {});
  // Should the process ever end by itself before the run has answered, that was no success.
  process.exitCode = 1;
  setInterval(() => {}, 60_000);
  const deadline = createDeadline();
  let code = await run(process.argv.slice(2), {
    terminal,
    environment: process.env,
    workingFolder: process.cwd(),
    signal: stop.signal,
    deadline,
    underWay,
  });
  if (givenUp) return;
  if (uncaught !== undefined && code === 0) {
    process.stderr.write(`error: ${uncaught.message}\n`);
    code = 1;
  }
  const ended = AbortSignal.any([stop.signal, deadline.signal]);
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
  await writtenUnless(flushed(), ended);
  process.exit(code);
}

/** Resolves when everything that was written to stderr is out. */
function flushed(): Promise<void> {
  return new Promise((resolve) => process.stderr.write("", () => resolve()));
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
