/**
 * Standard output. What a command says there is its result, so none of it may be missing from a run that ends with 0.
 *
 * To a file Node writes each text with one system call and does not look at how much of it was taken: on a disk that is
 * almost full the rest is lost without an error. So files are written here, until all of it is there.
 */
import { fstatSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Problem } from "../../errors.ts";

export interface Output {
  /** `whole`: a part of it is of no use, so a reader that goes away early is a failure too. */
  write(text: string, options?: { readonly whole: boolean }): void;
  /** Resolves when everything is written, with what went wrong. */
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
      // The answer to an empty write comes after those of all the others.
      if (!isFile) await new Promise<void>((resolve) => stream.write("", () => resolve()));
      if (failure === undefined) return null;
      // `godwit history | head` is no error.
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
    hint: "Write it to a file first: godwit up --sql > change.sql",
  };
}
