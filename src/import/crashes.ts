/**
 * What happens to the files of a worker that ends while it holds them:
 *
 *   held ─► read alone ─► stored
 *            └─► ended its worker again ─► suspect ─► quarantined, as soon as another image can be decoded
 *                                             └─► too many in a row: the files are not to blame, and the import ends
 *
 * We end a worker that takes too long over a file. Such a file is to blame by itself. A worker that ends before it
 * ran says nothing about its files.
 */
import { ImportFailed } from "../errors.ts";
import type { PoolEvent, Worker } from "./pool.ts";
import type { FileJob } from "./protocol.ts";

/** How many workers in a row may end before they ran. */
const MAX_STILLBORN = 10;
/** How many images in a row may end their worker. */
const MAX_SUSPECTS = 20;

export interface Blamed {
  readonly job: FileJob;
  readonly code: string;
  readonly reason: string;
}

export interface CrashVerdict {
  /** Files that are handed out again like any other. */
  readonly again: readonly FileJob[];
  readonly blamed: readonly Blamed[];
  readonly fatal: ImportFailed | null;
  readonly notice: string | null;
}

export class Crashes {
  readonly #importName: string;
  readonly #fileTimeoutMs: number;
  /** Files that are read alone, because a worker died while it held them. */
  readonly #alone: FileJob[] = [];
  readonly #aloneNow = new Set<number>();
  readonly #tried = new Set<string>();
  readonly #suspects: Blamed[] = [];
  #stillborn = 0;

  constructor(options: { readonly name: string; readonly fileTimeoutMs: number }) {
    this.#importName = options.name;
    this.#fileTimeoutMs = options.fileTimeoutMs;
  }

  /** Whether no file waits to be read alone. */
  get isEmpty(): boolean {
    return this.#alone.length === 0;
  }

  /** Whether this worker holds a file that is read alone. */
  isAlone(worker: Worker): boolean {
    return this.#aloneNow.has(worker.number);
  }

  /**
   * The next file to read alone. `wait`: this worker gets nothing until it is idle. `undefined`: any other file will
   * do.
   */
  next(worker: Worker, workers: number): FileJob | "wait" | undefined {
    if (this.#alone.length === 0) return undefined;
    // With several workers, one reads alone and the others continue.
    if (this.#aloneNow.size > 0 && workers > 1) return undefined;
    if (worker.jobs.size > 0) return "wait";
    this.#aloneNow.add(worker.number);
    return this.#alone.shift();
  }

  answered(worker: Worker): void {
    this.#aloneNow.delete(worker.number);
    this.#stillborn = 0;
  }

  /** The suspects, called after a worker decoded an image: workers do work, so the suspects are to blame. */
  blame(): readonly Blamed[] {
    return this.#suspects.splice(0);
  }

  heard({ jobs, how, began, timedOut, worker }: PoolEvent & { kind: "crashed" }): CrashVerdict {
    this.#aloneNow.delete(worker.number);
    if (!began) return this.#neverRan(jobs, how);
    this.#stillborn = 0;
    const blamed: Blamed[] = [];
    for (const job of jobs) {
      const wasAlone = jobs.length === 1 && this.#tried.has(job.id);
      if (!wasAlone) {
        this.#tried.add(job.id);
        this.#alone.push(job);
      } else if (timedOut?.id === job.id) {
        const seconds = Math.round(this.#fileTimeoutMs / 1000);
        blamed.push({ job, code: "IMAGE_TIMEOUT", reason: `It could not be hashed within ${seconds} s.` });
      } else {
        const reason = `It ended the process that decoded it (${how}), twice.`;
        this.#suspects.push({ job, code: "IMAGE_CRASHED", reason });
      }
    }
    return {
      again: [],
      blamed,
      fatal: this.#suspects.length >= MAX_SUSPECTS ? this.#allCrash(how) : null,
      notice: `worker ${worker.number} ended (${how}) with ${jobs.length} files in hand; they are tried one by one`,
    };
  }

  #neverRan(jobs: readonly FileJob[], how: string): CrashVerdict {
    this.#alone.push(...jobs.filter((job) => this.#tried.has(job.id)));
    return {
      again: jobs.filter((job) => !this.#tried.has(job.id)),
      blamed: [],
      fatal: ++this.#stillborn >= MAX_STILLBORN ? this.#noWorkers(how) : null,
      notice: null,
    };
  }

  #noWorkers(how: string): ImportFailed {
    return new ImportFailed({
      code: "IMPORT_WORKERS",
      message: `The worker processes of import ${this.#importName} end before they do anything (${how}), ${this.#stillborn} in a row.`,
      hint: "Has the machine (or the container) memory left, and may this user start processes? Then run again: no file was blamed.",
    });
  }

  #allCrash(how: string): ImportFailed {
    return new ImportFailed({
      code: "IMPORT_WORKERS",
      message: `The worker processes of import ${this.#importName} ended (${how}) over each of ${this.#suspects.length} images in a row, and decoded none in between.`,
      hint: "Has the machine (or the container) memory left, and does `npm rebuild sharp` help? Then run again: no file was blamed.",
    });
  }
}
