/** What is known of half-done backfills beside their figures: who works on them, their ways back, and what is lost. */
import type { Connection } from "../database/connection.ts";
import type { UndoState } from "../ledger/backfill-undo-sql.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import { heldLocks } from "../lock/held.ts";
import { runningBackfills } from "./plan.ts";
import type { Target } from "./session/target.ts";

/**
 * Who holds the lock of a backfill. A way back has none of its own, and neither has a run behind a pooler, whose lock is a
 * lease: there it is whoever holds the migrations lock.
 */
export async function runsOf(
  target: Target,
  connection: Connection,
  { created, entries }: RecordedHistory,
): Promise<ReadonlyMap<string, string>> {
  const open = entries.filter(({ state }) => state === "partial" || state === "reverting");
  if (!created || open.length === 0) return new Map();
  const revisions = open.map(({ revision }) => revision);
  const running = await runningBackfills(target, connection, revisions);
  const held = await heldLocks(connection, target.ledger.schema);
  const migrating = held.filter(({ doing }) => /^(?:up|down) /.test(doing ?? ""));
  return new Map(
    open.flatMap(({ revision, state }): (readonly [string, string])[] => {
      const other = migrating.find(({ pid }) => state === "reverting" || pid === null);
      const who = running.get(revision) ?? (other === undefined ? undefined : (other.host ?? "another run"));
      return who === undefined ? [] : [[revision, who]];
    }),
  );
}

export async function undosOf(
  { ledger }: Target,
  connection: Connection,
  { entries }: RecordedHistory,
): Promise<readonly UndoState[]> {
  const undos: UndoState[] = [];
  for (const { revision, state } of entries) {
    const undo = state === "reverting" ? await ledger.undo(connection, revision) : null;
    if (undo !== null) undos.push(undo);
  }
  return undos;
}

export async function lostOf(
  { ledger }: Target,
  connection: Connection,
  { entries }: RecordedHistory,
): Promise<ReadonlySet<string>> {
  const lost = new Set<string>();
  for (const { revision, state } of entries)
    if (state === "partial" && (await ledger.backfills.lost(connection, revision)) !== null)
      lost.add(revision);
  return lost;
}
