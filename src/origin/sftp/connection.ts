/**
 * One SSH connection in use: what was asked over it, and since when nobody answers.
 *
 *   open ──── close() ─────────────────────────────────────────► over: ORIGIN_LOST
 *     ├────── the server ends it, or one of its channels in use ─► over: ORIGIN_LOST
 *     ├────── keepalive without an answer ─────────────────────► over: ORIGIN_LOST
 *     └────── a question without an answer ────────────────────► that one: ORIGIN_TIMEOUT; over: ORIGIN_LOST
 *
 * Every question is in one list until it is answered. Whatever ends the connection settles the whole list at once, so
 * that nothing waits for the library to call back. A server answers the questions of a channel in order. The oldest
 * question without an answer is therefore the one that hangs, and only it gets the timeout. A connection that is over
 * stays over.
 */
import type { Socket } from "node:net";
import type { Client, SFTPWrapper } from "ssh2";
import { ImportFailed } from "../../errors.ts";
import { formatDuration } from "../../std/time.ts";
import { originLost } from "../failures.ts";

/** How long a clean goodbye may take before the socket is destroyed. */
const FAREWELL_MS = 500;

export interface ConnectionOptions {
  readonly client: Client;
  readonly socket: Socket;
  readonly description: string;
  readonly hostKey: string;
  readonly timeoutMs: number;
}

interface Question {
  /** For the message: `reading "shop/a.png"`. */
  readonly what: string;
  readonly askedAt: number;
  readonly reject: (error: unknown) => void;
}

export class Connection {
  readonly description: string;
  /** The fingerprint of the key that the server has shown. */
  readonly hostKey: string;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  /** The open questions, in the order in which they were asked. */
  readonly #questions = new Set<Question>();
  readonly #gone: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #over: ImportFailed | undefined;

  constructor({ client, socket, description, hostKey, timeoutMs }: ConnectionOptions) {
    this.description = description;
    this.hostKey = hostKey;
    this.#client = client;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#gone = new Promise((resolve) => socket.once("close", () => resolve()));
    // The library's errors arrive here for the connection's lifetime. Without a listener they would end the process.
    client.on("error", (error) => this.#end(reasonOf(error), error));
    client.on("end", () => this.#end("the server hung up"));
    client.on("close", () => this.#end("the server hung up"));
  }

  /** Why nothing can be asked any more. `undefined` while the connection is open. */
  get over(): ImportFailed | undefined {
    return this.#over;
  }

  /** Asks a question, which settles in any case. `send` receives a Node-style callback. */
  ask<T>(what: string, send: (answer: (error: unknown, value: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#over) return reject(this.#again());
      const question: Question = { what, askedAt: performance.now(), reject };
      this.#questions.add(question);
      this.#timer ??= setTimeout(() => this.#look(), this.#timeoutMs);
      try {
        send((error, value) => {
          if (!this.#questions.delete(question)) return; // settled already
          if (error) reject(error);
          else resolve(value);
        });
      } catch (error) {
        this.#end(reasonOf(error), error);
      }
    });
  }

  /** Sends something without waiting for the answer. A missing answer does not count as a timeout. */
  tell(send: () => void): void {
    if (this.#over) return;
    try {
      send();
    } catch (error) {
      this.#end(reasonOf(error), error);
    }
  }

  /** Opens one more SFTP channel. Rejects with the library's error if the server refuses. */
  openChannel(): Promise<SFTPWrapper> {
    return this.ask("opening an SFTP channel", (answer) =>
      this.#client.sftp((error, opened) => {
        // It may arrive when nobody waits for it any more.
        opened?.on("error", () => {});
        answer(error, opened);
      }),
    );
  }

  /** Combines small messages: what is written now is sent together with what follows in this turn. */
  gather(): void {
    if (this.#socket.writableCorked > 0) return;
    this.#socket.cork();
    process.nextTick(() => this.#socket.uncork());
  }

  /** Gives up the connection after a channel in use failed, because nobody can tell what the channel left open. */
  abandon(why: string, cause?: unknown): void {
    this.#end(why, cause);
  }

  async close(): Promise<void> {
    this.#end("it was closed");
    await this.#gone;
  }

  /** Ends the connection for everyone who waits. */
  #end(why: string, cause?: unknown): void {
    if (this.#over) return;
    this.#over = originLost(this.description, why, cause);
    clearTimeout(this.#timer);
    for (const { reject } of this.#questions) reject(this.#again());
    this.#questions.clear();
    this.#client.end();
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  /** Makes a separate error for each question, so that each has its own stack. */
  #again(): ImportFailed {
    const { message, hint, cause } = this.#over as ImportFailed;
    return new ImportFailed({ code: "ORIGIN_LOST", message, hint }, { cause });
  }

  /** Checks the oldest question, and schedules the check of the next one. */
  #look(): void {
    this.#timer = undefined;
    const [oldest] = this.#questions;
    if (oldest === undefined) return;
    const waitedMs = performance.now() - oldest.askedAt;
    if (waitedMs < this.#timeoutMs) {
      this.#timer = setTimeout(() => this.#look(), Math.ceil(this.#timeoutMs - waitedMs));
      return;
    }
    this.#questions.delete(oldest);
    const limit = formatDuration(this.#timeoutMs);
    oldest.reject(
      new ImportFailed({
        code: "ORIGIN_TIMEOUT",
        message: `${this.description} did not answer for ${limit} (${oldest.what}).`,
        hint: "Is the server overloaded, or the network gone? The connection was given up; a new one may do.",
        details: { operation: oldest.what, timeoutMs: this.#timeoutMs },
      }),
    );
    this.#end(`no answer for ${limit} (${oldest.what})`);
  }
}

function reasonOf(error: unknown): string {
  const { level, code, message } = error as { level?: string; code?: unknown; message?: string };
  if (level === "client-timeout") return "the server no longer answers";
  if (code === "ECONNRESET" || code === "EPIPE") return "the server hung up";
  if (code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH") return "the network is gone";
  return message ?? String(error);
}
