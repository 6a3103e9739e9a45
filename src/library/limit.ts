/** When a call of a program must end. */
import { Interrupted } from "../errors.ts";

/** A signal that aborts with an `Interrupted`. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * The end of one call: the program's own signal or the deadline. A program keeps one signal for many calls, so what
 * listens to it goes with the call.
 */
export function limitOf(signal: AbortSignal | undefined, timeoutMs: number): Limit {
  const stop = new AbortController();
  const hint = "Run again: it continues where it stopped.";
  const ended = () =>
    signal?.reason instanceof Interrupted
      ? signal.reason // a limit around this one
      : new Interrupted({ code: "INTERRUPTED", message: "The program ended the run.", hint }, "abort");
  const end = () => stop.abort(ended());
  if (signal?.aborted === true) end();
  signal?.addEventListener("abort", end, { once: true });
  const message = `The deadline of the run has passed (timeout, ${timeoutMs / 1000} s).`;
  const late = () => stop.abort(new Interrupted({ code: "DEADLINE", message, hint }, "deadline"));
  const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs).unref() : undefined;
  return {
    signal: stop.signal,
    [Symbol.dispose]() {
      signal?.removeEventListener("abort", end);
      clearTimeout(timer);
    },
  };
}
