/** A function that has settled may have left something behind that goes on: a callback, a timer, a promise. */
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";

const TURNS = 5;
/** How long a timer, a file or a socket that the function has opened is waited for. */
const LEFTOVER_MS = 200;
const STEP_MS = 5;

/** What keeps this process alive at the moment, by its kind. */
export function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function hasMore(before: ReadonlyMap<string, number>): boolean {
  return [...activeResources()].some(([kind, count]) => count > (before.get(kind) ?? 0));
}

/** Gives what was left behind the time to show itself. `before`: `activeResources` when the function was called. */
export async function letLateOnesCome(before: ReadonlyMap<string, number>): Promise<void> {
  for (let count = 0; count < TURNS; count++) await turn();
  const until = performance.now() + LEFTOVER_MS;
  while (hasMore(before) && performance.now() < until) await wait(STEP_MS);
}
