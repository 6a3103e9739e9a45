/**
 * A worker process. It fetches files over its own connection, describes them, and reports.
 *
 *   job ─► fetch (a few at a time, bounded bytes) ─► decode and hash (bounded pixels) ─► answer
 *
 * It is a process and not a thread, because a hostile file may crash the decoder. Then this process ends, and not the
 * import. It ends with its parent. Otherwise an open SSH connection would keep it alive forever, and the NAS busy.
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
/** Images are decoded one at a time. Two would share a core, and each would get half of the memory. */
const decoding = createBudget(1);
/** How many connections in a row were lost. */
let losses = 0;

// `process.exit` would wait for the threads of the decoder, and an image may keep them busy forever.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Ctrl-C reaches every process of the terminal. Only the parent decides when to stop.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
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
      // Counted before the next file takes its place, because memory that is freed later has grown the process
      // already.
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
  // The memory that is left beside files. Beside a file that takes most of it, strips are still worth decoding.
  const maxDecodedBytes = Math.max(heldBytes - Math.max(aheadBytes, bytes.length), heldBytes / 4);
  const options = { hashSize, maxPixels, maxDecodedBytes, onStripDone: sweep };
  const { decodedBytes, width, height } = await readHeader(bytes, options);
  if (decodedBytes > memoryBytes) throw tooHeavy(width, height, { decodedBytes, memoryBytes });
  await makeRoom(decodedBytes);
  const description = await describeImage(bytes, options);
  await sweepPixels(decodedBytes);
  say({ kind: "described", id: job.id, description, sizeBytes: bytes.length });
}

/** Bytes that are not needed and may not be freed yet: all files since the last sweep, and the last pixels. */
let litterBytes = 0;
let lastPixelBytes = 0;

/** Frees buffers in time. V8 does not count their size, so it would let several hundred megabytes gather. */
async function makeRoom(bytes: number): Promise<void> {
  const { heldBytes, aheadBytes } = settings;
  if (litterBytes + lastPixelBytes + bytes > heldBytes - aheadBytes) await sweep();
}

/**
 * Frees the pixels of the last image with a cheap collection of young objects, once the next pixels exist. `gc`
 * exists because the pool starts workers with --expose-gc.
 */
async function sweepPixels(bytes: number): Promise<void> {
  if (bytes > settings.heldBytes / 2) return sweep();
  lastPixelBytes = bytes;
  void globalThis.gc?.({ type: "minor" });
}

/** Frees everything, which takes ten times as long. Buffers of sharp are freed one turn of the event loop later. */
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

/** Connects. The pause grows after each loss, so that a NAS that is starting is not flooded. */
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
