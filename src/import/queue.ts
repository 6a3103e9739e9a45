/** The files to read, in batches of about equal size, in the order of paths. */
import type { BatchPlan } from "../images/runs.ts";
import type { FileJob } from "./protocol.ts";

export interface Pending {
  readonly ids: Float64Array;
  readonly sizes: Float64Array;
}

interface Span extends BatchPlan {
  readonly from: number;
  readonly to: number;
}

/** Plans batches greedily. A file that is larger than a batch forms one alone. */
export function planBatches(
  { sizes }: Pick<Pending, "sizes">,
  limit: { readonly bytes: number; readonly files: number },
): readonly Span[] {
  const spans: Span[] = [];
  let from = 0;
  let bytes = 0;
  const close = (to: number) => {
    if (to > from) spans.push({ number: spans.length + 1, from, to, files: to - from, bytes });
    from = to;
    bytes = 0;
  };
  for (const [index, size] of sizes.entries()) {
    if (index > from && (bytes + size > limit.bytes || index - from >= limit.files)) close(index);
    bytes += size;
  }
  close(sizes.length);
  return spans;
}

export interface Batch extends BatchPlan {
  readonly startedAt: number;
  done: number;
  failed: number;
}

export interface QueueOptions {
  readonly bytes: number;
  readonly files: number;
  /** How many batches are in work at the same time. */
  readonly atOnce: number;
  readonly load: (ids: readonly string[]) => Promise<readonly FileJob[]>;
}

/** Hands out files. It loads a batch when that starts, so memory does not grow with the number of files. */
export class Queue {
  readonly #pending: Pending;
  readonly #options: QueueOptions;
  readonly #running = new Map<Batch, FileJob[]>();
  readonly #batchOf = new Map<string, Batch>();
  readonly batches: readonly Span[];
  #next = 0;

  constructor(pending: Pending, options: QueueOptions) {
    this.#pending = pending;
    this.#options = options;
    this.batches = planBatches(pending, options);
  }

  get running(): readonly Batch[] {
    return [...this.#running.keys()];
  }

  /** Whether everything has been handed out. */
  get empty(): boolean {
    return (
      this.#next >= this.batches.length && [...this.#running.values()].every((files) => files.length === 0)
    );
  }

  /** Starts batches up to the limit. Call it before `take`. */
  async refill(): Promise<void> {
    const waiting = () => [...this.#running.values()].filter((files) => files.length > 0).length;
    while (this.#next < this.batches.length && waiting() < this.#options.atOnce) {
      const span = this.batches[this.#next++];
      if (span === undefined) return;
      const ids = Array.from(this.#pending.ids.subarray(span.from, span.to), String);
      const files = [...(await this.#options.load(ids))];
      const batch: Batch = { ...span, startedAt: performance.now(), done: 0, failed: 0 };
      this.#running.set(batch, files);
      for (const file of files) this.#batchOf.set(file.id, batch);
      // A file that has left the ledger meanwhile counts as done.
      batch.done += span.files - files.length;
    }
  }

  /** The next file for this worker: from its own batch while that has files, then from any batch. */
  take(worker: number): FileJob | undefined {
    const running = [...this.#running.values()].filter((files) => files.length > 0);
    return running[worker % Math.max(1, running.length)]?.shift();
  }

  /** Marks a file as done. `over`: it was the last one of its batch. */
  settle(id: string, failed: boolean): { readonly batch: Batch | undefined; readonly over: boolean } {
    const batch = this.#batchOf.get(id);
    this.#batchOf.delete(id);
    if (batch === undefined) return { batch, over: false };
    batch.done++;
    if (failed) batch.failed++;
    const over = batch.done >= batch.files;
    if (over) this.#running.delete(batch);
    return { batch, over };
  }
}
