/** Lets one runner at a time work on a target. `session.ts` and `lease.ts` keep this promise for two kinds of connection. */
import type { Problem } from "../errors.ts";

/** Who holds the lock, as far as the server tells. */
export interface Holder {
  readonly pid: number | null;
  readonly host: string | null;
  readonly user: string | null;
  readonly runId: string | null;
  /** In milliseconds, by the database's clock. */
  readonly heldForMs: number | null;
  /** The statement that it is running, or what it last announced. */
  readonly doing: string | null;
  /** How long that statement has been running, in milliseconds. */
  readonly statementForMs?: number | null | undefined;
  /** Further information that helps you decide whether to wait. */
  readonly note?: string | undefined;
  /** The SQL that frees the lock by force. */
  readonly release: string;
}

export interface Lock {
  readonly kind: "session" | "lease";
  /** Aborts when the lock can no longer be trusted, with a `LockError` or `DatabaseError` as its reason. */
  readonly lost: AbortSignal;
  /**
   * SQL to run first in every transaction of the holder. It raises an error unless the lock is still ours, and keeps it
   * ours until that transaction ends. Empty if the lock ends with the connection itself.
   */
  readonly fence: string;
  /** What will make long work fail, as far as it is known at the start. */
  readonly caveat?: Problem | undefined;
  /** Throws `LockError` (`LOCK_LOST`) unless the lock is still ours. */
  confirm(): Promise<void>;
  /** Announces what this run is doing, for the runs that wait. */
  announce(doing: string): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** The ledger's schema, which holds the lock's row. */
  readonly schema: string;
  /** See `GivenSchema`. */
  readonly given?: string | null | undefined;
  readonly byHand?: boolean | undefined;
  /** A ledger has one migration lock. Other work has a lock of its own with this name, such as `import nas`. */
  readonly job?: string | undefined;
  readonly runId: string;
  readonly host: string;
  /** How long to wait for another holder. Then `LockError` (`LOCK_TIMEOUT`) is thrown, which names the holder. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called when waiting begins, and about every ten seconds after that. */
  readonly onWait: (holder: Holder | null, waitedMs: number) => void;
}

/** The name of the lock, in its row and in its key. */
export function lockName({ schema, job }: Pick<LockOptions, "schema" | "job">): string {
  return job === undefined ? schema : `${schema}: ${job}`;
}
