/**
 * Files that changed shortly before the scan, so they may still be written. Each rests for `settleMs` before it is
 * read. A file that changes while it is read rests again, at most three times.
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

/** A file whose rest is over. It is read, unless `refused` says why not. */
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

  /** Puts a file that was changed recently to rest. Returns whether it rests. */
  takes(job: FileJob): boolean {
    const { settleMs } = this.#options;
    const rested = performance.now() - this.#scannedAt >= settleMs;
    if (rested || job.mtimeMs <= Date.now() - settleMs) return false;
    this.#resting.push({ job, until: this.#scannedAt + settleMs, rests: 0 });
    return true;
  }

  /** Puts a file that changed while it was read to rest. `false`: it has changed too often. */
  takesAgain(job: FileJob): boolean {
    const rests = (this.#rests.get(job.id) ?? 0) + 1;
    this.#rests.set(job.id, rests);
    if (rests > MAX_RESTS) return false;
    this.#resting.push({ job, until: performance.now() + this.#options.settleMs, rests });
    return true;
  }

  /**
   * Files whose rest is over. A file that changed while it was read is looked at first. If it has changed again, it
   * rests again: with times in whole seconds, a slow writer may leave no trace for as long as reading takes.
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
