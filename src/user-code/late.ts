/** A function that has settled may have left something behind that goes on: a callback, a timer, a promise. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";

/** Threads and processes that are alive. Node does not count a thread, nor what was unreferenced, among its resources. */
const alive = { Worker: new Set<object>(), ChildProcess: new Set<object>() };

/** Sees every thread and every process that user code starts. */
export function watchThreads(): void {
  process.on("worker", (worker) => {
    alive.Worker.add(worker);
    worker.once("exit", () => alive.Worker.delete(worker));
  });
  subscribe("child_process", (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    alive.ChildProcess.add(child);
    for (const end of ["exit", "error"]) child.once(end, () => alive.ChildProcess.delete(child));
  });
}

const TURNS = 5;
/** How long a timer, a file or a socket that the function has opened is waited for. */
const LEFTOVER_MS = 200;
const STEP_MS = 5;

/** What keeps this process alive at the moment, by its kind. */
export function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  // A write under way is one of a stream that is counted itself, or of our own channel.
  for (const kind of process.getActiveResourcesInfo())
    if (!kind.endsWith("WriteWrap") && kind !== "ProcessWrap") counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (const [kind, { size }] of Object.entries(alive)) if (size > 0) counts.set(kind, size);
  return counts;
}

function newSince(before: ReadonlyMap<string, number>): readonly string[] {
  return [...activeResources()].flatMap(([kind, count]) => (count > (before.get(kind) ?? 0) ? [kind] : []));
}

/**
 * Gives what was left behind the time to show itself. Returns the kinds of what is open even then, as
 * `process.getActiveResourcesInfo` names them. `before`: `activeResources` when the function was called.
 */
export async function letLateOnesCome(before: ReadonlyMap<string, number>): Promise<readonly string[]> {
  for (let count = 0; count < TURNS; count++) await turn();
  const until = performance.now() + LEFTOVER_MS;
  while (newSince(before).length > 0 && performance.now() < until)
    // Not counted among what is open: another call in this process may be looking at the same time.
    await wait(STEP_MS, undefined, { ref: false });
  return newSince(before);
}

/** What is said of it: nobody knows whether it still does something, and the run does not wait for it. */
export function stillOpen(kinds: readonly string[]): string {
  const named = kinds.map((kind) => NAMES[kind] ?? kind);
  return `Its function has settled and left ${[...new Set(named)].join(", ")} open; what that does later is not part of this migration.`;
}

const NAMES: Readonly<Record<string, string>> = {
  Timeout: "a timer",
  Immediate: "a timer",
  Worker: "a thread",
  ChildProcess: "a process",
};
