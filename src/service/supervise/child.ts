/**
 * One process that migrates beside the app.
 *
 *   started ─► working ─► told its end ─► gone       the rule
 *                 │                        ▲
 *                 ├─ asked to end: SIGTERM ┤           the app ends, or a signal came; it rolls back and releases its lock
 *                 └─ killed ───────────────┘           it holds too much memory, or has not ended in time
 *
 * It has a process group of its own, so a signal to ours reaches it only through us, and once.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { formatDuration } from "../../std/time.ts";
import { allGone } from "./gone.ts";
import { heldBytes, threadsOf, treeOf } from "./memory.ts";
import { type FromMigrations, SUPERVISED } from "./protocol.ts";
import { createRuns } from "./runs.ts";

export interface ChildOptions {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What names this start in the log, in which both write. */
  readonly instanceId?: string;
  /** How long it may take; it keeps this itself, and we make sure. 0: no limit. */
  readonly timeoutMs: number;
  /** How long it may take to end once it should. */
  readonly graceMs: number;
  readonly maxMemoryBytes: number;
  /** How often it is started again if it fails and the cause can pass. */
  readonly attemptsLeft: number;
  /** How often its memory is looked at. */
  readonly lookEveryMs?: number;
  readonly observe: (event: RunEvent) => void;
  /** It has told its end. Its process may still wait for those whom it tells of the run. */
  readonly onEnd?: (outcome: ChildOutcome) => void;
  /** Aborts when it should end. */
  readonly signal: AbortSignal;
}

export type ChildOutcome =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** The process has said them itself, in the log that both write. */
      readonly isSaid?: boolean;
      /** By whom: itself, us, or somebody else. */
      readonly by: "itself" | "deadline" | "memory" | "stop" | "others";
      /** Targets that were left out because of others. */
      readonly notBegun?: readonly string[];
    };

/** Of 19, the least urgent: the app goes first. */
const NICENESS = 10;
const LOOK_EVERY_MS = 250;

/** Never rejects. */
export async function runChild(options: ChildOptions): Promise<ChildOutcome> {
  const { command, environment, timeoutMs, graceMs, maxMemoryBytes, signal } = options;
  if (signal.aborted) return { ok: false, problems: [], by: "stop" };
  const [program, ...args] = command;
  const child = spawn(program, args, {
    // Standard output is the app's alone. What it has to say comes over the channel, and its log goes where ours does.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
    detached: true,
    env: { ...environment, [SUPERVISED]: `${options.attemptsLeft} ${options.instanceId ?? "1"}` },
  });
  const { pid } = child;
  if (pid === undefined) return notStarted(child);
  lower(pid);
  const runs = createRuns();
  const ofRuns = (problem: Problem): Problem => {
    const cut = runs.cut();
    return cut.length === 0 ? problem : { ...problem, details: { ...problem.details, runs: cut } };
  };
  let end: (FromMigrations & { kind: "end" }) | undefined;
  let by: "deadline" | "memory" | "stop" | undefined;
  let heldMost = 0;
  const killed: number[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, work: () => void) => timers.add(setTimeout(work, ms));
  const kill = (why: typeof by) => {
    by ??= why;
    killed.push(...killTree(pid));
  };
  const stop = () => {
    by ??= "stop";
    child.kill("SIGTERM");
    after(graceMs, () => kill("stop"));
  };
  child.on("error", () => {});
  child.on("message", (message) => {
    const told = message as FromMigrations;
    if (told.kind === "run") runs.begun(told);
    else if (told.kind === "event") {
      runs.observe(told.event);
      options.observe(told.event);
    } else if (end === undefined) {
      end = told;
      // One that is being killed has ended by that.
      if (by === undefined || by === "stop") options.onEnd?.(outcomeOf(told, by));
    }
  });
  signal.addEventListener("abort", stop, { once: true });
  // It ends by itself at its deadline, and says what was kept. This is for one that hangs.
  if (timeoutMs > 0) after(timeoutMs + graceMs, () => kill("deadline"));
  const looking = setInterval(() => {
    const held = heldBytes(pid, maxMemoryBytes) ?? 0;
    heldMost = Math.max(heldMost, held);
    if (held > maxMemoryBytes) kill("memory");
  }, options.lookEveryMs ?? LOOK_EVERY_MS);
  const [code, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    // Not `exit`: what it has told is read before the channel closes.
    child.once("close", (...how) => resolve(how)),
  );
  signal.removeEventListener("abort", stop);
  clearInterval(looking);
  for (const timer of timers) clearTimeout(timer);
  await allGone(killed);
  if (by === "memory") return { ok: false, by, problems: [ofRuns(tooLarge(heldMost, maxMemoryBytes))] };
  if (by === "deadline") return { ok: false, by, problems: [ofRuns(hung(timeoutMs, graceMs))] };
  if (end !== undefined) return outcomeOf(end, by);
  return {
    ok: false,
    by: by ?? (killedBy === "SIGKILL" ? "others" : "itself"),
    problems: [ofRuns(gone(code, killedBy))],
  };
}

function outcomeOf(
  { ok, text, problems, notBegun }: FromMigrations & { kind: "end" },
  by: "stop" | undefined,
): ChildOutcome {
  if (ok && by === undefined) return { ok, text };
  const isLate = problems.some(({ code }) => code === "DEADLINE");
  return { ok: false, by: by ?? (isLate ? "deadline" : "itself"), problems, isSaid: true, notBegun };
}

/** Linux counts each thread by itself. One that is started later is as patient as the one that starts it. */
function lower(pid: number): void {
  for (const thread of [pid, ...threadsOf(pid)])
    try {
      setPriority(thread, NICENESS);
    } catch {
      // It has just ended, or the system has no such thing.
    }
}

/** With what it has started, which has groups of its own. Returns all of them. */
function killTree(pid: number): readonly number[] {
  const tree = treeOf(pid) ?? [pid];
  for (const each of tree)
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It has just ended.
    }
  return tree;
}

async function notStarted(child: ChildProcess): Promise<ChildOutcome> {
  const error = await new Promise<Error>((resolve) => child.once("error", resolve));
  return {
    ok: false,
    by: "itself",
    problems: [
      {
        code: "MIGRATIONS_ENDED",
        message: `The process of the migrations could not be started: ${error.message}.`,
        hint: "Check that the container may start more processes, then restart it.",
      },
    ],
  };
}

function tooLarge(heldBytes: number, maxBytes: number): Problem {
  const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
  return {
    code: "MIGRATIONS_MEMORY",
    message: `The migrations held ${megabytes(heldBytes)} MB of memory, more than the ${megabytes(maxBytes)} MB that they may. Their process was ended, and what was not committed was rolled back.`,
    hint: "Give them more with MIGRATION_MAX_MEMORY_MB, or let the migration work in smaller pieces.",
    details: { heldBytes, maxBytes },
  };
}

function hung(timeoutMs: number, graceMs: number): Problem {
  return {
    code: "DEADLINE",
    message: `The migrations had not ended ${formatDuration(graceMs)} after their deadline (timeout, ${timeoutMs / 1000} s). Their process was ended, and what was not committed was rolled back.`,
    hint: "`godwit status` shows what is applied. For more time use --timeout or MIGRATION_TIMEOUT.",
    details: { killed: true },
  };
}

function gone(code: number | null, signal: NodeJS.Signals | null): Problem {
  return {
    code: "MIGRATIONS_ENDED",
    message: `The process of the migrations ended without a word: ${signal === null ? `exit code ${code}` : signal}. What was not committed was rolled back.`,
    hint:
      signal === "SIGKILL"
        ? "Did the system run out of memory? dmesg says so. `godwit status` shows what is applied."
        : "`godwit status` shows what is applied. The log above may say more.",
    details: { exitCode: code, signal },
  };
}
