/** Thumbnails for a contact sheet. They are made from the files of the origin and are not stored in the database. */
import { ImportFailed } from "../errors.ts";
import { workerSettings } from "./memory.ts";
import { type PoolEvent, WorkerPool } from "./pool.ts";
import type { FileJob } from "./protocol.ts";
import { PASSING } from "./reach.ts";
import type { ImportSettings } from "./settings.ts";

export interface ThumbnailOptions {
  readonly sizePx: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

const DEPTH = 4;
/** How often a picture is tried. Then its place on the sheet stays blank. */
const TRIES = 3;
/** How many connections in a row may be lost. Somebody is waiting for the sheet. */
const LOSSES = 4;

/**
 * Thumbnails (WebP) by the id of the file. Files that cannot be read or have changed are left out. Throws
 * `ImportFailed` if the origin cannot be reached.
 */
export async function readThumbnails(
  settings: ImportSettings,
  files: readonly FileJob[],
  { sizePx, signal, onProgress }: ThumbnailOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  if (files.length === 0) return found;
  const todo = files.map((file) => ({ ...file, thumbnailPx: sizePx }));
  const tries = new Map<string, number>();
  let open = todo.length;
  let losses = 0;
  let over = () => {};
  let fail: (error: unknown) => void = () => {};
  const again = (job: FileJob) => {
    const tried = (tries.get(job.id) ?? 0) + 1;
    tries.set(job.id, tried);
    if (tried < TRIES) todo.push(job as (typeof todo)[number]);
    else open--;
  };
  const heard = (event: PoolEvent) => {
    if (event.kind === "origin" && (++losses >= LOSSES || !PASSING.has(event.code))) fail(unreachable(event));
    if (event.kind === "crashed") for (const job of event.jobs) again(job);
    if (event.kind === "answer") {
      if (event.answer.kind === "interrupted") again(event.job);
      else {
        open--;
        if (event.answer.kind === "thumbnail") {
          losses = 0;
          found.set(event.job.id, event.answer.webp);
        }
        onProgress(files.length - open);
      }
    }
    fill();
  };
  await using pool = new WorkerPool({
    workers: Math.min(settings.workers, files.length),
    settings: workerSettings(settings),
    fileTimeoutMs: settings.fileTimeoutMs,
    on: (event) => heard(event),
  });
  const fill = () => {
    for (const worker of pool.workers)
      while (worker.jobs.size < DEPTH) {
        const job = todo.shift();
        if (job === undefined) break;
        pool.send(worker, job);
      }
    if (open === 0) over();
  };
  await new Promise<void>((resolve, reject) => {
    over = resolve;
    fail = reject;
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    fill();
  });
  return found;
}

function unreachable({ code, message, hint }: PoolEvent & { kind: "origin" }): ImportFailed {
  return new ImportFailed({ code, message, hint } as ConstructorParameters<typeof ImportFailed>[0]);
}
