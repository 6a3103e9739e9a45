/**
 * Does the pooler in between hand our statements to several server sessions?
 *
 * In session mode our session answers us alone and always. In transaction mode it is anybody's between two of
 * our transactions: a second client that opens one gets it (a pool gives out what came back last) or, where
 * the pool takes turns, the next statement of ours goes elsewhere. Under load either may look different by
 * chance, so we look several times, and one sign of sharing is enough. To take a session of our own for a shared
 * one would cost some speed; the reverse would cost the lock.
 *
 * A pool may have no session left for the second client. If we are answered while it still waits in the queue,
 * we did not stand in that queue: the session is ours.
 */
import type { Client as PgClient } from "pg";
import { DatabaseError } from "../../errors.ts";
import { delay } from "../../std/time.ts";

const ROUNDS = 3;
const PATIENCE_MS = 1_000;
const PID = "select pg_catalog.pg_backend_pid() as pid";

/** `ours` asks our own connection for its process id; `other` is idle, and closed by the caller. */
export async function sharesSessions(
  pid: number,
  { ours, other }: { ours: () => Promise<number>; other: PgClient },
): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    if ((await ours()) !== pid) return true;
    const theirs = await soon(pidInTransaction(other));
    if (theirs === pid) return true;
    if (theirs === undefined) return (await soon(ours())) !== pid;
    if ((await ours()) !== pid) return true;
    await other.query("commit");
  }
  return false;
}

async function pidInTransaction(client: PgClient): Promise<number> {
  try {
    await client.query("begin");
    return (await client.query<{ pid: number }>(PID)).rows[0]?.pid ?? 0;
  } catch (error) {
    if (!/statement pooling/.test((error as Error).message)) throw error;
    throw new DatabaseError(
      {
        code: "DATABASE_SETTING",
        message: "The pooler in front of the database is in statement mode, which allows no transactions.",
        hint: "Use the direct URL of the database, or a pool in session or transaction mode.",
      },
      { cause: error },
    );
  }
}

async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    promise.catch(() => {});
    return await Promise.race([promise, delay(PATIENCE_MS, timer.signal).then(() => undefined)]);
  } finally {
    timer.abort();
  }
}
