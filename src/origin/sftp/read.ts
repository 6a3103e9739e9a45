/**
 * Reads a whole file into one buffer. Many requests are in progress at once, because one at a time is as slow as the
 * network's round trip. Every server allows 32 KiB each. Larger pieces gain nothing and some servers cut them short, so
 * missing bytes are requested again. The file is checked before and after. If it does not match what was expected,
 * nothing of it is returned.
 */
import type { Stats } from "ssh2";
import { fileChanged, fileUnreadable, refuseOther } from "../failures.ts";
import type { Expected, ReadOptions } from "../origin.ts";
import type { Channel, Handle } from "./channel.ts";

const PIECE_BYTES = 32 * 1024;
/** 1 MiB in progress, half of what the library accepts before it waits. */
const PIECES_AT_ONCE = 32;

export interface ReadJob extends ReadOptions {
  /** The path as the caller gives it, for messages. */
  readonly path: string;
  /** The path on the server. */
  readonly file: string;
  readonly expected: Expected;
}

export async function readWhole(channel: Channel, job: ReadJob): Promise<Buffer> {
  const { path, file, expected, signal } = job;
  const handle = await channel.open(file);
  try {
    signal.throwIfAborted();
    // Both at once: this saves one round trip per file.
    const before = channel.fstat(handle, file).then((found) => {
      if (found.mode !== undefined && !found.isFile()) throw fileUnreadable(path, "it is not a file");
      refuseOther(path, expected, expectedOf(found));
    });
    const [bytes] = await Promise.all([fill(channel, handle, { job, before }), before]);
    refuseOther(path, expected, expectedOf(await channel.fstat(handle, file)));
    signal.throwIfAborted();
    return bytes;
  } finally {
    channel.release(handle);
  }
}

/** What the protocol says about a file, in the terms of all origins. Its times are in whole seconds. */
export function expectedOf({ size, mtime }: Stats): Expected {
  return { sizeBytes: size ?? 0, mtimeMs: (mtime ?? 0) * 1000 };
}

interface FillOptions {
  readonly job: ReadJob;
  /** Rejects if reading further is pointless. */
  readonly before: Promise<void>;
}

async function fill(channel: Channel, handle: Handle, { job, before }: FillOptions): Promise<Buffer> {
  const { path, file, signal, onBytes } = job;
  const bytes = Buffer.allocUnsafeSlow(job.expected.sizeBytes);
  let next = 0;
  let failed = false;
  before.catch(() => {
    failed = true;
  });
  const lane = async () => {
    while (next < bytes.length && !failed) {
      let at = next;
      const end = Math.min(at + PIECE_BYTES, bytes.length);
      next = end;
      while (at < end) {
        const count = await channel.read(handle, bytes, { at, length: end - at, path: file });
        signal.throwIfAborted();
        if (count === 0) throw fileChanged(path, `it ended after ${at} of ${bytes.length} bytes`);
        at += count;
        onBytes?.(count);
      }
    }
  };
  const lanes = Array.from({ length: PIECES_AT_ONCE }, () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  try {
    await Promise.all(lanes);
  } finally {
    // The next request on this channel should not wait behind answers that nobody wants.
    await Promise.allSettled(lanes);
  }
  return bytes;
}
