/** One connection under the lock, for use-cases that write to the ledger without running migrations. */
import type { Connection } from "../../database/connection.ts";
import { acquireLease } from "../../lock/lease.ts";
import type { Holder, Lock } from "../../lock/lock.ts";
import { acquireSessionLock } from "../../lock/session.ts";
import { connect, withConnection } from "./connect.ts";
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
  return connection.capabilities.session
    ? acquireSessionLock(connection, options)
    : acquireLease(connection, {
        ...options,
        termMs: target.settings.leaseTermMs,
        openAnother: () => connect(target, context),
      });
}

interface Held {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly context: RunContext;
}

/** Takes the lock of a session again, which was given away on the same connection. */
export async function retakeLock({ target, connection, lock, context }: Held, doing: string): Promise<void> {
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
