/** The deadline of one invocation. It holds until the output is written, because a reader may stop reading. */
import { Interrupted } from "../errors.ts";
import { MORE_TIME } from "../run/session/reading.ts";

export interface Deadline {
  /** Aborts with an `Interrupted` when the time is over. */
  readonly signal: AbortSignal;
  /**
   * Sets the deadline, in milliseconds from the start of the invocation. 0: none. It may be set again when more is
   * known.
   */
  set(timeoutMs: number): void;
}

export function createDeadline(): Deadline {
  const over = new AbortController();
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: over.signal,
    set(timeoutMs) {
      clearTimeout(timer);
      if (timeoutMs === 0) return;
      const leftMs = Math.max(0, timeoutMs - (performance.now() - startedAt));
      timer = setTimeout(() => over.abort(passed(timeoutMs)), leftMs);
    },
  };
}

function passed(timeoutMs: number): Interrupted {
  return new Interrupted(
    {
      code: "DEADLINE",
      message: `The deadline of the run has passed (timeout, ${timeoutMs / 1000} s).`,
      hint: MORE_TIME,
    },
    "deadline",
  );
}
