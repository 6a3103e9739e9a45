/**
 * Divides the memory of an import among its processes: so much for bytes of files, and so much for decoded pixels.
 * The size of a file says little about its pixels.
 */
import type { WorkerSettings } from "./protocol.ts";
import type { ImportSettings } from "./settings.ts";

/** What this process and each worker need beside files and pixels. Measured with Node 20 on Linux. */
const PARENT_BYTES = 60 * 2 ** 20;
const WORKER_BYTES = 113 * 2 ** 20;

export function workerSettings(settings: ImportSettings): WorkerSettings {
  const { origin, hashSize, maxPixels, memoryBytes, batched } = settings;
  const workers = batched ? settings.workers : 1;
  const each = (memoryBytes - PARENT_BYTES) / workers - WORKER_BYTES;
  const usable = Math.max(48 * 2 ** 20, each);
  return {
    origin,
    hashSize,
    maxPixels,
    memoryBytes,
    heldBytes: Math.floor(usable),
    aheadBytes: Math.floor(usable * 0.15),
    fetching: batched ? 2 : 1,
  };
}
