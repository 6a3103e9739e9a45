/** What the kernel says of processes, for tests that kill them. Linux only. */
import { readdirSync, readFileSync } from "node:fs";
import { until } from "./until.ts";

/** The processes that a process has started and that run. */
export function childrenOf(of: number | undefined): readonly number[] {
  const pid = realPid(of);
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const stat = statOf(Number(name));
    return stat?.parent === pid && stat.state !== "Z" ? [Number(name)] : [];
  });
}

/** Those of its children that work for an import; user code has processes of its own. */
export function workersOf(of: number | undefined): readonly number[] {
  return childrenOf(of).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("import-worker");
    } catch {
      return false; // it has just ended
    }
  });
}

/** Whether it is there and has not ended; who ended and was not cleared away counts as gone. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X";
}

/** Ends a process at once and gives back what it had started: stopped first, so that nothing is started meanwhile. */
export function killFamily(of: number | undefined): readonly number[] {
  const pid = realPid(of);
  process.kill(pid, "SIGSTOP");
  const children = childrenOf(pid);
  process.kill(pid, "SIGKILL");
  return children;
}

/** Ends a process at once, if it has not just ended by itself. */
export function killAtOnce(of: number): void {
  const pid = realPid(of);
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Signals of a name that were sent to a process and that it has not taken yet: two of a kind become one. */
export function hasPending(of: number | undefined, signal: number): boolean {
  const status = readFileSync(`/proc/${realPid(of)}/status`, "utf8");
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${pending}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** Processor time that it has used, in hundredths of a second. */
export function cpuTicksOf(pid: number): number {
  return statOf(pid)?.ticks ?? 0;
}

export async function untilGone(pids: readonly number[], what: string): Promise<void> {
  await until(() => !pids.some(isRunning), { what: `${what} (${pids.join(", ")}) to end` });
}

/** Signals to 0 and below go to groups of processes, and 1 is everybody's parent. */
function realPid(pid: number | undefined): number {
  if (pid === undefined || !Number.isInteger(pid) || pid <= 1) throw new Error(`${pid} is no process.`);
  return pid;
}

function statOf(pid: number): { parent: number; state: string; ticks: number } | undefined {
  try {
    // What is behind the name, which may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const [state = "", parent] = fields;
    return { state, parent: Number(parent), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined; // it has just ended
  }
}
