/**
 * Handles output that nobody reads. A pipe takes a few kilobytes. What is written beyond them waits in this process
 * until it is read. That wait ends with the reader, with a signal, or at the deadline.
 */
import { Interrupted } from "../../errors.ts";

/** How long a slow reader has after the signal. */
const GRACE_MS = 1_000;

/** Waits until the output is written. `null`: it was not, when the grace period after the signal was over. */
export async function writtenUnless<T>(written: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  let begin = () => {};
  const over = new Promise<null>((resolve) => {
    begin = () => {
      timer = setTimeout(() => resolve(null), GRACE_MS);
    };
  });
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  try {
    return await Promise.race([written, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", begin);
  }
}

/** The error for output that was not read, with what ended the wait. */
export function unread(reason: Interrupted): Interrupted {
  return new Interrupted(
    {
      code: reason.code as "INTERRUPTED" | "DEADLINE",
      message: `${reason.message} The output is incomplete: its reader has stopped reading.`,
      hint: "Run it again with > and the name of a file behind it. What the command has done to a database stays done, and `godwit status` shows it.",
    },
    reason.by,
  );
}
