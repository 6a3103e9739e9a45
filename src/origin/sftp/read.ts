/**
 * A whole file into one buffer. Many requests are under way at once, because a single one at a time is as slow as
 * the way there and back. 32 KiB each is what every server allows; larger pieces gain nothing and are cut short by
 * some, so whatever comes short is asked for again. The file is looked at before and after: what does not match
 * what was expected is no result, and neither is a part of it.
 */
import type { Stats } from "ssh2";
import { fileChanged, fileUnreadable, refuseOther } from "../failures.ts";
import type { Expected, ReadOptions } from "../origin.ts";
import type { Channel, Handle } from "./channel.ts";

const PIECE_BYTES = 32 * 1024;
/** 1 MiB under way, half of what the library lets come in before it waits. */
const PIECES_AT_ONCE = 32;

export interface ReadJob extends ReadOptions {
  /** As the caller calls it, for messages. */
  readonly path: string;
  /** As the server calls it. */
  readonly file: string;
  readonly expected: Expected;
}

export async function readWhole(channel: Channel, job: ReadJob): Promise<Buffer> {
  const { path, file, expected, signal } = job;
  const handle = await channel.open(file);
  try {
    signal.throwIfAborted();
    // Both at once: one way there and back less for each file.
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

/** What the protocol tells of a file, in the terms of all origins: it has whole seconds. */
export function expectedOf({ size, mtime }: Stats): Expected {
  return { sizeBytes: size ?? 0, mtimeMs: (mtime ?? 0) * 1000 };
}

interface FillOptions {
  readonly job: ReadJob;
  /** Rejects where reading on is of no use. */
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
    // Whoever comes next on this channel should not stand behind answers that nobody wants.
    await Promise.allSettled(lanes);
  }
  return bytes;
}
