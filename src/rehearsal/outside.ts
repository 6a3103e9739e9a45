/**
 * Makes the locks of a statement visible that runs in no transaction. It takes and returns them while it runs, so there is no
 * moment behind it at which they could be looked at. Instead it is made to wait, as long as it takes to look:
 *
 *   weak gate     holds SHARE UPDATE EXCLUSIVE on a table. The first lock that the statement wants there, if it is as strong,
 *                 waits for it, and `pg_locks` shows the mode that it asks for.
 *   old snapshot  holds ACCESS SHARE on the same table, and a snapshot. What the statement wants alone (ACCESS EXCLUSIVE)
 *                 waits for it, and so does each CONCURRENTLY where it waits for older transactions: there the locks that it
 *                 keeps from one of its transactions to the next are seen.
 *
 * Each table has its own sessions: the second one only for a statement with CONCURRENTLY, for others would wait for it for
 * nothing. Each wait is looked at and then ended by closing the gates that are waited for, so
 * every wait is seen, and the statement ends as it would by itself.
 */
import { quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { delay } from "../std/time.ts";
import { blockersOf, type HeldLock, locksOf, type Relation, type Relations } from "./catalog.ts";

export type Open = () => Promise<Connection>;

/** Two sessions for each. */
const MOST_TABLES = 40;
const LOOK_MS = 4;

export interface GatedOptions {
  readonly text: string;
  readonly pid: number;
  readonly relations: Relations;
  readonly observer: Connection;
  readonly open: Open;
}

/** Runs the statement. The locks are all that it was seen with. */
export async function gated<T>(
  run: () => Promise<T>,
  { text, pid, relations, observer, open }: GatedOptions,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly locks: readonly HeldLock[] }> {
  const gates = new Map<number, Connection>();
  const seen = new Map<string, HeldLock>();
  try {
    for (const table of tablesOf(text, relations)) {
      const name = `${quotedName(table.schema)}.${quotedName(table.name)}`;
      const weak = await open();
      gates.set(weak.server.backendPid, weak);
      await weak.execute(`begin; lock table only ${name} in share update exclusive mode`);
      if (!/\bconcurrently\b/i.test(text)) continue;
      const old = await open();
      gates.set(old.server.backendPid, old);
      await old.execute(
        `begin isolation level repeatable read; lock table only ${name} in access share mode; select 1`,
      );
    }
    const running = run();
    let over = false;
    const settled = Promise.allSettled([running]).then(([outcome]) => {
      over = true;
      return outcome;
    });
    while (!over) {
      const blockers = await blockersOf(observer, pid);
      if (blockers.length > 0) {
        for (const lock of await locksOf(observer, pid)) seen.set(`${lock.oid} ${lock.mode}`, lock);
        for (const blocker of blockers) {
          await gates.get(blocker)?.close();
          gates.delete(blocker);
        }
      }
      await Promise.race([settled, delay(LOOK_MS)]);
    }
    return { outcome: await settled, locks: [...seen.values()] };
  } finally {
    await Promise.all([...gates.values()].map((gate) => gate.close()));
  }
}

/** The tables that a statement may lock: those that its text names, by themselves or by an index, with their parts; else all. */
function tablesOf(text: string, relations: Relations): readonly Relation[] {
  const lower = text.toLowerCase();
  const lockable = (relation: Relation | undefined) => relation?.kind === "table" && !relation.isToast;
  const named = new Set<Relation>();
  for (const relation of relations.values()) {
    if (!lower.includes(relation.name.toLowerCase())) continue;
    const table = relation.owner === null ? relation : relations.get(relation.owner);
    if (table !== undefined && lockable(table)) named.add(table);
  }
  // A set grows while it is gone through, so the parts of parts follow.
  const childrenOf = new Map<string, Relation[]>();
  for (const relation of relations.values())
    for (const parent of relation.parents)
      childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), relation]);
  for (const table of named)
    for (const child of childrenOf.get(table.oid) ?? []) if (lockable(child)) named.add(child);
  const all = named.size > 0 ? [...named] : [...relations.values()].filter(lockable);
  return all.slice(0, MOST_TABLES);
}
