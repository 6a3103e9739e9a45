/**
 * Makes the locks of a statement visible that can't run in a transaction. It takes and returns them while it runs, so there is
 * no moment behind it at which they could be looked at. Instead it is made to wait, as long as it takes to look.
 *
 * A gate is a prepared transaction that holds one lock, and that no session needs. Each relation that the statement may lock
 * has a gate for each of these modes, which do not exclude each other:
 *
 *   SHARE UPDATE EXCLUSIVE   stops the first lock that is as strong
 *   ROW EXCLUSIVE            stops a later one from SHARE on
 *   ACCESS SHARE             stops a later ACCESS EXCLUSIVE
 *
 * All other relations share three gates. Who waits for one of these locks what it does not name: the lock is seen, but the
 * gates are gone for the rest, so the statement is marked. A statement with CONCURRENTLY also meets an old snapshot, where it
 * waits for older transactions with the locks that it keeps from one of its transactions to the next.
 *
 * Each wait is looked at, and then ended by taking away what is waited for. So every wait is seen, and the statement ends as
 * it would by itself.
 */
import { literal, quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { delay } from "../std/time.ts";
import { type HeldLock, locksOf, type Relation, type Relations, waitOf } from "./catalog.ts";
import { conflicts, type LockMode } from "./lock-modes.ts";
import { reachOf } from "./reach.ts";

export type Open = () => Promise<Connection>;

/** Each look reads all locks, so many gates make each wait long. The scratch server has a few more prepared transactions. */
const MOST_GATES = 300;
const LOOK_MS = 4;
const GATE_MODES = ["SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE", "ACCESS SHARE"] as const;

export interface GatedOptions {
  readonly text: string;
  readonly pid: number;
  readonly relations: Relations;
  readonly observer: Connection;
  readonly open: Open;
}

export interface GatedResult<T> {
  readonly outcome: PromiseSettledResult<T>;
  /** All that it was seen with. */
  readonly locks: readonly HeldLock[];
  /** Relations that it locks and that were not expected. Behind the first one, locks may be missed. */
  readonly unexpected: readonly Relation[];
}

interface Gate {
  readonly name: string;
  /** It is shared by relations that are not expected to be locked. */
  readonly isShared: boolean;
}

/** Runs the statement. */
export async function gated<T>(
  run: () => Promise<T>,
  { text, pid, relations, observer, open }: GatedOptions,
): Promise<GatedResult<T>> {
  const gates = new Map<string, Gate>();
  const seen = new Map<string, HeldLock>();
  const unexpected = new Map<string, Relation>();
  const remove = async ({ name }: Gate) => {
    gates.delete(name);
    await observer.execute(`rollback prepared ${literal(name)}`);
  };
  let snapshot: Connection | null = null;
  try {
    const { expected, others } = await reachOf(text, relations, observer, MOST_GATES / GATE_MODES.length - 1);
    const put = (those: readonly Relation[], isShared: boolean) => {
      const texts: string[] = [];
      for (const mode of GATE_MODES) {
        const locks = those.flatMap((relation) => lockStatement(relation, mode) ?? []);
        if (locks.length === 0) continue;
        const name = `godwit gate ${observer.server.backendPid} ${gates.size}`;
        gates.set(name, { name, isShared });
        texts.push("begin", ...locks, `prepare transaction ${literal(name)}`);
      }
      return texts;
    };
    const texts = put(others, true);
    for (const relation of expected) texts.push(...put([relation], false));
    if (texts.length > 0) await observer.execute(texts.join(";\n"));
    if (/\bconcurrently\b/i.test(text)) {
      snapshot = await open();
      await snapshot.execute("begin isolation level repeatable read; select 1");
    }
    const running = run();
    let over = false;
    const settled = Promise.allSettled([running]).then(([outcome]) => {
      over = true;
      return outcome;
    });
    while (!over) {
      const wait = await waitOf(observer, pid);
      if (wait !== null) {
        for (const lock of await locksOf(observer, pid)) seen.set(`${lock.oid} ${lock.mode}`, lock);
        const relation = wait.oid === null ? undefined : relations.get(wait.oid);
        for (const { name, mode } of wait.prepared) {
          const gate = gates.get(name);
          if (gate === undefined) continue;
          if (mode !== null && wait.mode !== null && !conflicts(wait.mode, mode)) continue;
          if (gate.isShared && relation !== undefined) unexpected.set(relation.oid, relation);
          await remove(gate);
        }
        if (snapshot !== null && wait.blockers.includes(snapshot.server.backendPid)) {
          await snapshot.close();
          snapshot = null;
        }
      }
      await Promise.race([settled, delay(LOOK_MS)]);
    }
    return { outcome: await settled, locks: [...seen.values()], unexpected: [...unexpected.values()] };
  } finally {
    await snapshot?.close();
    const { rows } = await observer.query<{ gid: string }>(LEFT, [
      `godwit gate ${observer.server.backendPid} %`,
    ]);
    for (const { gid } of rows) await observer.execute(`rollback prepared ${literal(gid)}`);
  }
}

const LEFT =
  "select gid from pg_catalog.pg_prepared_xacts where gid like $1 and database = current_database()";

/** `null`: there is no statement that takes this lock on such a relation. */
function lockStatement({ schema, name, kind }: Relation, mode: LockMode): string | null {
  const full = `${quotedName(schema)}.${quotedName(name)}`;
  if (kind === "table") return `lock table only ${full} in ${mode} mode`;
  // LOCK knows only tables. A comment takes SHARE UPDATE EXCLUSIVE, and is rolled back in the end.
  if (mode === "SHARE UPDATE EXCLUSIVE") return `comment on ${kind} ${full} is ''`;
  if (mode === "ACCESS SHARE" && kind === "materialized view") return `select from ${full} limit 0`;
  return null;
}
