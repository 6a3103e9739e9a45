/** How many rows the next window has. Pure. */
import type { Windows } from "../core/backfill.ts";

/** The most by which a window grows: what one window took says little about one that is much larger. */
const MOST_GROWTH = 4;
/** The time of a window is measured too coarsely below this, in milliseconds. */
const SHORTEST_MS = 1;

/**
 * The rows of the next window, from those of the last one and the time that it took. It comes nearer to the target in
 * steps, because neighbouring windows differ: half of the way up, all of it down.
 */
export function nextRows(
  { targetMs, minRows, maxRows }: Windows,
  last: { readonly rows: number; readonly tookMs: number },
): number {
  const ideal = last.rows * (targetMs / Math.max(SHORTEST_MS, last.tookMs));
  const next = ideal > last.rows ? Math.min((last.rows + ideal) / 2, last.rows * MOST_GROWTH) : ideal;
  return Math.max(Math.min(minRows, maxRows), Math.min(maxRows, Math.round(next)));
}

/** The rows of the two halves that a window which failed is tried in. 0: it was a single row. */
export function halfOf(rows: number): number {
  return Math.floor(rows / 2);
}
