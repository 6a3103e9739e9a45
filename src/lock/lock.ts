/** Mutual exclusion of runners on one target. Two promises, two siblings: `session.ts` and `lease.ts`. */
import type { Problem } from "../errors.ts";

/** Who stands in the way, as far as the server tells. */
export interface Holder {
  readonly pid: number | null;
  readonly host: string | null;
  readonly user: string | null;
  readonly runId: string | null;
  /** In milliseconds, by the database's clock. */
  readonly heldForMs: number | null;
  /** The statement it is running, or what it said it was doing. */
  readonly doing: string | null;
  /** How long that statement has been running, in milliseconds. */
  readonly statementForMs?: number | null | undefined;
  /** What else must be known to decide whether to wait. */
  readonly note?: string | undefined;
  /** The SQL that frees the lock by force. */
  readonly release: string;
}

export interface Lock {
  readonly kind: "session" | "lease";
  /** Aborts when the lock can no longer be trusted, with a `LockError` or `DatabaseError` as its reason. */
  readonly lost: AbortSignal;
  /**
   * SQL to run first in every transaction of the holder; it raises unless the lock is still ours, and
   * keeps it ours until that transaction ends. Empty where the lock ends with the connection itself.
   */
  readonly fence: string;
  /** What will make long work fail, as far as that is known at the start. */
  readonly caveat?: Problem | undefined;
  /** Throws `LockError` (`LOCK_LOST`) unless the lock is still ours. */
  confirm(): Promise<void>;
  /** Says what we are at, for those who wait. */
  announce(doing: string): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** Of the ledger, where the lock's row is. */
  readonly schema: string;
  /** As in `GivenSchema`. */
  readonly given?: string | null | undefined;
  /** One ledger, one migration lock. Any other work has a lock of its own, of this name: `import nas`. */
  readonly job?: string | undefined;
  readonly runId: string;
  readonly host: string;
  /** How long to wait for another holder; throws `LockError` (`LOCK_TIMEOUT`) naming it. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called when waiting begins and about every ten seconds after. */
  readonly onWait: (holder: Holder | null, waitedMs: number) => void;
}

/** What the lock is called, in its row and in its key. */
export function lockName({ schema, job }: Pick<LockOptions, "schema" | "job">): string {
  return job === undefined ? schema : `${schema}: ${job}`;
}
