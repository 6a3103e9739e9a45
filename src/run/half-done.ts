/** What is known of half-done backfills beside their figures: who works on them, their ways back, and what is lost. */
import type { WayBackProgress } from "../core/history.ts";
import type { Connection } from "../database/connection.ts";
import type { UndoState } from "../ledger/backfill-undo-sql.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import { backfillKey, holderOf } from "../lock/backfill-lock.ts";
import { heldLocks } from "../lock/held.ts";
import type { Target } from "./session/target.ts";

/** Which of these another run is carrying out, and what its session is called. A session of our own that is dying counts not. */
export async function runningBackfills(
  { ledger }: Target,
  connection: Connection,
  revisions: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const running = new Map<string, string>();
  for (const revision of revisions) {
    const holder = await holderOf(connection, backfillKey(ledger.schema, revision));
    if (holder !== null && !holder.isOwn) running.set(revision, holder.application);
  }
  return running;
}

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

/** How far what is being taken back is, and which run does that. For whoever looks: a run of its own would find itself. */
export async function waysBackOf(
  target: Target,
  connection: Connection,
  history: RecordedHistory,
): Promise<ReadonlyMap<string, WayBackProgress>> {
  const open = history.entries.filter(({ state }) => state === "reverting");
  if (open.length === 0) return new Map();
  const undos = await undosOf(target, connection, history);
  const recorded = undos.length === 0 ? [] : await target.ledger.backfills.all(connection);
  const runs = await runsOf(target, connection, history);
  return new Map(
    open.map(({ revision }) => {
      const undo = undos.find((one) => one.revision === revision);
      const rows = undo && recorded.find((one) => one.revision === revision)?.changed;
      const progress = { restored: undo?.restored ?? null, rows: rows ?? null };
      return [revision, { ...progress, runBy: runs.get(revision) ?? null }];
    }),
  );
}
