/** An origin that is opened again when it was lost, for as long as patience lasts. */
import { ImportFailed, type Problem } from "../errors.ts";
import type { Origin } from "../origin/origin.ts";
import { backoffMs, delay } from "../std/time.ts";

export interface ReachOptions {
  readonly open: () => Promise<Origin>;
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onLost: (problem: Problem) => void;
}

/** What may be over in a moment. A NAS that starts may answer before its volumes are there. */
export const PASSING = new Set([
  "ORIGIN_LOST",
  "ORIGIN_TIMEOUT",
  "ORIGIN_UNREACHABLE",
  "ORIGIN_BASE_MISSING",
]);

export class Reach implements AsyncDisposable {
  readonly #options: ReachOptions;
  #origin: Promise<Origin> | undefined;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Throws what opening throws: at the first time, waiting would hide a wrong setting. */
  async open(): Promise<Origin> {
    this.#origin ??= this.#options.open();
    return this.#origin;
  }

  /** Carries out `use`, from its beginning again after a lost connection. */
  async with<T>(use: (origin: Origin) => Promise<T>): Promise<T> {
    let since: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const origin = this.open();
      try {
        return await use(await origin);
      } catch (error) {
        if (!(error instanceof ImportFailed) || !PASSING.has(error.code)) throw error;
        this.#options.signal.throwIfAborted();
        since ??= performance.now();
        if (performance.now() - since > this.#options.patienceMs) throw error;
        if (attempt === 1) this.#options.onLost(error.toProblem());
        if (this.#origin === origin) this.#origin = undefined;
        void origin.then((lost) => lost.close()).catch(() => {});
        await delay(backoffMs(attempt, { firstMs: 250, maxMs: 15_000 }), this.#options.signal);
      }
    }
  }

  async close(): Promise<void> {
    const origin = this.#origin;
    this.#origin = undefined;
    await origin?.then((open) => open.close()).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
