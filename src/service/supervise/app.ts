/**
 * The application's process. Its streams, its exit code and its signals are its own.
 *
 * Its process group is its own too. So a signal that goes to our whole group (`tini -g`) reaches it once, through us, and
 * what it leaves behind in its group can be ended with it, as a container does. Only where its input is a terminal it stays
 * in our group, because nobody but the group in the foreground may read from the keyboard.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { extname } from "node:path";
import { isatty } from "node:tty";
import { ConfigError } from "../../errors.ts";
import { groupGone } from "./gone.ts";

export interface App {
  readonly pid: number;
  /** Resolves with the exit code that a shell would say: 128 and the signal's number where a signal ended it. */
  readonly ended: Promise<number>;
  /** Passes a signal on. It is lost where the app has just ended. */
  signal(name: NodeJS.Signals): void;
  /** Ends what the app has left behind in its process group. Resolves when it is gone. */
  sweep(): Promise<void>;
}

/** What a launcher has started, and the launcher itself, whose child we are. */
export interface Beside {
  readonly appPid: number;
  readonly launcherPid: number;
}

/**
 * An app that `bin/godwit-run` has started, before it started us. The launcher passes the signals on and ends with the app's
 * exit code. It says when the app has ended: by `SIGUSR2`, or by its own end.
 */
export function appBeside({ appPid: pid, launcherPid }: Beside): App {
  let end = (_code: number) => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const looking = setInterval(() => {
    if (process.ppid !== launcherPid) end(0);
  }, LAUNCHER_EVERY_MS);
  void ended.then(() => clearInterval(looking));
  return {
    pid,
    ended,
    signal(name) {
      if (name === APP_ENDED) end(0);
      if (name === "SIGKILL") kill(pid);
    },
    sweep: () => Promise.resolve(),
  };
}

/** What the launcher sends when the app has ended. */
const APP_ENDED = "SIGUSR2";
const LAUNCHER_EVERY_MS = 500;

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended, and left nothing.
  }
}

/** Exit codes of a shell, and of containers. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** Throws `ConfigError` `APP_NOT_STARTED`; `details.exitCode` is what a shell would exit with. */
export async function startApp([command = "", ...args]: readonly string[]): Promise<App> {
  const inTerminal = isatty(0);
  let child: ChildProcess;
  try {
    child = spawn(command, args, { stdio: "inherit", detached: !inTerminal });
  } catch (error) {
    throw notStarted(command, error as NodeJS.ErrnoException);
  }
  const { pid } = child;
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
    throw notStarted(command, error);
  }
  // A signal that cannot be sent is reported here as well.
  child.on("error", () => {});
  const ended = new Promise<number>((resolve) =>
    child.once("exit", (code, signal) => resolve(exitCodeOf(code, signal))),
  );
  return {
    pid,
    ended,
    signal(name) {
      if (inTerminal && isFromKeyboard(name)) return;
      child.kill(name);
    },
    async sweep() {
      if (inTerminal) return;
      kill(-pid);
      await groupGone(pid);
    },
  };
}

function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** The terminal sends these to every process of the group in the foreground, so the app has it already. */
function isFromKeyboard(name: NodeJS.Signals): boolean {
  if (name !== "SIGINT" && name !== "SIGQUIT") return false;
  const stat = ownStat();
  return stat === null || stat.group === stat.foreground;
}

/** What the kernel says of our process; `null` where there is no /proc. */
function ownStat(): { group: number; foreground: number } | null {
  try {
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return { group: Number(fields[2]), foreground: Number(fields[5]) };
  } catch {
    return null;
  }
}

/** What runs a file with this ending. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  ".cjs": "node",
  ".js": "node",
  ".mjs": "node",
  ".py": "python3",
  ".sh": "sh",
};

function throughInterpreter(command: string): string {
  const interpreter = INTERPRETERS[extname(command)];
  const executable = `ake it executable: chmod +x ${command}`;
  return interpreter === undefined
    ? `M${executable}`
    : `Run it through its interpreter: \`godwit run -- ${interpreter} ${command}\`. Or m${executable}`;
}

function notStarted(command: string, { code, message }: NodeJS.ErrnoException): ConfigError {
  const missing = code === "ENOENT";
  return new ConfigError({
    code: "APP_NOT_STARTED",
    message: missing
      ? `The app could not be started: there is no command "${command}".`
      : code === "EACCES"
        ? `The app could not be started: "${command}" is not executable.`
        : `The app could not be started: ${message}.`,
    hint: missing
      ? "Check the word behind --, and PATH. A script needs the interpreter that its first line names."
      : code === "EACCES"
        ? throughInterpreter(command)
        : "Check the command behind --.",
    details: { command, exitCode: missing ? NOT_FOUND : NOT_EXECUTABLE },
  });
}
