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
import { tooHeavy } from "../pixels/refusal.ts";
import { thumbnail } from "../pixels/thumbnail.ts";
import { backoffMs, delay } from "../std/time.ts";
import { createBudget } from "./budget.ts";
import type { FileJob, FromWorker, ToWorker, WorkerSettings } from "./protocol.ts";

const never = new AbortController().signal;

let settings: WorkerSettings;
let origin: Promise<Origin> | undefined;
let fetching = createBudget(1);
let ahead = createBudget(1);
/** One at a time: two would share a core, and each would get half of the memory. */
const decoding = createBudget(1);
/** Lost connections in a row. */
let losses = 0;

// Not `process.exit`: it waits for the decoder's threads, and those for the end of an image that may have none.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Ctrl-C reaches every process of the terminal; it is the parent that decides when to stop.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("message", (message: ToWorker) => {
  if (message.kind === "start") start(message.settings);
  else void work(message.job);
});

function start(given: WorkerSettings): void {
  settings = given;
  fetching = createBudget(given.fetching);
  ahead = createBudget(given.aheadBytes);
  say({ kind: "ready" });
}

async function work(job: FileJob): Promise<void> {
  try {
    await using _ahead = await ahead.take(job.sizeBytes);
    try {
      await read(job);
    } finally {
      // Before its place is given to another: what is freed later has grown the process already.
      litterBytes += job.sizeBytes;
      if (litterBytes + lastPixelBytes > settings.heldBytes / 2) await sweep();
    }
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
  const { hashSize, maxPixels, memoryBytes, heldBytes, aheadBytes } = settings;
  if (job.thumbnailPx !== undefined) {
    const webp = await thumbnail(bytes, { sizePx: job.thumbnailPx, maxPixels });
    say({ kind: "thumbnail", id: job.id, webp });
    return;
  }
  // What is left beside files; beside one that takes most of it there are still strips that are worth decoding.
  const maxDecodedBytes = Math.max(heldBytes - Math.max(aheadBytes, bytes.length), heldBytes / 4);
  const options = { hashSize, maxPixels, maxDecodedBytes, onStripDone: sweep };
  const { decodedBytes, width, height } = await readHeader(bytes, options);
  if (decodedBytes > memoryBytes) throw tooHeavy(width, height, { decodedBytes, memoryBytes });
  await makeRoom(decodedBytes);
  const description = await describeImage(bytes, options);
  await sweepPixels(decodedBytes);
  say({ kind: "described", id: job.id, description, sizeBytes: bytes.length });
}

/** What nobody wants any more and is perhaps not freed: all files since the last sweep, and the last pixels. */
let litterBytes = 0;
let lastPixelBytes = 0;

/** V8 does not count how large they are: left alone, it lets several hundred megabytes gather. */
async function makeRoom(bytes: number): Promise<void> {
  const { heldBytes, aheadBytes } = settings;
  if (litterBytes + lastPixelBytes + bytes > heldBytes - aheadBytes) await sweep();
}

/**
 * Pixels are young and cheap to find, though only when those of the next image are there. `gc` is there because the
 * pool starts us with --expose-gc.
 */
async function sweepPixels(bytes: number): Promise<void> {
  if (bytes > settings.heldBytes / 2) return sweep();
  lastPixelBytes = bytes;
  void globalThis.gc?.({ type: "minor" });
}

/** Everything: that takes ten times as long. What sharp gave is freed a turn of the event loop later. */
async function sweep(): Promise<void> {
  litterBytes = 0;
  lastPixelBytes = 0;
  globalThis.gc?.();
  await new Promise((resolve) => setImmediate(resolve));
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
