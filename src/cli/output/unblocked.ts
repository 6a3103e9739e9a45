/**
 * Standard error for a command that must never wait for whoever reads it. To a pipe Node writes synchronously, so a full pipe
 * that nobody empties stops the whole process, its signals too. A second opening of the same pipe has flags of its own:
 * the app that shares the pipe with us does not notice.
 */
import { constants, fstatSync, openSync, writeSync } from "node:fs";

/** What waits to be read; more is lost, and that is said. */
const MOST_BYTES = 256 * 1024;
const AGAIN_MS = 100;

/** `null` where writing does not block anyway, or cannot be kept from blocking. */
export function openUnblocked(fd: number): ((text: string) => void) | null {
  let own: number;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return null;
    own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
  let waiting: Buffer = Buffer.alloc(0);
  let lost = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    try {
      while (waiting.length > 0) waiting = waiting.subarray(writeSync(own, waiting));
    } catch (error) {
      // Any other error means that nobody will read it any more.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") waiting = Buffer.alloc(0);
      else timer = setTimeout(flush, AGAIN_MS);
    }
  };
  return (text) => {
    if (waiting.length > MOST_BYTES) {
      lost++;
      return;
    }
    const note = lost === 0 ? "" : `${lost} lines were lost here, because nobody read them.\n`;
    lost = 0;
    waiting = Buffer.concat([waiting, Buffer.from(note + text)]);
    if (timer === undefined) flush();
  };
}
