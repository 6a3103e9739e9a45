/** What is said of a call that was ended: whether anything continues, or was changed. Pure. */
import { Interrupted } from "../../errors.ts";
import { joinSentences } from "../../std/sentences.ts";

/** `nothing`: it only reads. `continues`: another run goes on behind what is done. `once`: it is done as a whole, or not at all. */
export type Changes = "nothing" | "continues" | "once";

export const READ_AGAIN = "It changes nothing: run it again.";

const AGAIN: Readonly<Record<Changes, string>> = {
  nothing: READ_AGAIN,
  continues: "Run again: it continues where it stopped.",
  once: "Run it again.",
};

/** Where a person can give it more time. */
export const MORE_TIME = "For more time use --timeout or MIGRATION_TIMEOUT.";

/** The reason of a signal, with what comes next after such a call; its own hint says what else helps. */
export function reasonFor(changes: Changes, reason: Interrupted): Interrupted {
  const { code, message, hint: more } = reason.toProblem();
  return new Interrupted(
    { code: code as "INTERRUPTED" | "DEADLINE", message, hint: joinSentences(AGAIN[changes], more) },
    reason.by,
    { reads: changes === "nothing" },
  );
}

/** A signal that aborts with them, with the reason for such a call. */
export function signalFor(changes: Changes, signals: readonly AbortSignal[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of signals) {
    const end = () => {
      const { reason } = signal as { reason: unknown };
      stop.abort(reason instanceof Interrupted ? reasonFor(changes, reason) : reason);
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }
  return stop.signal;
}
