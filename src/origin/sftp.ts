/** Files of a server that is reached by SSH, usually a NAS. */
import { setMaxListeners } from "node:events";
import type { FileEntryWithStats, Stats } from "ssh2";
import { ImportFailed } from "../errors.ts";
import { mapBounded } from "../std/bounded.ts";
import { orAbort } from "../std/time.ts";
import {
  baseMissing,
  baseUnreadable,
  below,
  fileGone,
  fileUnreadable,
  folderUnreadable,
  refuseTooLarge,
} from "./failures.ts";
import type { Entry, Expected, OpenOptions, Origin, ReadOptions, SftpSettings } from "./origin.ts";
import { type Channel, Refusal } from "./sftp/channel.ts";
import { Channels } from "./sftp/channels.ts";
import { connectSftp } from "./sftp/connect.ts";
import type { Connection } from "./sftp/connection.ts";
import { expectedOf, readWhole } from "./sftp/read.ts";

/** Links need extra requests. This many are in progress at once. */
const LINKS_AT_ONCE = 8;
/** A server that sends this many empty answers in a row will never finish the listing. */
const MAX_EMPTY_PAGES = 100;

export async function openSftp(settings: SftpSettings, options: OpenOptions): Promise<Origin> {
  const connection = await connectSftp(settings, options);
  try {
    const channels = new Channels(connection, settings.channels);
    const realBase = await orAbort(openBase(channels, settings, options.signal), options.signal);
    return new SftpOrigin(connection, channels, realBase);
  } catch (error) {
    await connection.close();
    const { code } = error as { code?: unknown };
    if (code !== "ORIGIN_LOST" && code !== "ORIGIN_TIMEOUT") throw error;
    const { message, hint } = error as ImportFailed;
    throw new ImportFailed({ code: "ORIGIN_UNREACHABLE", message, hint }, { cause: error });
  }
}

class SftpOrigin implements Origin {
  readonly description: string;
  readonly realBase: string;
  readonly hostKey: string;
  readonly #connection: Connection;
  readonly #channels: Channels;

  constructor(connection: Connection, channels: Channels, realBase: string) {
    this.description = connection.description;
    this.realBase = realBase;
    this.hostKey = connection.hostKey;
    this.#connection = connection;
    this.#channels = channels;
  }

  async *list(folder: string, { signal }: { signal: AbortSignal }): AsyncIterable<readonly Entry[]> {
    this.#begin(signal);
    const path = below(this.realBase, folder);
    try {
      // Listing takes no place, so that its caller can read files before it continues listing.
      const channel = await orAbort(this.#channels.leastBusy(), signal);
      const opening = channel.opendir(path);
      const handle = await orAbort(opening, signal).catch((error) => {
        opening.then(
          (opened) => channel.release(opened),
          () => {},
        );
        throw error;
      });
      try {
        const ask = () => {
          const page = channel.readdir(handle, path);
          // It is not always awaited: before that the caller gives up, or the connection ends.
          page.catch(() => {});
          return page;
        };
        let coming = ask();
        for (let empty = 0; empty < MAX_EMPTY_PAGES; ) {
          this.#begin(signal); // time has passed since the caller took the previous page
          const names = await orAbort(coming, signal);
          if (names === undefined) return;
          coming = ask();
          empty = names.length === 0 ? empty + 1 : 0;
          const entries = mapBounded(names, LINKS_AT_ONCE, (name) => entryOf(channel, path, name));
          if (names.length > 0) yield await orAbort(entries, signal);
        }
        throw folderUnreadable(folder || this.realBase, "the server's list has no end");
      } finally {
        channel.release(handle);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw folderUnreadable(folder || this.realBase, error.reason, error);
    }
  }

  async stat(path: string, { signal }: { signal: AbortSignal }): Promise<Expected> {
    this.#begin(signal);
    const file = below(this.realBase, path);
    const found = this.#channels.use(signal, (channel) => channel.stat(file));
    return expectedOf(await aboutFile(path, orAbort(found, signal)));
  }

  async read(path: string, expected: Expected, options: ReadOptions): Promise<Buffer> {
    this.#begin(options.signal);
    refuseTooLarge(path, expected);
    const file = below(this.realBase, path);
    // When aborted, the call ends at once for the caller. It keeps its place until the server's answers have arrived.
    const bytes = this.#channels.use(options.signal, (channel) =>
      readWhole(channel, { ...options, path, file, expected }),
    );
    return aboutFile(path, orAbort(bytes, options.signal));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin(signal: AbortSignal): void {
    setMaxListeners(0, signal); // each file that is being read adds a listener
    signal.throwIfAborted();
    if (this.#connection.over) throw this.#connection.over;
  }
}

/** Finds where the base really is. The share of a NAS is often a link. */
async function openBase(channels: Channels, settings: SftpSettings, signal: AbortSignal): Promise<string> {
  const { base, host, username } = settings;
  try {
    await channels.start();
  } catch (error) {
    if (error instanceof ImportFailed) throw error;
    throw new ImportFailed(
      {
        code: "ORIGIN_LOGIN",
        message: `${host} lets ${JSON.stringify(username)} in, but not use SFTP.`,
        hint: "Switch SFTP on there (QNAP: Control Panel, Telnet / SSH), and for this user.",
      },
      { cause: error },
    );
  }
  try {
    return await channels.use(signal, async (channel) => {
      const realBase = await channel.realpath(base);
      const found = await channel.stat(realBase);
      if (found.mode !== undefined && !found.isDirectory()) {
        throw baseUnreadable(base, `on ${host}`, "it is not a folder");
      }
      channel.release(await channel.opendir(realBase));
      return realBase;
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.isGone) throw baseMissing(base, `on ${host}`, error);
    throw baseUnreadable(base, `on ${host}`, error.reason, error);
  }
}

async function entryOf(
  channel: Channel,
  folder: string,
  { filename: name, attrs }: FileEntryWithStats,
): Promise<Entry> {
  // A name that is not UTF-8 arrives repaired, with this character in it, and cannot be requested.
  const addressable = name !== "" && !/[\uFFFD\0/]/.test(name);
  // Some servers do not report the kind. It is then requested, as for a link.
  if (attrs.mode !== undefined && !attrs.isSymbolicLink()) {
    return { name, kind: kindOf(attrs), ...expectedOf(attrs), addressable };
  }
  if (!addressable) return { name, kind: "other", ...expectedOf(attrs), addressable };
  const path = below(folder, name);
  try {
    const [target, realPath] = await Promise.all([channel.stat(path), channel.realpath(path)]);
    const link = attrs.mode === undefined ? {} : { realPath };
    return { name, kind: kindOf(target), ...expectedOf(target), ...link, addressable };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const kind = attrs.mode === undefined ? "other" : "nowhere";
    return { name, kind, ...expectedOf(attrs), addressable };
  }
}

function kindOf(found: Stats): Entry["kind"] {
  return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
}

async function aboutFile<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw error.isGone ? fileGone(path, error) : fileUnreadable(path, error.reason, error);
  }
}
