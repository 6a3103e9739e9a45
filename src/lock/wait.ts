/** Waits for the lock: reports who holds it, and gives up in time. */
import { LockError } from "../errors.ts";
import { formatDuration } from "../std/time.ts";
import type { Holder, LockOptions } from "./lock.ts";

const REPORT_EVERY_MS = 10_000;

export interface Waits {
  /** Calls `onWait` at once and about every ten seconds. Throws `LockError` when the wait is over. */
  report(find: () => Promise<Holder | null>): Promise<void>;
  remainingMs(): number;
}

export function reportWaits(options: LockOptions): Waits {
  const started = performance.now();
  let reportedMs = Number.NEGATIVE_INFINITY;
  const remainingMs = () => Math.max(1, started + options.waitMs - performance.now());
  return {
    remainingMs,
    async report(find) {
      const waitedMs = performance.now() - started;
      if (waitedMs >= options.waitMs) throw timedOut(await find(), options);
      if (waitedMs - reportedMs < REPORT_EVERY_MS) return;
      reportedMs = waitedMs;
      options.onWait(await find(), waitedMs);
    },
  };
}

function since({ statementForMs }: Holder): string {
  return statementForMs == null ? "" : ` (for ${formatDuration(statementForMs)})`;
}

function timedOut(holder: Holder | null, options: LockOptions): LockError {
  const who =
    holder === null
      ? "another run"
      : [holder.pid === null ? "a run" : `process ${holder.pid}`, holder.host && `on ${holder.host}`]
          .filter(Boolean)
          .join(" ");
  return new LockError({
    code: "LOCK_TIMEOUT",
    message: `Waited ${Math.round(options.waitMs / 1000)} s for the ${options.job === undefined ? "migration lock" : `lock of ${options.job}`}; ${who} still holds it.`,
    hint:
      holder === null
        ? "Run again, or wait longer with --lock-wait."
        : `It is doing: ${holder.doing ?? "nothing"}${since(holder)}.${holder.note === undefined ? "" : ` ${holder.note}.`} Wait longer with --lock-wait, or end it with: ${holder.release}`,
    details: { ...holder },
  });
}
