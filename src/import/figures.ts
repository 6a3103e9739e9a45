/** How far an import is, as numbers. Pure; whoever asks says what time it is. */

export interface Figures {
  readonly stage: "scanning" | "reading" | "finishing";
  /** Seen by the scan. */
  readonly seen: { readonly folders: number; readonly files: number; readonly bytes: number };
  /** Of what is to be read; known when the scan is over. */
  readonly files: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
  readonly stored: number;
  /** Broken, unreadable, too large: everything that has no row and should have had one. */
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
  /** What it is at, the oldest first. */
  readonly paths: readonly string[];
}

/** Moving averages: the last half minute counts, not how the run began. */
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

/** By bytes, because that is what takes the time; by files where bytes tell nothing. */
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
