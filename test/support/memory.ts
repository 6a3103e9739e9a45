/** What a process and all that it started held in memory at most, together, as a container counts: a page that they share once. */
import { readdirSync, readFileSync } from "node:fs";

const LOOK_EVERY_MS = 50;

/** Looks until it is stopped. Only Linux tells. */
export function watchMemory(pid: number): { readonly stop: () => number } {
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, residentBytes(pid));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

function residentBytes(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? textOf(`/proc/${name}/stat`) : "";
    if (stat !== "") parents.set(Number(name), Number(stat.split(") ")[1]?.split(" ")[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  let kilobytes = 0;
  for (const pid of parents.keys())
    if (isBelow(pid))
      kilobytes += Number(/^Pss:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kilobytes * 1024;
}

/** Empty where the process has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
