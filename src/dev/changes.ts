/**
 * Waits for a change in a folder of migrations. What counts is the state of its files; events of the file system only say when to
 * look again. Where they do not arrive, as with many mounts of containers, a look every two seconds finds the change.
 */
import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { delay } from "../std/time.ts";

const LOOK_EVERY_MS = 2000;
/** An editor may write a file in several pieces. */
const SETTLED_AFTER_MS = 50;

/** Equal for equal files. */
export type FolderState = string;

export async function stateOf(folder: string): Promise<FolderState> {
  return (await entriesOf(folder))
    .map(({ line }) => line)
    .sort()
    .join("\n");
}

/** Resolves with the state as soon as it differs from `seen` and has settled. Rejects with the signal's reason. */
export async function nextChange(
  folder: string,
  { seen, signal }: { readonly seen: FolderState; readonly signal: AbortSignal },
): Promise<FolderState> {
  using events = await listen(folder);
  for (;;) {
    let state = await stateOf(folder);
    while (state !== seen) {
      await delay(SETTLED_AFTER_MS, signal);
      const now = await stateOf(folder);
      if (now === state) return now;
      state = now;
    }
    await events.next(signal);
  }
}

interface Events extends Disposable {
  /** Resolves at the next event, or when it is time to look anyway. */
  next(signal: AbortSignal): Promise<void>;
}

async function listen(folder: string): Promise<Events> {
  const folders = (await entriesOf(folder)).filter(({ isFolder }) => isFolder).map(({ path }) => path);
  let wake = new AbortController();
  const watchers = [folder, ...folders].flatMap((path): FSWatcher[] => {
    try {
      const watcher = watch(path, () => wake.abort());
      return [watcher.on("error", () => watcher.close())];
    } catch {
      return []; // not there, or the system has no more watches
    }
  });
  return {
    async next(signal) {
      await delay(LOOK_EVERY_MS, AbortSignal.any([signal, wake.signal])).catch(() => {});
      signal.throwIfAborted();
      wake = new AbortController();
    },
    [Symbol.dispose]() {
      for (const watcher of watchers) watcher.close();
    },
  };
}

interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
  readonly line: string;
}

async function entriesOf(folder: string): Promise<readonly Entry[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const entries = found
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .map(async (entry): Promise<readonly Entry[]> => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return [{ path, isFolder: true, line: path }, ...(await entriesOf(path))];
      const facts = await stat(path, { bigint: true }).catch(() => undefined);
      if (facts === undefined) return [];
      return [{ path, isFolder: false, line: `${path} ${facts.ino} ${facts.size} ${facts.mtimeNs}` }];
    });
  return (await Promise.all(entries)).flat();
}
