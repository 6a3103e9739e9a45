/** How fast the windows of a backfill are. Pure. */

/** A window counts half as much after so long. */
const HALF_LIFE_MS = 10_000;

/** Rows in a second, from what was known and one more window with the pause before it. */
export function speedOf(known: number | null, { rows, ms }: { rows: number; ms: number }): number {
  const now = (rows / Math.max(ms, 0.1)) * 1000;
  return known === null ? now : now + (known - now) * 0.5 ** (ms / HALF_LIFE_MS);
}
