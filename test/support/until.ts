/** Waiting for a condition of the world, for tests: never for a length of time. */
import { setTimeout as pause } from "node:timers/promises";

/** Resolves with the first value of `look` that is neither `undefined`, `null` nor `false`. */
export async function until<T>(
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { what = "the condition", withinMs = 60_000 }: { what?: string; withinMs?: number } = {},
): Promise<T> {
  const giveUp = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found as T;
    if (performance.now() > giveUp) throw new Error(`Waited ${withinMs} ms for ${what}.`);
    await pause(10);
  }
}
