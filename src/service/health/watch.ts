/** Looks at what is there, again and again, and tells the state what was found. */
import { delay, orAbort, timeLimit } from "../../std/time.ts";
import type { DatabaseState, HealthState } from "./state.ts";

export interface WatchOptions {
  /** One look. It should end on the signal; it is not waited for longer. */
  readonly look: (signal: AbortSignal) => Promise<DatabaseState>;
  /** 0: only one look. */
  readonly everyMs: number;
  /** How long one look may take. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  /** A look failed, for another reason than the last one. */
  readonly onFailure: (error: unknown) => void;
}

/** Resolves when the signal aborts. */
export async function watch(state: Pick<HealthState, "found">, options: WatchOptions): Promise<void> {
  const { everyMs, signal, onFailure } = options;
  let said = "";
  while (!signal.aborted) {
    try {
      state.found(await lookOnce(options));
      said = "";
    } catch (error) {
      if (signal.aborted) return;
      state.found({ status: "unknown", pending: null, waitingFor: null, failures: [] });
      const message = error instanceof Error ? error.message : String(error);
      if (message !== said) onFailure(error);
      said = message;
    }
    await delay(everyMs === 0 ? FOREVER_MS : everyMs, signal).catch(() => {});
  }
}

/**
 * A function of its own: what the build makes of `using` in a loop throws the error of an earlier round again
 * (its variables outlive the round).
 */
async function lookOnce({ look, patienceMs, signal }: WatchOptions): Promise<DatabaseState> {
  using limit = timeLimit(patienceMs);
  const ends = AbortSignal.any([signal, limit.signal]);
  return await orAbort(look(ends), ends);
}

/** The longest that a timer takes; nobody waits for it. */
const FOREVER_MS = 2 ** 31 - 1;
