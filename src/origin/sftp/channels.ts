/**
 * The SFTP channels of one connection, opened as they are needed. A request goes to the least busy channel, and another
 * channel is opened while all are busy. Servers limit the number (`MaxSessions`). If the server refuses a channel, the
 * open ones are used. Requests for which there is no place wait in line.
 */
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";

/** More gains nothing, and some NAS devices fail under many. */
const MAX_CHANNELS = 4;
/** This many hide the network's delay. Each may hold a file in memory and open on the server. */
const AT_ONCE_PER_CHANNEL = 8;

export class Channels {
  readonly #connection: Connection;
  readonly #open: Channel[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #opening = new Set<Promise<void>>();
  #running = 0;
  #limit: number;

  constructor(connection: Connection, limit: number) {
    this.#connection = connection;
    this.#limit = Math.max(1, Math.min(limit, MAX_CHANNELS));
  }

  /** The number of open channels. */
  get size(): number {
    return this.#open.length;
  }

  /** Opens the first channel. Rejects with the library's error if there is no SFTP. */
  async start(): Promise<void> {
    this.#open.push(await this.#newChannel());
  }

  /** Runs `work` on the least busy channel, as soon as there is a place. */
  async use<T>(signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      const channel = await this.#take();
      try {
        return await work(channel);
      } finally {
        channel.busy--;
      }
    } finally {
      this.#running--;
      const [next] = this.#waiting;
      next?.();
    }
  }

  /** For work with long pauses between requests. It takes no place, so that it does not keep others waiting. */
  async leastBusy(): Promise<Channel> {
    const channel = await this.#take();
    channel.busy--;
    return channel;
  }

  /** Counts the channel as busier before anybody else chooses one. */
  async #take(): Promise<Channel> {
    for (;;) {
      if (this.#connection.over) throw this.#connection.over;
      const best = this.#open.reduce<Channel | undefined>(
        (least, channel) => (least && least.busy <= channel.busy ? least : channel),
        undefined,
      );
      if (best?.busy !== 0 && this.#open.length + this.#opening.size < this.#limit) this.#openAnother();
      // A channel that is being opened will be free, so it is worth waiting for.
      if (best && (best.busy === 0 || this.#opening.size === 0)) {
        best.busy++;
        return best;
      }
      await Promise.race(this.#opening);
    }
  }

  #openAnother(): void {
    const opening = this.#newChannel().then(
      (channel) => {
        this.#open.push(channel);
        this.#opening.delete(opening);
      },
      (error) => {
        this.#opening.delete(opening);
        this.#limit = this.#open.length + this.#opening.size;
        if (this.#limit === 0) this.#connection.abandon("the server opens no more SFTP channels", error);
      },
    );
    this.#opening.add(opening);
  }

  async #newChannel(): Promise<Channel> {
    return new Channel(this.#connection, await this.#connection.openChannel(), (ended) => {
      const at = this.#open.indexOf(ended);
      if (at !== -1) this.#open.splice(at, 1);
    });
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#running >= this.#limit * AT_ONCE_PER_CHANNEL) {
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", abort);
        };
        const wake = () => {
          leave();
          resolve();
        };
        const abort = () => {
          leave();
          reject(signal.reason);
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", abort, { once: true });
      });
    }
    this.#running++;
  }
}
