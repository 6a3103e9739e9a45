/** From what a statement took on generated rows to what it takes on the target. Values in, values out. */

export interface Measured {
  readonly ms: number;
  /** What it takes without any row. */
  readonly emptyMs: number;
  readonly rows: number;
  /** For a page, on the scratch server. */
  readonly pageMs: number | null;
  readonly isBuild: boolean;
}

export interface TargetSize {
  readonly rows: number;
  readonly pages: number;
  /** For a page, on the target. */
  readonly pageMs: number | null;
}

/** Two reads of the same pages differ by as much. */
const NOISE = 1.3;

/** Work grows with the rows; that of sorting by their logarithm more. A slower disk adds what its pages take longer. */
export function extrapolated(measured: Measured, wanted: TargetSize): number {
  const ratio = measured.rows === 0 ? 1 : wanted.rows / measured.rows;
  const sorting =
    measured.isBuild && ratio > 1 ? Math.log2(wanted.rows) / Math.log2(Math.max(2, measured.rows)) : 1;
  // Migrations may have put rows there, so it was not that empty.
  const fixed = Math.min(measured.emptyMs, measured.ms / 10);
  const work = (measured.ms - fixed) * ratio * sorting;
  if (measured.pageMs === null || wanted.pageMs === null) return fixed + work;
  const slower = wanted.pageMs / measured.pageMs;
  if (slower < 1 / NOISE) return fixed + work * Math.max(0.3, slower);
  return fixed + work + (slower > NOISE ? (wanted.pageMs - measured.pageMs) * wanted.pages : 0);
}
