/**
 * Files that changed a moment before the scan, so perhaps are still being written: they are read when they have rested and
 * then look as they did. One that was changed while it was read rests as well, a few times.
 */
import { ImportFailed } from "../errors.ts";
import { refuseOther } from "../origin/failures.ts";
import type { FileJob } from "./protocol.ts";
import { PASSING, type Reach } from "./reach.ts";

const MAX_RESTS = 3;

export interface RestingOptions {
  readonly settleMs: number;
  readonly reach: Reach;
  readonly signal: AbortSignal;
}

/** A file whose rest is over: to be read, or the reason why it will not be. */
export interface Rested {
  readonly job: FileJob;
  readonly refused: { readonly code: string; readonly reason: string } | null;
}

export class Resting {
  readonly #options: RestingOptions;
  readonly #resting: { job: FileJob; until: number; rests: number }[] = [];
  readonly #rests = new Map<string, number>();
  readonly #scannedAt = performance.now();

  constructor(options: RestingOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#resting.length === 0;
  }

  /** `true`: it is fresh, and rests from now on. */
  takes(job: FileJob): boolean {
    const { settleMs } = this.#options;
    const rested = performance.now() - this.#scannedAt >= settleMs;
    if (rested || job.mtimeMs <= Date.now() - settleMs) return false;
    this.#resting.push({ job, until: this.#scannedAt + settleMs, rests: 0 });
    return true;
  }

  /** It was changed meanwhile. `false`: too often. */
  takesAgain(job: FileJob): boolean {
    const rests = (this.#rests.get(job.id) ?? 0) + 1;
    this.#rests.set(job.id, rests);
    if (rests > MAX_RESTS) return false;
    this.#resting.push({ job, until: performance.now() + this.#options.settleMs, rests });
    return true;
  }

  /**
   * Those whose rest is over, looked at again. One that looks as it did before is to be read; any other rests anew: a
   * writer that is slow, where times are in whole seconds, may leave it as it is for as long as reading takes.
   */
  async over(): Promise<readonly Rested[]> {
    const now = performance.now();
    const over = this.#resting.filter((each) => each.until <= now);
    if (over.length === 0) return [];
    this.#resting.splice(0, this.#resting.length, ...this.#resting.filter((each) => each.until > now));
    const rested: Rested[] = [];
    for (const { job, rests } of over) {
      const found = rests === 0 ? { job, refused: null } : await this.#look(job);
      if (found !== null) rested.push(found);
    }
    return rested;
  }

  async #look(job: FileJob): Promise<Rested | null> {
    let found = job;
    try {
      const { reach, signal } = this.#options;
      const looks = await reach.with((origin) => origin.stat(job.path, { signal }));
      found = { ...job, ...looks };
      refuseOther(job.path, job, looks);
      return { job: found, refused: null };
    } catch (error) {
      if (!(error instanceof ImportFailed) || PASSING.has(error.code)) throw error;
      if (error.code === "FILE_CHANGED" && this.takesAgain(found)) return null;
      return { job: found, refused: { code: error.code, reason: error.message } };
    }
  }
}
