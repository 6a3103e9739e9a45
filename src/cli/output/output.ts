/**
 * Standard output. It carries the result of a command, so a run that ends with 0 must have written all of it.
 *
 * Node writes each text to a file with one system call and does not check how much of it was written. On a disk that
 * is almost full, the rest is lost without an error. So this module writes to files itself, until everything is
 * written.
 */
import { fstatSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Problem } from "../../errors.ts";

export interface Output {
  /** Writes a text. `whole`: a part of it is useless, so a reader that leaves early is a failure too. */
  write(text: string, options?: { readonly whole: boolean }): void;
  /** Resolves when everything is written. The value is what went wrong, or `null`. */
  end(): Promise<Problem | null>;
}

export function openOutput(stream: NodeJS.WriteStream, fd: number): Output {
  let failure: NodeJS.ErrnoException | undefined;
  let isWhole = false;
  const isFile = writesAtOnce(fd);
  const failed = (error?: Error | null) => {
    failure ??= error ?? undefined;
  };
  stream.on("error", failed);
  return {
    write(text, { whole } = { whole: false }) {
      isWhole ||= whole;
      if (failure !== undefined) return;
      if (!isFile) {
        stream.write(text, failed);
        return;
      }
      try {
        writeAll(fd, Buffer.from(text));
      } catch (error) {
        failed(error as Error);
      }
    },
    async end() {
      // The callback of an empty write comes after those of all earlier writes.
      if (!isFile) await new Promise<void>((resolve) => stream.write("", () => resolve()));
      if (failure === undefined) return null;
      // `godwit history | head` is not an error.
      if (failure.code === "EPIPE") return isWhole ? cutOff() : null;
      return unwritten(failure);
    },
  };
}

function writesAtOnce(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || (stat.isCharacterDevice() && !isatty(fd));
  } catch {
    return false;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function unwritten(error: Error): Problem {
  return {
    code: "OUTPUT_FAILED",
    message: `The output could not be written completely: ${error.message}.`,
    hint: "Make room, or write it to another place, and run again. What the command has done to a database stays done.",
  };
}

function cutOff(): Problem {
  return {
    code: "OUTPUT_FAILED",
    message: "The script is incomplete: its reader has stopped reading.",
    hint: "Run the command again with > change.sql behind it, and read that file.",
  };
}
