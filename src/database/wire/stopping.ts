/**
 * Ends what a connection waits for once its run must stop.
 *
 * A statement gets a moment to end by itself, unless the command only reads. Then it is cancelled, again and again. If the server does not answer that
 * either (it is frozen, or the network is), the connection is dropped. What the run sends afterwards to leave things in
 * order (a rollback, its row in the log) gets the same moment.
 */
import { setMaxListeners } from "node:events";
import { Interrupted } from "../../errors.ts";
import { delay } from "../../std/time.ts";

const LOOK_EVERY_MS = 200;
/** How long a statement may take once the run must stop. */
const PATIENCE_MS = 1_500;
/** How long after that moment the server may take to do anything at all. */
const DROP_AFTER_MS = 5_000;

export interface Stoppable {
  /** Since when the oldest statement is in flight, on the clock of `performance.now()`; `null`: none is. */
  readonly busySince: () => number | null;
  readonly cancel: () => Promise<void>;
  readonly drop: () => void;
  /** Aborts when the connection is closed or lost. */
  readonly over: AbortSignal;
}

export function stopWith(signal: AbortSignal | undefined, connection: Stoppable): void {
  if (signal === undefined) return;
  const { over } = connection;
  const stop = () => void end(connection, patienceOf(signal)).catch(() => {});
  if (signal.aborted) {
    stop();
    return;
  }
  // A fleet opens many at once.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", stop, { once: true });
  over.addEventListener("abort", () => signal.removeEventListener("abort", stop), { once: true });
}

/** What only reads has nothing to finish. */
function patienceOf({ reason }: AbortSignal): number {
  return reason instanceof Interrupted && reason.reads ? 0 : PATIENCE_MS;
}

async function end({ busySince, cancel, drop, over }: Stoppable, patienceMs: number): Promise<void> {
  const stopped = performance.now();
  while (!over.aborted) {
    await delay(LOOK_EVERY_MS, over);
    const since = busySince();
    if (since === null) continue;
    const now = performance.now();
    if (now - Math.max(since, stopped) < patienceMs) continue;
    if (now - stopped > DROP_AFTER_MS) return drop();
    // It may hang as well; the next look is not to wait for it.
    void cancel().catch(() => {});
  }
}
