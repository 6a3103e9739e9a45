/**
 * Whether killed processes are gone. A kill that has returned is only a promise of the kernel: on a busy machine, or with
 * much memory to give back, the process runs on for tens of milliseconds.
 */
import { readdirSync, readFileSync } from "node:fs";
import { delay } from "../../std/time.ts";

/** One that the kernel cannot end yet, for example while a disk does not answer, must not keep us. */
const MOST_MS = 2_000;
const LOOK_EVERY_MS = 5;

/** Resolves when nobody of the process group runs any more, or after 2 s. */
export function groupGone(group: number): Promise<void> {
  return untilNobody(() => isThere(-group) && (runningNow({ group }) ?? [group]));
}

/** Resolves when none of these processes runs any more, or after 2 s. */
export function allGone(pids: readonly number[]): Promise<void> {
  return untilNobody(() => pids.filter((pid) => isThere(pid) && isRunning(pid)));
}

async function untilNobody(left: () => readonly number[] | false): Promise<void> {
  const end = Date.now() + MOST_MS;
  for (let found = left(); found !== false && found.length > 0 && Date.now() < end; found = left())
    await delay(LOOK_EVERY_MS);
}

/** Whether there is one that we may end. A zombie is there. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** `null` where the kernel does not tell (no /proc). */
function runningNow({ group }: { readonly group: number }): readonly number[] | null {
  try {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => stateOf(pid)?.group === group && isRunning(pid));
  } catch {
    return null;
  }
}

/** A zombie has ended, and waits for its parent. */
function isRunning(pid: number): boolean {
  const state = stateOf(pid)?.state;
  return state !== "Z" && state !== "X";
}

function stateOf(pid: number): { readonly state: string; readonly group: number } | undefined {
  try {
    const [state = "", , group] =
      readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return { state, group: Number(group) };
  } catch {
    return undefined;
  }
}
