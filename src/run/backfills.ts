/**
 * Backfills from another terminal: how far they are, and the words that a person says of one. It needs no lock: the run
 * that works on a backfill reads the words with its next window, and every half second while it waits.
 */
import { resolveRevision } from "../core/revision.ts";
import { ConfigError } from "../errors.ts";
import { type BackfillControls, type Control, NO_CONTROLS } from "../ledger/backfill-controls-sql.ts";
import type { UndoState } from "../ledger/backfill-undo-sql.ts";
import type { RecordedBackfill } from "../ledger/backfills-sql.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { lostOf, runsOf, undosOf } from "./half-done.ts";
import { withConnection } from "./session/connect.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeignRepair } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";

/** Where a backfill is, and what was said of it. Times are as in ISO 8601. */
export interface BackfillStatus {
  readonly revision: string;
  /** The table as its author wrote it, until it has begun. */
  readonly table: string;
  /**
   * `pending`: it has not begun. `approval`: it waits for a person's. `paused`: by a person. `begun`: windows are done,
   * and others are left; `runBy` says whether a run works on it. `lost`: it is half done, and the ledger has lost how far.
   * `done`: it is applied. `reverting`: it is taken back in part; `runBy` says whether a run
   * takes back the rest.
   */
  readonly state: "pending" | "approval" | "paused" | "begun" | "lost" | "done" | "reverting";
  readonly rows: number;
  readonly changed: number;
  readonly windows: number;
  /** `null`: the table was never analysed, or it has not begun. */
  readonly estimatedRows: number | null;
  /** From 0 to 1, by that estimate. */
  readonly share: number | null;
  readonly windowRows: number | null;
  readonly rowsPerSecond: number | null;
  readonly leftMs: number | null;
  /** Why its last windows came later or were smaller than they could have been. */
  readonly slowedBy: string | null;
  /** The columns of its key, and the last values that are done. */
  readonly key: readonly string[];
  readonly position: readonly string[] | null;
  /** The keys of rows that PostgreSQL refused. */
  readonly failed: readonly (readonly string[])[];
  readonly startedAt: string | null;
  readonly updatedAt: string | null;
  readonly finishedAt: string | null;
  /** Which run works on it or on its way back, or waits in its pause. `null`: none. */
  readonly runBy: string | null;
  /** How long ago it last moved. */
  readonly stillForMs: number | null;
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  /** Rows in a second that a person allows. `null`: any number. */
  readonly rate: number | null;
  readonly rateBy: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /**
   * How far its way back is; `null`: none has begun. `share`, `leftMs`, `windowRows`, `rowsPerSecond` and `slowedBy` are about
   * the way back then.
   */
  readonly undo: BackfillUndo | null;
}

export interface BackfillUndo {
  /** Rows that have their old values again. */
  readonly restored: number;
  /** Rows that were changed since, and stay as they are. */
  readonly changed: number;
  /** Rows that are deleted. */
  readonly gone: number;
  /** The last values of the key that is done. */
  readonly position: readonly string[] | null;
}

export type BackfillWord =
  | { readonly kind: "pause" | "resume" | "approve" }
  | { readonly kind: "rate"; readonly rate: number | null };

/** All backfills, of the files and of the ledger. Changes nothing. */
export async function backfillsOf(
  target: Target,
  context: RunContext,
  named?: string,
): Promise<readonly BackfillStatus[]> {
  const files = await target.source.list();
  return withConnection(target, context, async (connection) => {
    const history = await target.ledger.read(connection);
    const recorded = history.created ? await target.ledger.backfills.all(connection) : [];
    const undos = await undosOf(target, connection, history);
    const lost = await lostOf(target, connection, history);
    const controls = history.created ? await target.ledger.backfills.allControls(connection) : [];
    const runs = await runsOf(target, connection, history);
    const all = statusesOf(
      { files, history, recorded, undos, runs, lost },
      (revision) => controls.find((one) => one.revision === revision)?.controls,
    );
    if (named === undefined) return all;
    const revision = resolve(named, { files, ids: all.map((one) => one.revision) });
    return all.filter((one) => one.revision === revision);
  });
}

/** Says it, and returns where the backfill is. Throws `ConfigError` for what is no backfill. */
export async function tellBackfill(
  target: Target,
  { revision: named, word }: { readonly revision: string; readonly word: BackfillWord },
  context: RunContext,
): Promise<BackfillStatus> {
  const files = await target.source.list();
  const history = await withConnection(target, context, (connection) => target.ledger.read(connection));
  refuseForeignRepair(target, files, history);
  if (!history.created)
    // Tables of a new ledger are made under the lock, as by a run.
    await withLock(target, context, async (connection) => {
      await target.ledger.create(connection, target.settings.project);
    });
  return withConnection(target, context, async (connection) => {
    const { ledger } = target;
    const recorded = await ledger.backfills.all(connection);
    const none = { undos: [], runs: new Map(), lost: new Set<string>() };
    const ids = statusesOf({ files, history, recorded, ...none }, () => undefined);
    const revision = resolve(named, { files, ids: ids.map((one) => one.revision) });
    await ledger.backfills.control(connection, revision, controlOf(word, { files, revision }), context.host);
    const controls = await ledger.backfills.controls(connection, revision);
    const now = await ledger.read(connection);
    const undos = await undosOf(target, connection, now);
    const runs = await runsOf(target, connection, now);
    const lost = await lostOf(target, connection, now);
    const [status] = statusesOf(
      { files, history: now, recorded: await ledger.backfills.all(connection), undos, runs, lost },
      () => controls,
    ).filter((one) => one.revision === revision);
    if (status === undefined) throw new Error(`${revision} is gone.`);
    return status;
  });
}

function controlOf(word: BackfillWord, { files, revision }: { files: Listing; revision: string }): Control {
  if (word.kind !== "approve") return word.kind === "rate" ? word : { kind: word.kind };
  // What is approved is this text, and no later one.
  const migration = files.migrations.find(({ id }) => id === revision);
  if (migration !== undefined) return { kind: "approve", text: migration.checksum };
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${revision} has no file here, and what is approved is the text of a file.`,
    hint: "Approve it where its file is.",
  });
}

function resolve(named: string, { files, ids }: { files: Listing; ids: readonly string[] }): string {
  const every = [...new Set([...files.migrations.map(({ id }) => id), ...ids])];
  const revision = resolveRevision(named, every);
  if (ids.includes(revision)) return revision;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${revision} is not a backfill.`,
    hint: "`godwit backfill status` lists the backfills.",
  });
}

interface BackfillFacts {
  readonly files: Listing;
  readonly history: RecordedHistory;
  readonly recorded: readonly RecordedBackfill[];
  /** Of those that are being taken back. */
  readonly undos: readonly UndoState[];
  /** Which run works on which. */
  readonly runs: ReadonlyMap<string, string>;
  /** Half-done ones of which the ledger has lost how far they are. */
  readonly lost: ReadonlySet<string>;
}

function statusesOf(
  { files, history, recorded, undos, runs, lost }: BackfillFacts,
  controlsOf: (revision: string) => BackfillControls | undefined,
): readonly BackfillStatus[] {
  const declared = files.migrations.filter(({ backfill }) => backfill !== undefined);
  const stateOf = (revision: string) => history.entries.find((one) => one.revision === revision)?.state;
  // What was taken back, or may run again from the first row, has left its figures.
  const rows = recorded.filter(({ revision }) => stateOf(revision) !== undefined);
  const ids = [...new Set([...declared.map(({ id }) => id), ...rows.map(({ revision }) => revision)])];
  return ids.map((revision) => {
    const migration = declared.find(({ id }) => id === revision);
    const row = rows.find((one) => one.revision === revision);
    const undo = undos.find((one) => one.revision === revision);
    const isDone = stateOf(revision) === "applied";
    const controls = controlsOf(revision) ?? NO_CONTROLS;
    const approved = controls.approvedAt !== null && controls.approvedText === migration?.checksum;
    const begun = row !== undefined && row.rows > 0;
    const state = isDone
      ? "done"
      : stateOf(revision) === "reverting"
        ? "reverting"
        : lost.has(revision)
          ? "lost"
          : controls.pausedAt !== null
            ? "paused"
            : begun
              ? "begun"
              : migration?.backfill?.options.approve === true && !approved
                ? "approval"
                : "pending";
    const { pausedAt, pausedBy, rate, rateBy, approvedAt, approvedBy } = controls;
    return {
      revision,
      table: row?.table ?? migration?.backfill?.table ?? "",
      state,
      ...progressOf(row, state, undo),
      ...{ pausedAt, pausedBy, rate, rateBy, approvedAt, approvedBy },
      runBy: runs.get(revision) ?? null,
      undo: undo === undefined ? null : backOf(undo),
    };
  });
}

function backOf({ restored, changed, gone, position }: UndoState): BackfillUndo {
  return { restored, changed, gone, position };
}

function progressOf(
  row: RecordedBackfill | undefined,
  state: BackfillStatus["state"],
  undo: UndoState | undefined,
) {
  const isDone = state === "done";
  const { rows = 0, changed = 0, windows = 0, estimatedRows = null, rowsPerSecond = null } = row ?? {};
  // What has to come back is what was changed.
  const all = state === "reverting" ? changed : estimatedRows;
  const through = undo === undefined ? rows : undo.restored + undo.changed + undo.gone;
  const isKnown = all !== null && all > 0 && (state !== "reverting" || undo !== undefined);
  const share = isDone ? 1 : isKnown ? Math.min(1, through / all) : null;
  const left = isDone || !isKnown ? null : Math.max(0, all - through);
  return {
    ...{ rows, changed, windows, estimatedRows, rowsPerSecond, share },
    windowRows: row?.windowRows ?? null,
    leftMs:
      left === null || rowsPerSecond === null || rowsPerSecond <= 0 ? null : (left / rowsPerSecond) * 1000,
    slowedBy: isDone ? null : (row?.slowedBy ?? null),
    key: row?.key ?? [],
    position: row?.position ?? null,
    failed: row?.failed ?? [],
    startedAt: row?.startedAt ?? null,
    updatedAt: row?.updatedAt ?? null,
    finishedAt: row?.finishedAt ?? null,
    stillForMs: row?.stillForMs ?? null,
  };
}
