/** Counts what has been read and committed, and tells observers: troubles, finished batches, and the figures so far. */
import type { Refused } from "../images/results.ts";
import type { ObserveImport } from "./events.ts";
import { createRate, type Figures, remainingMs } from "./figures.ts";
import type { Worker } from "./pool.ts";
import type { Progress } from "./progress.ts";
import type { Batch, Queue } from "./queue.ts";

export interface TallyOptions {
  /** The name of the import. */
  readonly name: string;
  /** Everything that will be read. */
  readonly total: { readonly files: number; readonly bytes: number };
  /** The counts of the run, which survive this connection. */
  readonly progress: Progress;
  readonly observe: ObserveImport;
}

export class Tally {
  readonly #options: TallyOptions;
  readonly #done = { files: 0, bytes: 0, failed: 0, unsupported: 0, batches: 0 };
  readonly #rates = { files: createRate(), bytes: createRate() };

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** One file is committed. `refused`: why it has no row. */
  count(path: string, refused: Refused | undefined, bytes: number): void {
    const { name, progress, observe } = this.#options;
    this.#done.files++;
    this.#done.bytes += bytes;
    progress.bytesRead += bytes;
    if (refused === undefined) progress.stored++;
    else if (!isTrouble(refused)) this.#done.unsupported += refused.state === "unsupported" ? 1 : 0;
    else {
      this.#done.failed++;
      const { state, code, reason } = refused;
      observe({ kind: "import-trouble", import: name, trouble: { path, state, code, reason } });
    }
  }

  batchDone({ number, files, bytes, failed, startedAt }: Batch, batches: number): void {
    this.#done.batches++;
    this.#options.observe({
      kind: "import-batch-done",
      import: this.#options.name,
      ...{ batch: number, batches, files, bytes, failed, durationMs: performance.now() - startedAt },
    });
  }

  /** Takes a sample for the rates, which are averages over samples. */
  sample(): void {
    const now = performance.now();
    this.#rates.files.add(now, this.#done.files);
    this.#rates.bytes.add(now, this.#done.bytes);
  }

  figures(queue: Queue, workers: readonly Worker[]): Figures {
    const { total, progress } = this.#options;
    const rates = {
      filesPerSecond: this.#rates.files.perSecond(),
      bytesPerSecond: this.#rates.bytes.perSecond(),
    };
    const files = { done: this.#done.files, total: total.files };
    const bytes = { done: this.#done.bytes, total: total.bytes };
    const counts = progress.scan?.counts;
    return {
      stage: "reading",
      seen: { folders: counts?.folders ?? 0, files: counts?.files ?? 0, bytes: counts?.bytes ?? 0 },
      files,
      bytes,
      stored: progress.stored,
      failed: this.#done.failed,
      unsupported: this.#done.unsupported,
      ...rates,
      remainingMs: remainingMs(files, bytes, rates),
      batches: {
        done: this.#done.batches,
        total: queue.batches.length,
        running: queue.running.map((batch) => batch.number),
      },
      workers: workers.map(({ number, pid, jobs }) => ({
        number,
        pid,
        paths: [...jobs.values()].map((job) => job.path),
      })),
    };
  }
}

/** Whether a person has to look at the file. */
export function isTrouble({ state }: Refused): boolean {
  return state === "quarantined" || state === "failed";
}
