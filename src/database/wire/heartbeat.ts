/**
 * Notices that a connection is dead although nobody said so: a network that goes silent (a firewall that
 * forgets, a host that loses power) ends no socket, and TCP itself gives up only after many minutes.
 *
 *   statement in flight, and for one interval not a byte in either direction
 *        │  a second connection is asked about the first
 *        ├─ the first is at work          ► alive; ask again after an interval
 *        ├─ its session is gone           ► lost
 *        ├─ it has long been done         ► its answer is missing ┐ twice in a row ► lost
 *        └─ no answer within an interval  ► nobody can be heard   ┘
 *
 * So a dead connection is noticed within four intervals, and a statement may work for days. To be wrong is
 * harmless: a connection that is given up is closed, its open transaction rolled back, and the run asks the ledger.
 */

export type Sign = "alive" | "gone" | "idle" | "unheard";

export interface HeartbeatOptions {
  readonly intervalMs: number;
  /** Anything that changes whenever a byte was sent or received. */
  readonly progress: () => string;
  /** Asks about the connection by another way; never throws, and may take for ever. */
  readonly ask: (quietMs: number) => Promise<Sign>;
  /** Called at most once, with the reason as the end of a sentence. */
  readonly onLost: (why: string) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #seen = "";
  #asking = false;
  #doubts = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Watches for as long as the promise is not settled. */
  async during<T>(work: Promise<T>): Promise<T> {
    if (this.#inFlight++ === 0) {
      this.#doubts = 0;
      this.#seen = this.#options.progress();
      this.#timer = setInterval(() => void this.#beat(), this.#options.intervalMs).unref();
    }
    try {
      return await work;
    } finally {
      if (--this.#inFlight === 0) clearInterval(this.#timer);
    }
  }

  async #beat(): Promise<void> {
    const { progress, ask, intervalMs, onLost } = this.#options;
    if (this.#asking) return;
    if (progress() !== this.#seen) {
      this.#seen = progress();
      this.#doubts = 0;
      return;
    }
    this.#asking = true;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<Sign>((resolve) => {
      timer = setTimeout(resolve, intervalMs, "unheard");
    });
    const sign = await Promise.race([ask(intervalMs), patience]);
    clearTimeout(timer);
    this.#asking = false;
    if (this.#inFlight === 0 || progress() !== this.#seen) return;
    if (sign === "gone") return onLost("the server has ended its session");
    this.#doubts = sign === "alive" ? 0 : this.#doubts + 1;
    if (this.#doubts < 2) return;
    const seconds = Math.max(1, Math.round((2 * intervalMs) / 1000));
    onLost(
      sign === "idle"
        ? "the server has finished, and its answer did not arrive"
        : `nothing has been heard of the server for ${seconds} s, by a second connection neither`,
    );
  }
}
