/** A signal or a deadline ends what is under way, also where that does not answer. */
import { isRaised, isRetryableTransaction, QUERY_CANCELED } from "../../database/sqlstate.ts";
import { DatabaseError, GodwitError, Interrupted } from "../../errors.ts";

/**
 * How long everything together may take to end by itself. Longer than user code gets (`host/host.ts`) and than a server
 * gets (`database/wire/stopping.ts`), so that usually these end and say what was kept.
 */
export const GRACE_MS = 8_000;

/**
 * Settles like `work`. Once the signal aborts and the grace is over, it rejects without waiting: then nobody knows what
 * became of what was under way, and the error says so.
 */
export async function orEnded<T>(
  work: Promise<T>,
  { signal, graceMs = GRACE_MS }: { signal: AbortSignal; graceMs?: number },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let begin = () => {};
  const over = new Promise<never>((_, reject) => {
    begin = () => {
      timer = setTimeout(() => reject(unanswered(signal.reason, graceMs)), graceMs);
    };
  });
  over.catch(() => {});
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  try {
    return await Promise.race([work, over]);
  } catch (error) {
    throw asInterruption(error, signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", begin);
    work.catch(() => {});
  }
}

/**
 * What a statement that was stopped failed with is the interruption itself. A request to cancel may also arrive when its
 * statement is done already, and hit what comes after.
 */
export function asInterruption(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || !(error instanceof DatabaseError)) return error;
  // A lock that was not to be had in time would be waited for again, were it not for the end of the run.
  const waited = isRetryableTransaction(error.sqlState) && !isRaised(error.routine);
  if (error.sqlState === QUERY_CANCELED || waited) return withReport(signal.reason, error);
  if (error.code !== "DATABASE_CONNECTION_LOST") return error;
  const ended = told(
    signal.reason,
    "The connection was lost while it ended: whether what was sent last took effect is not known.",
  );
  return withReport(ended, error);
}

function withReport(reason: unknown, { report }: GodwitError): unknown {
  if (reason instanceof GodwitError && report !== undefined) reason.report ??= report;
  return reason;
}

function unanswered(reason: unknown, graceMs: number): unknown {
  return told(
    reason,
    `What was under way had not ended ${graceMs / 1000} s later: whether it took effect is not known.`,
  );
}

function told(reason: unknown, more: string): unknown {
  if (!(reason instanceof Interrupted)) return reason;
  return new Interrupted(
    {
      code: reason.code as "INTERRUPTED" | "DEADLINE",
      message: `${reason.message} ${more}`,
      hint: "godwit status shows what is applied. Run again: it continues where it stopped.",
    },
    reason.by,
  );
}
