/**
 * A worker process: fetches files over a connection of its own, describes them, and says so.
 *
 *   job ─► fetch (a few at a time, bounded bytes) ─► decode and hash (bounded pixels) ─► answer
 *
 * A process and not a thread, because what a hostile file makes a decoder do then ends this process and not the
 * import. It ends with its parent: an open SSH connection would keep it alive for ever, and the NAS busy.
 */
import { GodwitError, ImportFailed } from "../errors.ts";
import { openOrigin } from "../origin/open.ts";
import type { Origin } from "../origin/origin.ts";
import { describeImage, readHeader } from "../pixels/describe.ts";
import { thumbnail } from "../pixels/thumbnail.ts";
import { backoffMs, delay } from "../std/time.ts";
import { createBudget } from "./budget.ts";
import type { FileJob, FromWorker, ToWorker, WorkerSettings } from "./protocol.ts";

const never = new AbortController().signal;

let settings: WorkerSettings;
let origin: Promise<Origin> | undefined;
let fetching = createBudget(1);
let decoding = createBudget(1);
let ahead = createBudget(1);
let decoded = createBudget(1);
/** Lost connections in a row. */
let losses = 0;

process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches every process of the terminal; it is the parent that decides when to stop.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("message", (message: ToWorker) => {
  if (message.kind === "start") start(message.settings);
  else void work(message.job);
});

function start(given: WorkerSettings): void {
  settings = given;
  fetching = createBudget(given.fetching);
  decoding = createBudget(given.decoding);
  ahead = createBudget(given.aheadBytes);
  decoded = createBudget(given.decodedBytes);
}

async function work(job: FileJob): Promise<void> {
  try {
    await using _ahead = await ahead.take(job.sizeBytes);
    await read(job);
    // Here, where neither its bytes nor its pixels are wanted any more, and before their place is given to another.
    sweep(job.sizeBytes);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    const { code, message, hint } = error;
    if (!(error instanceof ImportFailed)) say({ kind: "origin", code, message, hint });
    else if (isOrigin(code)) say({ kind: "interrupted", id: job.id });
    else say({ kind: "refused", id: job.id, code, message });
  }
}

async function read(job: FileJob): Promise<void> {
  const bytes = await fetchFile(job);
  say({ kind: "fetched", id: job.id, bytes: bytes.length });
  await using _turn = await decoding.take(1);
  if (job.thumbnailPx !== undefined) {
    const webp = await thumbnail(bytes, { sizePx: job.thumbnailPx, maxPixels: settings.maxPixels });
    say({ kind: "thumbnail", id: job.id, webp });
    return;
  }
  const options = {
    hashSize: settings.hashSize,
    maxPixels: settings.maxPixels,
    maxDecodedBytes: settings.decodedBytes,
  };
  const header = await readHeader(bytes, options);
  await using _pixels = await decoded.take(header.decodedBytes);
  const description = await describeImage(bytes, options);
  say({ kind: "described", id: job.id, description, sizeBytes: bytes.length });
}

/** Bytes of files since everything was looked through. */
let littered = 0;

/**
 * Pixels and files are freed when V8 finds that nobody wants them, and it does not count how large they are: left alone it
 * lets several hundred megabytes gather. Pixels are young and found quickly; files have waited, and are found by a look at
 * everything, which is done once for so many bytes. (`gc` is there because the pool starts us with --expose-gc.)
 */
function sweep(fileBytes: number): void {
  littered += fileBytes;
  const everything = littered > settings.aheadBytes / 2;
  if (everything) littered = 0;
  if (globalThis.gc !== undefined) void (everything ? globalThis.gc() : globalThis.gc({ type: "minor" }));
}

async function fetchFile(job: FileJob): Promise<Buffer> {
  await using _turn = await fetching.take(1);
  origin ??= connect();
  const mine = origin;
  try {
    const bytes = await (await mine).read(job.path, job, { signal: never });
    losses = 0;
    return bytes;
  } catch (error) {
    if (!(error instanceof ImportFailed) || !isOrigin(error.code)) throw error;
    if (origin === mine) {
      origin = undefined;
      losses++;
      say({ kind: "origin", code: error.code, message: error.message, hint: error.hint });
      void mine.then((lost) => lost.close()).catch(() => {});
    }
    throw error;
  }
}

/** The pause is longer after each loss, so that a NAS that starts is not met by everybody at once. */
async function connect(): Promise<Origin> {
  if (losses > 0) await delay(backoffMs(losses, { firstMs: 250, maxMs: 15_000 }));
  return openOrigin(settings.origin, {
    signal: never,
    onNotice: (message) => say({ kind: "notice", message }),
  });
}

function isOrigin(code: string): boolean {
  return code.startsWith("ORIGIN_");
}

function say(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}
