/** When a call of a program must end. */
import { Interrupted } from "../errors.ts";
import { type Changes, reasonFor } from "../run/session/reading.ts";

/** A signal that aborts with an `Interrupted`. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The end of one call: the program's own signal or the deadline. A program keeps one signal for many calls, so what
 * listens to it goes with the call.
 */
export function limitOf(signal: AbortSignal | undefined, timeoutMs: number, changes: Changes): Limit {
  const stop = new AbortController();
  const end = (reason: Interrupted) => stop.abort(reasonFor(changes, reason));
  const told = () => {
    // A limit around this one has said all of it.
    if (signal?.reason instanceof Interrupted) stop.abort(signal.reason);
    else end(new Interrupted({ code: "INTERRUPTED", message: "The program ended the run." }, "abort"));
  };
  if (signal?.aborted === true) told();
  signal?.addEventListener("abort", told, { once: true });
  const message = `The deadline of the run has passed (timeout, ${timeoutMs / 1000} s).`;
  const late = () => end(new Interrupted({ code: "DEADLINE", message }, "deadline"));
  const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs).unref() : undefined;
  return {
    signal: stop.signal,
    [Symbol.dispose]() {
      signal?.removeEventListener("abort", told);
      clearTimeout(timer);
    },
  };
}
