/** How many rows the next window has. Pure. */
import type { Windows } from "../core/backfill.ts";

/** The most by which a window grows: what one window took says little about one that is much larger. */
const MOST_GROWTH = 10;
/** The same where nobody else works in the database, who would wait for it. */
const MOST_GROWTH_ALONE = 100;
/**
 * The share of a table that one window may hold. An application that writes single rows waits where it meets a row of the
 * window, for half of its time on average. At this share fewer than one in a hundred of its writes do.
 */
const MOST_SHARE = 1 / 200;
/** Smaller windows are short enough whatever their share, and would spend their time on commits. */
const SMALL_WINDOW = 5000;
const LARGE_WINDOW = 200_000;
/** A window is so many times as large where nobody else works in the database. Who begins meanwhile waits for one at most. */
const ALONE = 4;
/** The time of a window is measured too coarsely below this, in milliseconds. */
const SHORTEST_MS = 1;

/** The most rows that a window has, where the author has not said it. `null` rows: nobody knows how many there are. */
export function mostRows(tableRows: number | null, { isAlone }: { readonly isAlone: boolean }): number {
  if (tableRows === null) return LARGE_WINDOW;
  const most = Math.max(SMALL_WINDOW, Math.round(tableRows * MOST_SHARE));
  return Math.min(LARGE_WINDOW, isAlone ? most * ALONE : most);
}

/**
 * The rows of the next window, from those of the last one and the time that it took. It comes nearer to the target in
 * steps, because neighbouring windows differ: half of the way up, unless nobody else is there, and all of it down.
 */
export function nextRows(
  { targetMs, minRows, maxRows, isAlone }: Windows & { readonly maxRows: number; readonly isAlone: boolean },
  last: { readonly rows: number; readonly tookMs: number },
): number {
  const ideal = last.rows * (targetMs / Math.max(SHORTEST_MS, last.tookMs));
  const up = isAlone
    ? Math.min(ideal, last.rows * MOST_GROWTH_ALONE)
    : Math.min((last.rows + ideal) / 2, last.rows * MOST_GROWTH);
  const next = ideal > last.rows ? up : ideal;
  return Math.max(Math.min(minRows, maxRows), Math.min(maxRows, Math.round(next)));
}

/** The rows of the two halves that a window which failed is tried in. 0: it was a single row. */
export function halfOf(rows: number): number {
  return Math.floor(rows / 2);
}
