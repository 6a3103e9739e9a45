/** An origin that is opened again after a lost connection, for as long as `patienceMs` allows. */
import { ImportFailed, type Problem } from "../errors.ts";
import type { Origin } from "../origin/origin.ts";
import { backoffMs, delay, formatDuration } from "../std/time.ts";

export interface ReachOptions {
  /** The origin for people, without secrets. */
  readonly description: string;
  readonly open: () => Promise<Origin>;
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onLost: (problem: Problem) => void;
}

/** Errors that may pass. A NAS that is starting may answer before its volumes are there. */
export const PASSING = new Set([
  "ORIGIN_LOST",
  "ORIGIN_TIMEOUT",
  "ORIGIN_UNREACHABLE",
  "ORIGIN_BASE_MISSING",
]);

/** How long a run tries to connect for the first time. */
const FIRST_MS = 5_000;

/**
 * Opens an origin for the first time. An error that may pass is retried for a few seconds. Longer retries would hide
 * a wrong setting.
 */
export async function openFirst(open: () => Promise<Origin>, signal: AbortSignal): Promise<Origin> {
  const since = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      const waitMs = backoffMs(attempt, { firstMs: 250, maxMs: 15_000 });
      const tooLate = performance.now() + waitMs > since + FIRST_MS;
      if (!(error instanceof ImportFailed) || error.code !== "ORIGIN_UNREACHABLE" || tooLate) throw error;
      await delay(waitMs, signal);
    }
  }
}

export class Reach implements AsyncDisposable {
  readonly #options: ReachOptions;
  #origin: Promise<Origin> | undefined;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Opens the origin for the first time. Throws what `openFirst` throws. */
  async open(): Promise<Origin> {
    this.#origin ??= openFirst(this.#options.open, this.#options.signal);
    return this.#origin;
  }

  /** Runs `use`, and runs it again from the start after a lost connection. */
  async with<T>(use: (origin: Origin) => Promise<T>): Promise<T> {
    let since: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const origin = attempt === 1 ? this.open() : this.#again();
      try {
        return await use(await origin);
      } catch (error) {
        if (!(error instanceof ImportFailed) || !PASSING.has(error.code)) throw error;
        this.#options.signal.throwIfAborted();
        since ??= performance.now();
        const awayMs = performance.now() - since;
        if (awayMs > this.#options.patienceMs) throw originAway(this.#options.description, awayMs, error);
        if (attempt === 1) this.#options.onLost(error.toProblem());
        if (this.#origin === origin) this.#origin = undefined;
        void origin.then((lost) => lost.close()).catch(() => {});
        await delay(backoffMs(attempt, { firstMs: 250, maxMs: 15_000 }), this.#options.signal);
      }
    }
  }

  #again(): Promise<Origin> {
    this.#origin ??= this.#options.open();
    return this.#origin;
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

export function originAway(description: string, awayMs: number, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_LOST",
      message: `${description} has been away for ${formatDuration(awayMs)}.`,
      hint: "When it is back, run again: it continues where it stopped. A longer patience: imports.<name>.patience.",
    },
    { cause },
  );
}
