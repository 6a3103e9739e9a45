/** Watches a running step from a second connection: reports how long it takes and who blocks it, and cancels it. */
import type { Step } from "../../core/plan.ts";
import type { Blocker } from "../../database/connection.ts";
import { delay } from "../../std/time.ts";
import type { StepContext } from "./context.ts";

const LOOK_EVERY_MS = 1_000;
const CANCEL_EVERY_MS = 200;

export interface Watch extends Disposable {
  /** The blockers that were seen last. It is empty if nothing blocked the step. */
  readonly blockers: readonly Blocker[];
}

/**
 * Watches until disposed. After the first second, or sooner with a short lock timeout, it asks a second
 * connection who blocks the first. When `context.stop` aborts, it cancels the running statement again and again
 * until disposed: a single request may arrive between two statements.
 */
export function watch(context: StepContext, step: () => Step, lockTimeoutMs: number): Watch {
  const started = performance.now();
  const done = new AbortController();
  let blockers: readonly Blocker[] = [];
  const observer = context.connection.capabilities.observer;

  const look = async () => {
    const firstMs = lockTimeoutMs > 0 ? Math.min(LOOK_EVERY_MS, lockTimeoutMs / 2) : LOOK_EVERY_MS;
    for (let pauseMs = firstMs; !done.signal.aborted; pauseMs = LOOK_EVERY_MS) {
      await delay(pauseMs, done.signal);
      const seen = observer ? await context.connection.blockers().catch(() => []) : [];
      if (done.signal.aborted) return;
      if (seen.length > 0) blockers = seen;
      context.observe({
        kind: "step-progress",
        step: step(),
        elapsedMs: performance.now() - started,
        blockers: seen,
      });
    }
  };
  const cancel = async () => {
    while (!done.signal.aborted && !context.connection.lost.aborted && observer) {
      await context.connection.cancel().catch(() => {});
      await delay(CANCEL_EVERY_MS, done.signal);
    }
  };
  const onStop = () => void cancel().catch(() => {});
  if (context.stop.aborted) onStop();
  else context.stop.addEventListener("abort", onStop, { once: true });
  look().catch(() => {});

  return {
    get blockers() {
      return blockers;
    },
    [Symbol.dispose]() {
      context.stop.removeEventListener("abort", onStop);
      done.abort();
    },
  };
}
