/** Files in a folder of this machine, or of a share that is mounted here. */
import { setMaxListeners } from "node:events";
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, opendir, realpath, stat } from "node:fs/promises";
import { mapBounded } from "../std/bounded.ts";
import { orAbort } from "../std/time.ts";
import {
  baseMissing,
  baseUnreadable,
  below,
  fileChanged,
  fileGone,
  fileUnreadable,
  folderUnreadable,
  originLost,
  refuseOther,
  refuseTooLarge,
} from "./failures.ts";
import type { DirectorySettings, Entry, Expected, Origin, ReadOptions } from "./origin.ts";

const PAGE_ENTRIES = 256;
const LOOKS_AT_ONCE = 16;
/** Small enough to react to a signal soon, large enough that checking the signal costs nothing. */
const CHUNK_BYTES = 1024 * 1024;

export async function openDirectory({ base }: DirectorySettings): Promise<Origin> {
  let realBase: string;
  try {
    realBase = await realpath(base);
  } catch (error) {
    throw isGone(error)
      ? baseMissing(base, "on this machine", error)
      : baseUnreadable(base, "on this machine", reasonOf(error), error);
  }
  try {
    if (!(await stat(realBase)).isDirectory()) {
      throw baseUnreadable(base, "on this machine", "it is not a folder");
    }
    await (await opendir(realBase)).close();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw baseUnreadable(base, "on this machine", reasonOf(error), error);
  }
  return new DirectoryOrigin(base, realBase);
}

class DirectoryOrigin implements Origin {
  readonly description: string;
  readonly realBase: string;
  readonly #closed = new AbortController();

  constructor(base: string, realBase: string) {
    this.description = base;
    this.realBase = realBase;
    setMaxListeners(0, this.#closed.signal); // each file that is being read adds a listener
  }

  async *list(folder: string, { signal }: { signal: AbortSignal }): AsyncIterable<readonly Entry[]> {
    this.#check(signal);
    const path = below(this.realBase, folder);
    try {
      for await (const names of pagesOf(path)) {
        const entries = await this.#unlessOver(
          mapBounded(names, LOOKS_AT_ONCE, (name) => entryOf(path, name)),
          signal,
        );
        this.#check(signal);
        yield entries.filter((entry) => entry !== undefined);
        this.#check(signal);
      }
    } catch (error) {
      throw isSystemError(error) ? folderUnreadable(folder || this.realBase, reasonOf(error), error) : error;
    }
  }

  async stat(path: string, { signal }: { signal: AbortSignal }): Promise<Expected> {
    this.#check(signal);
    const file = below(this.realBase, path);
    return expectedOf(
      await this.#unlessOver(
        aboutFile(path, () => stat(file)),
        signal,
      ),
    );
  }

  async read(path: string, expected: Expected, { signal, onBytes }: ReadOptions): Promise<Buffer> {
    this.#check(signal);
    refuseTooLarge(path, expected);
    const name = below(this.realBase, path);
    const reading = aboutFile(path, async () => {
      // Opening a pipe would wait for a writer forever, and block one of the few threads.
      const file = await open(name, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const found = await file.stat();
        if (!found.isFile()) throw fileUnreadable(path, "it is not a file");
        refuseOther(path, expected, expectedOf(found));
        const bytes = Buffer.allocUnsafeSlow(expected.sizeBytes);
        for (let at = 0; at < bytes.length; ) {
          const count = await readSome(file, bytes, at);
          this.#check(signal);
          if (count === 0) throw fileChanged(path, `it ended after ${at} of ${bytes.length} bytes`);
          at += count;
          onBytes?.(count);
        }
        refuseOther(path, expected, expectedOf(await file.stat()));
        return bytes;
      } finally {
        await file.close();
      }
    });
    // A mount whose server is gone may never answer.
    return this.#unlessOver(reading, signal);
  }

  async close(): Promise<void> {
    this.#closed.abort(originLost(this.description, "it was closed"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.#closed.signal.throwIfAborted();
  }

  /** Listens to both signals. A combined signal per file would stay in memory as long as the two that it is made of. */
  #unlessOver<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    setMaxListeners(0, signal);
    return orAbort(orAbort(work, signal), this.#closed.signal);
  }
}

/** Reads names as bytes, because a name that is not UTF-8 must be reported, not repaired. */
async function* pagesOf(folder: string): AsyncIterable<readonly Buffer[]> {
  const handle = await opendir(folder, { encoding: "buffer" as BufferEncoding, bufferSize: PAGE_ENTRIES });
  try {
    for (;;) {
      const names: Buffer[] = [];
      while (names.length < PAGE_ENTRIES) {
        const found = await handle.read();
        if (found === null) break;
        names.push(found.name as unknown as Buffer); // the type of names with that encoding
      }
      if (names.length === 0) return;
      yield names;
    }
  } finally {
    await handle.close();
  }
}

/** `undefined`: the entry disappeared between listing and `stat`. */
async function entryOf(folder: string, bytes: Buffer): Promise<Entry | undefined> {
  const path = Buffer.concat([Buffer.from(`${folder}/`), bytes]);
  const name = bytes.toString("utf8");
  const addressable = Buffer.from(name, "utf8").equals(bytes);
  let found: Stats;
  try {
    found = await lstat(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  if (!found.isSymbolicLink()) return { name, kind: kindOf(found), ...expectedOf(found), addressable };
  try {
    const [target, realPath] = await Promise.all([stat(path), realpath(path)]);
    return { name, kind: kindOf(target), ...expectedOf(target), realPath, addressable };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { name, kind: "nowhere", ...expectedOf(found), addressable };
  }
}

function kindOf(found: Stats): Entry["kind"] {
  return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
}

function expectedOf(found: Stats): Expected {
  return { sizeBytes: found.size, mtimeMs: Math.floor(found.mtimeMs) };
}

async function readSome(file: FileHandle, into: Buffer, at: number): Promise<number> {
  const length = Math.min(CHUNK_BYTES, into.length - at);
  return (await file.read(into, at, length, at)).bytesRead;
}

async function aboutFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw isGone(error) ? fileGone(path, error) : fileUnreadable(path, reasonOf(error), error);
  }
}

interface SystemError extends Error {
  readonly code: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** True also for a link that leads to itself. SFTP calls all of these "no such file". */
function isGone(error: unknown): boolean {
  return isSystemError(error) && ["ENOENT", "ENOTDIR", "ELOOP"].includes(error.code);
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no such file or folder",
  ENOTDIR: "it is not a folder",
  ELOOP: "its links lead in a circle",
  EIO: "the disk reports an error",
  EMFILE: "too many files are open in this process",
};

function reasonOf(error: unknown): string {
  if (!isSystemError(error)) return String(error);
  return REASONS[error.code] ?? error.code;
}
