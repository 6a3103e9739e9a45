/** Waits for a condition of the world, for tests. A wait for a length of time is a lint error elsewhere. */
import { setTimeout as pause } from "node:timers/promises";

const LOOK_EVERY_MS = 10;

/** Resolves with the first value of `look` that is neither `undefined`, `null` nor `false`. Throws after `withinMs`. */
export async function until<T>(
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { what = "the condition", withinMs = 60_000 }: { what?: string; withinMs?: number } = {},
): Promise<T> {
  const giveUp = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found as T;
    if (performance.now() > giveUp) throw new Error(`Waited ${withinMs} ms for ${what}.`);
    await pause(LOOK_EVERY_MS);
  }
}

/** What is left of a list that empties by itself: `[]` as soon as it is empty, else what `look` finds after `withinMs`. */
export async function leftAfter<T>(
  look: () => Promise<readonly T[]>,
  { withinMs }: { readonly withinMs: number },
): Promise<readonly T[]> {
  const giveUp = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() > giveUp) return found;
    await pause(LOOK_EVERY_MS);
  }
}
