/** Ends what is under way on a signal or at the deadline, even if it does not answer. */
import { isRaised, isRetryableTransaction, QUERY_CANCELED } from "../../database/sqlstate.ts";
import { DatabaseError, GodwitError, Interrupted } from "../../errors.ts";

/**
 * How long everything together may take to end by itself. User code (`host/host.ts`) and servers
 * (`database/wire/stopping.ts`) get less, so usually these end first and say what was kept.
 */
export const GRACE_MS = 8_000;

/**
 * Settles like `work`. If `work` has not settled when the signal has aborted and the grace period is over, it
 * rejects. Nobody knows then what became of the work, and the error says so.
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
 * The error of a stopped statement becomes the interruption itself. A cancel request may also hit the next
 * statement, when its own is already done.
 */
export function asInterruption(error: unknown, signal: AbortSignal): unknown {
  // It may have been told of a file that a cancelled statement came from.
  if (isOfReading(signal)) return whatEnded(error, signal);
  if (!signal.aborted || !(error instanceof DatabaseError)) return error;
  // Without the interruption, the run would wait for the lock again.
  const waited = isRetryableTransaction(error.sqlState) && !isRaised(error.routine);
  if (error.sqlState === QUERY_CANCELED || waited) return withReport(signal.reason, error);
  if (error.code !== "DATABASE_CONNECTION_LOST") return error;
  const ended = withMore(
    signal.reason,
    "The connection was lost while it ended: whether what was sent last took effect is not known.",
  );
  return withReport(ended, error);
}

/** The error of work that changes nothing. What it fails by, once it is to end, is no finding of its own. */
export function whatEnded(error: unknown, { aborted, reason }: AbortSignal): unknown {
  return aborted && error instanceof GodwitError ? reason : error;
}

/** The error of a run on a scratch server. Where it was interrupted, what it says of migrations is not true of the target. */
export function ofScratch(error: unknown, { aborted, reason }: AbortSignal): unknown {
  // The server itself has ended, which is what everything failed by.
  const isOver = reason instanceof DatabaseError && error instanceof GodwitError;
  if (!aborted || !(isOver || error instanceof Interrupted)) return error;
  if (reason instanceof GodwitError) delete reason.report;
  return reason;
}

function isOfReading({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Interrupted && reason.reads;
}

function withReport(reason: unknown, { report }: GodwitError): unknown {
  if (reason instanceof GodwitError && report !== undefined) reason.report ??= report;
  return reason;
}

function unanswered(reason: unknown, graceMs: number): unknown {
  return withMore(
    reason,
    `What was under way had not ended ${graceMs / 1000} s later: whether it took effect is not known.`,
  );
}

function withMore(reason: unknown, more: string): unknown {
  if (!(reason instanceof Interrupted) || reason.reads) return reason;
  return new Interrupted(
    {
      code: reason.code as "INTERRUPTED" | "DEADLINE",
      message: `${reason.message} ${more}`,
      hint: "`godwit status` shows what is applied, and what must be decided first; then run again.",
    },
    reason.by,
  );
}
