/** How far an import is, as numbers. Pure: the caller passes the time. */

export interface Figures {
  readonly stage: "scanning" | "reading" | "finishing";
  /** What the scan has seen. */
  readonly seen: { readonly folders: number; readonly files: number; readonly bytes: number };
  /** The files to read. `total` is known when the scan is over. */
  readonly files: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
  readonly stored: number;
  /** Files that have no row and should have one: broken, unreadable or too large. */
  readonly failed: number;
  readonly unsupported: number;
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
  /** `null`: not known yet. */
  readonly remainingMs: number | null;
  readonly batches: { readonly done: number; readonly total: number; readonly running: readonly number[] };
  readonly workers: readonly WorkerFigures[];
}

export interface WorkerFigures {
  readonly number: number;
  readonly pid: number;
  /** Paths that are being read, the oldest first. */
  readonly paths: readonly string[];
}

/** Rates over a moving window. The last half minute counts, not the start of the run. */
export function createRate(windowMs = 30_000) {
  const samples: { atMs: number; value: number }[] = [];
  return {
    add(atMs: number, value: number): void {
      const last = samples.at(-1);
      if (last !== undefined && atMs - last.atMs < 250)
        samples[samples.length - 1] = { atMs: last.atMs, value };
      else samples.push({ atMs, value });
      while (samples.length > 2 && (samples[1]?.atMs ?? 0) < atMs - windowMs) samples.shift();
    },
    perSecond(): number {
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
      return ((last.value - first.value) * 1000) / (last.atMs - first.atMs);
    },
  };
}

/**
 * Milliseconds that are left. It goes by bytes, because they take the time, or by files if there are no bytes to go
 * by.
 */
export function remainingMs(
  files: Figures["files"],
  bytes: Figures["bytes"],
  rates: { readonly filesPerSecond: number; readonly bytesPerSecond: number },
): number | null {
  if (files.done >= files.total) return 0;
  const [bytesLeft, filesLeft] = [bytes.total - bytes.done, files.total - files.done];
  if (bytesLeft > 0 && rates.bytesPerSecond > 0) return (bytesLeft / rates.bytesPerSecond) * 1000;
  return rates.filesPerSecond > 0 ? (filesLeft / rates.filesPerSecond) * 1000 : null;
}
