/**
 * One SFTP channel, with the requests of the protocol as promises. On the server, one process handles a channel's
 * requests one after the other. The number of channels therefore limits what runs at once, not the number of requests.
 */
import type { FileEntryWithStats, SFTPWrapper, Stats } from "ssh2";
import type { Connection } from "./connection.ts";

export type Handle = Buffer;

/** An error that the server reports in answer to a request. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  get isGone(): boolean {
    return this.status === STATUS.noSuchFile;
  }

  /** The reason, worded for the middle of a sentence. */
  get reason(): string {
    if (this.status === STATUS.permissionDenied) return "permission denied";
    if (this.status === STATUS.noSuchFile) return "no such file or folder";
    // Version 3 of the protocol reports everything else as "Failure".
    return `the server says "${this.message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200)}"`;
  }
}

/** The codes of version 3 of the protocol, which servers use. */
const STATUS = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3 } as const;

export class Channel {
  /** How many files are being read or checked over it. */
  busy = 0;
  readonly #connection: Connection;
  readonly #sftp: SFTPWrapper;
  #ended = false;

  /** `onIdleEnd`: called if the server closes the channel while nobody uses it. */
  constructor(connection: Connection, sftp: SFTPWrapper, onIdleEnd: (channel: Channel) => void) {
    this.#connection = connection;
    this.#sftp = sftp;
    sftp.on("error", (error: Error) =>
      connection.abandon(`it does not keep to SFTP (${error.message})`, error),
    );
    sftp.on("close", () => {
      this.#ended = true;
      if (this.busy > 0) connection.abandon("the server ended an SFTP channel");
      else onIdleEnd(this);
    });
  }

  stat(path: string): Promise<Stats> {
    return this.#ask(`looking at ${path}`, (answer) => this.#sftp.stat(path, answer));
  }

  realpath(path: string): Promise<string> {
    return this.#ask(`resolving ${path}`, (answer) => this.#sftp.realpath(path, answer));
  }

  open(path: string): Promise<Handle> {
    return this.#ask(`opening ${path}`, (answer) => this.#sftp.open(path, "r", answer));
  }

  fstat(handle: Handle, path: string): Promise<Stats> {
    return this.#ask(`looking at ${path}`, (answer) => this.#sftp.fstat(handle, answer));
  }

  /** The number of bytes received. Fewer than asked for is normal; 0 is the end of the file. */
  read(handle: Handle, into: Buffer, range: { at: number; length: number; path: string }): Promise<number> {
    const { at, length, path } = range;
    return this.#ask(`reading ${path}`, (answer) =>
      this.#sftp.read(handle, into, at, length, at, (error, count) => answer(error, count)),
    );
  }

  opendir(path: string): Promise<Handle> {
    return this.#ask(`listing ${path}`, (answer) => this.#sftp.opendir(path, answer));
  }

  /** The next entries without `.` and `..`. `undefined` if there are no more. */
  async readdir(handle: Handle, path: string): Promise<readonly FileEntryWithStats[] | undefined> {
    try {
      return await this.#ask(`listing ${path}`, (answer) => this.#sftp.readdir(handle, answer));
    } catch (error) {
      if (error instanceof Refusal && error.status === STATUS.endOfFile) return undefined;
      throw error;
    }
  }

  /** Closes a handle without waiting for the answer. A failure shows at the next request. */
  release(handle: Handle): void {
    if (!this.#ended) this.#connection.tell(() => this.#sftp.close(handle, () => {}));
  }

  async #ask<T>(what: string, send: (answer: (error: unknown, value: T) => void) => void): Promise<T> {
    if (this.#ended) this.#connection.abandon("the server ended an SFTP channel");
    try {
      this.#connection.gather();
      return await this.#connection.ask(what, send);
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      if (typeof code === "number") throw new Refusal(code, message);
      if (this.#connection.over === undefined) {
        // There is no status, because the channel itself failed.
        this.#connection.abandon("the server ended an SFTP channel", error);
      }
      if (typeof code === "string" && code.startsWith("ORIGIN_")) throw error;
      throw this.#connection.over;
    }
  }
}
