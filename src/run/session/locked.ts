/** One connection under the lock, for use-cases that write to the ledger without running migrations. */
import type { Plan } from "../../core/step.ts";
import type { Connection } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import { refusedByTrigger } from "../../ledger/not-made.ts";
import { acquireLease } from "../../lock/lease.ts";
import type { Holder, Lock } from "../../lock/lock.ts";
import { acquireSessionLock } from "../../lock/session.ts";
import { connect, pooledWarning, withConnection } from "./connect.ts";
import type { RunContext, Target } from "./target.ts";

export async function acquireLock(
  target: Target,
  connection: Connection,
  context: RunContext,
  job?: string,
): Promise<Lock> {
  const options = {
    schema: target.ledger.schema,
    given: target.settings.schema,
    byHand: target.ledger.byHand,
    job,
    runId: context.runId,
    host: context.host,
    signal: context.signal,
    waitMs: target.settings.lockWaitMs,
    onWait: (holder: Holder | null, waitedMs: number) =>
      context.observe({ kind: "lock-waiting", holder, waitedMs }),
  };
  if (connection.capabilities.session) return acquireSessionLock(connection, options);
  const lease = acquireLease(connection, {
    ...options,
    termMs: target.settings.leaseTermMs,
    openAnother: () => connect(target, context),
  });
  // Without sessions, its table is the first that is made of a ledger.
  return lease.catch((error: unknown) => {
    throw refusedByTrigger(error, target.ledger.schema);
  });
}

interface LockListener {
  readonly warn: (problem: Problem) => void;
  /** Is called also where the lock was not to be had. */
  readonly waited: (ms: number) => void;
}

/** Takes the lock on a connection that was just opened, and tells of both. */
export async function lockForRun(
  target: Target,
  connection: Connection,
  context: RunContext,
  { warn, waited }: LockListener,
): Promise<Lock> {
  const { version, database, user } = connection.server;
  const kind = connection.capabilities.session ? "session" : "lease";
  context.observe({ kind: "connected", database, user, version, lock: kind });
  if (connection.pooler !== undefined) warn(pooledWarning(connection.pooler));
  const started = performance.now();
  const lock = await acquireLock(target, connection, context).finally(() => {
    waited(performance.now() - started);
  });
  context.observe({ kind: "lock-acquired", waitedMs: performance.now() - started });
  if (lock.caveat !== undefined) warn(lock.caveat);
  return lock;
}

interface LockedSession {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly context: RunContext;
}

/** Takes the lock of a session again, which was given away on the same connection. */
export async function retakeLock(
  { target, connection, lock, context }: LockedSession,
  doing: string,
): Promise<void> {
  const started = performance.now();
  await acquireLock(target, connection, context);
  context.observe({ kind: "lock-acquired", waitedMs: performance.now() - started });
  await lock.announce(doing);
}

export async function withLock<T>(
  target: Target,
  context: RunContext,
  use: (connection: Connection, lock: Lock) => Promise<T>,
): Promise<T> {
  return withConnection(target, context, async (connection) => {
    const lock = await acquireLock(target, connection, context);
    try {
      return await use(connection, lock);
    } finally {
      if (!connection.lost.aborted) await lock.release().catch(() => {});
    }
  });
}

/** What a run does, for whoever waits for its lock. */
export function doingOf({ direction, steps }: Pick<Plan, "direction" | "steps">): string {
  const [first, ...others] = steps;
  if (others.length === 0) return `${direction} ${first?.revision ?? "nothing"}`;
  return `${direction} ${steps.length} migrations: ${first?.revision} ...`;
}
