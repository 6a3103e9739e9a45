/** How fast the windows of a backfill are. Pure. */

/** A window counts half as much after so long. */
const HALF_LIFE_MS = 10_000;

/**
 * Rows in a second, from what was known and one more window with the pause before it. `elapsedMs`: since the first window
 * began. In a young backfill, windows count less after half of that time already: the first ones are small, and say little.
 */
export function speedOf(
  known: number | null,
  { rows, ms, elapsedMs }: { readonly rows: number; readonly ms: number; readonly elapsedMs: number },
): number {
  const now = (rows / Math.max(ms, 0.1)) * 1000;
  const halfLife = Math.min(HALF_LIFE_MS, Math.max(1, elapsedMs / 2));
  return known === null ? now : now + (known - now) * 0.5 ** (ms / halfLife);
}
