/**
 * One SFTP channel: the requests of the protocol as promises. On the other side it is one process that works
 * on one request after the other, so what it can do at once is bounded by the number of channels, not of requests.
 */
import type { FileEntryWithStats, SFTPWrapper, Stats } from "ssh2";
import type { Connection } from "./connection.ts";

export type Handle = Buffer;

/** What the server answered instead of what was asked for. */
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

  /** For the middle of a sentence. */
  get reason(): string {
    if (this.status === STATUS.permissionDenied) return "permission denied";
    if (this.status === STATUS.noSuchFile) return "no such file or folder";
    // "Failure" is all that version 3 of the protocol has for the rest.
    return `the server says "${this.message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200)}"`;
  }
}

/** From version 3 of the protocol, which is what servers speak. */
const STATUS = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3 } as const;

export class Channel {
  /** How many files are being read or looked at over it. */
  busy = 0;
  readonly #connection: Connection;
  readonly #sftp: SFTPWrapper;
  #ended = false;

  /** `onIdleEnd`: the server closed it while nobody used it. */
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

  /** How many bytes came: fewer than asked for is normal, 0 is the end of the file. */
  read(handle: Handle, into: Buffer, range: { at: number; length: number; path: string }): Promise<number> {
    const { at, length, path } = range;
    return this.#ask(`reading ${path}`, (answer) =>
      this.#sftp.read(handle, into, at, length, at, (error, count) => answer(error, count)),
    );
  }

  opendir(path: string): Promise<Handle> {
    return this.#ask(`listing ${path}`, (answer) => this.#sftp.opendir(path, answer));
  }

  /** Some more entries without `.` and `..`; `undefined` when there are none left. */
  async readdir(handle: Handle, path: string): Promise<readonly FileEntryWithStats[] | undefined> {
    try {
      return await this.#ask(`listing ${path}`, (answer) => this.#sftp.readdir(handle, answer));
    } catch (error) {
      if (error instanceof Refusal && error.status === STATUS.endOfFile) return undefined;
      throw error;
    }
  }

  /** Nobody waits for it: what became of it shows at the next request. */
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
        // No status: the channel broke under it.
        this.#connection.abandon("the server ended an SFTP channel", error);
      }
      if (typeof code === "string" && code.startsWith("ORIGIN_")) throw error;
      throw this.#connection.over;
    }
  }
}
