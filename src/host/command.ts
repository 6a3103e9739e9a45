/**
 * A program of the user's that is run to its end, without a shell. It gets a process group of its own, so that whatever
 * it has started ends with it.
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { orAbort, timeLimit } from "../std/time.ts";

export interface CommandOptions {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends the program and everything that it has started. Its reason is thrown. */
  readonly signal: AbortSignal;
  /** Receives each line that it prints, on either stream. */
  readonly print?: (line: string) => void;
  /** Receives stdout as it is, which then is not among the lines. */
  readonly onOutput?: (text: string) => void;
  /** Called once it runs. */
  readonly onStart?: () => void;
}

export interface CommandEnd {
  /** `null`: a signal has ended it. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  /** The last lines that it printed, the oldest first. */
  readonly lastLines: readonly string[];
}

const KEPT_LINES = 10;
/** Longer lines are cut, so that a program without line ends can't fill the memory. */
const LONGEST_LINE = 4_000;
/** What has not ended this long after it was asked to is killed. */
const GRACE_MS = 2_000;

/** Throws the system's error if the program can't be started, and the reason of the signal if it aborts. */
export async function runCommand(
  [program = "", ...words]: readonly string[],
  { folder, environment, signal, print, onOutput, onStart }: CommandOptions,
): Promise<CommandEnd> {
  signal.throwIfAborted();
  const child = spawn(program, words, {
    cwd: folder,
    env: environment as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  if (onStart !== undefined) child.once("spawn", onStart);
  const lastLines: string[] = [];
  const tell = (line: string) => {
    if (line.trim() === "") return;
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    print?.(line);
  };
  const spoken = onOutput === undefined ? [child.stdout, child.stderr] : [child.stderr];
  const read = onOutput === undefined ? Promise.resolve() : readAll(child.stdout, onOutput);
  const rests = spoken.map((stream) => {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = `${rest}${text}`.split(/\r?\n/);
      rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
      for (const line of lines) tell(line.slice(0, LONGEST_LINE));
    });
    return () => tell(rest);
  });
  const end = (by: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, by);
    } catch {
      // The group is empty already.
    }
  };
  // A second signal ends the process at once, and no code of ours but this runs then.
  const leave = () => end("SIGKILL");
  process.once("exit", leave);
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    end("SIGTERM");
    killing = setTimeout(() => end("SIGKILL"), GRACE_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [exitCode, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once("error", reject);
        // What it has started may hold the streams open for ever, so its own end counts.
        child.once("exit", (code, by) => setImmediate(() => resolve([code, by])));
      },
    );
    // What it has started may hold the stream open for ever.
    using limit = timeLimit(GRACE_MS);
    await orAbort(read, limit.signal).catch(() => {});
    signal.throwIfAborted();
    for (const rest of rests) rest();
    return { exitCode, killedBy, lastLines };
  } finally {
    clearTimeout(killing);
    signal.removeEventListener("abort", stop);
    process.removeListener("exit", leave);
    // Nothing that it has started outlives it.
    end("SIGKILL");
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

async function readAll(stream: Readable, onOutput: (text: string) => void): Promise<void> {
  stream.setEncoding("utf8").on("data", onOutput);
  await new Promise<void>((resolve) => stream.once("close", resolve));
}

/** How it ended, for people: `it exited with code 3`, `it was ended by SIGKILL`. */
export function describeEnd({ exitCode, killedBy }: CommandEnd): string {
  return exitCode === null ? `it was ended by ${killedBy}` : `it exited with code ${exitCode}`;
}
