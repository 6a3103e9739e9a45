/** What a process and all that come from it hold in memory at once, looked at from outside (Linux). */
import { readFileSync } from "node:fs";

export interface Peak {
  /** Pages in memory, those that processes share counted for each of them. */
  readonly rssMb: number;
  /** Those counted once: what they really take. */
  readonly pssMb: number;
}

const EVERY_MS = 20;
const PAGE_BYTES = 4096;

/** Call what it returns when the process is over. Megabytes are of 10^6, as in the setting. */
export function watchFamily(pid: number): () => Peak {
  let [rss, pss] = [0, 0];
  const look = () => {
    const pids = familyOf(pid);
    const now = pids.reduce((sum, one) => sum + rssOf(one), 0);
    // To add up shares is slow, so it is done where a peak may be.
    if (now > rss * 0.97) pss = Math.max(pss, sum(pids.map(pssOf)));
    rss = Math.max(rss, now);
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    return { rssMb: rss / 1e6, pssMb: pss / 1e6 };
  };
}

function familyOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  // Node forks from its main thread.
  return [pid, ...children.flatMap(familyOf)];
}

function rssOf(pid: number): number {
  return Number(read(`/proc/${pid}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Empty where the process has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
