/** How long the end of a run waits for those who are told about it. */
import { GRACE_MS } from "../run/session/ending.ts";
import type { timeLimit } from "../std/time.ts";

/** Where nobody is in a hurry. */
const PATIENCE_MS = 3_000;
/** The same in all, once a signal or the deadline has come. */
const HURRIED_MS = 1_000;
/** What the command itself needs to say how the run ended, before it is given up. */
const LAST_WORDS_MS = 1_000;

/**
 * Asked at the end of the run, for one of `parts` that follow each other. A run that is ended late leaves less: beyond the
 * grace of the run nobody would learn what became of it.
 */
export function patienceOf(
  signal: AbortSignal,
  { parts, now = () => performance.now() }: { readonly parts: number; readonly now?: () => number },
): () => number {
  let endedAt = signal.aborted ? now() : null;
  signal.addEventListener(
    "abort",
    () => {
      endedAt = now();
    },
    { once: true },
  );
  return () => {
    if (endedAt === null) return PATIENCE_MS;
    const leftMs = GRACE_MS - LAST_WORDS_MS - (now() - endedAt);
    return Math.max(0, Math.min(HURRIED_MS, leftMs) / parts);
  };
}

/** A limit of one part. It becomes shorter where `signal` aborts meanwhile. */
export function patientLimit(signal: AbortSignal, patienceMs: () => number): ReturnType<typeof timeLimit> {
  const over = new AbortController();
  const begin = () =>
    setTimeout(() => over.abort(new DOMException("The time is over.", "TimeoutError")), patienceMs());
  let timer = begin();
  const hurry = () => {
    clearTimeout(timer);
    timer = begin();
  };
  signal.addEventListener("abort", hurry, { once: true });
  return {
    signal: over.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", hurry);
    },
  };
}
