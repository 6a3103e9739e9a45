/**
 * Brings back the old values that a backfill has kept, in windows of their table.
 *
 *   history row (reverting) ─► windows of the kept values, in the order of the key ─► kept values dropped, history row gone
 *
 * One window is
 *
 *   begin ─► where it ends, by the key ─► rows that still have what the backfill wrote get their old values
 *         ─► the new position ─► commit
 *
 * A row that somebody has changed since is left as it is and counted. So is one that is deleted, and one to which a trigger
 * gives another value. The position moves in the
 * transaction of the window. So after a crash both are there or neither is, and the next `down` goes on behind it.
 */
import { describeKey, type KeyValue } from "../../../backfill/key.ts";
import { halfOf, mostRows, nextRows } from "../../../backfill/pace.ts";
import { upperBound, windowEnd } from "../../../backfill/statement.ts";
import { type BackfillTable, readTable } from "../../../backfill/table.ts";
import { bringBack, keptTable } from "../../../backfill/undo.ts";
import { DEFAULT_WINDOWS } from "../../../core/backfill.ts";
import { DEFAULT_OPTIONS } from "../../../core/backfill-options.ts";
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused, StepFailed } from "../../../errors.ts";
import type { UndoDone, UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { type Committed, NOTHING, UNASKED } from "../../report/committed.ts";
import { guardOf } from "../../session/settings.ts";
import type { Target } from "../../session/target.ts";
import { isWorthRetrying, begin as ownBegin, rollback } from "../../session/transaction.ts";
import { ownSession, pauseBeforeRetry, type StepContext, type StepOutcome, stepDone } from "../context.ts";
import { closing, type FrameParts, statementFrame } from "../frame.ts";
import { closed, frameError } from "../frame-error.ts";
import { entryOf, frameParts } from "../frame-parts.ts";
import type { Prepared } from "../prepared.ts";
import { failureOf, stepError } from "../step-error.ts";
import { type Watch, watch } from "../watch.ts";
import { claimRanges } from "./ranges.ts";
import { isOfItsRows } from "./rest.ts";
import { leftOver } from "./undo-left.ts";
import { KEEP_TRIGGERS, refuseSkipping, SKIP_TRIGGERS, unplaced } from "./window.ts";

/** So many keys of rows that were left are named. */
const SHOWN_KEYS = 5;

interface Undoing {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly parts: FrameParts;
  readonly table: BackfillTable;
  readonly kept: BackfillTable;
  state: UndoState;
  /** Windows of this run. */
  windows: number;
}

/** Throws `PlanRefused` (`BACKFILL_UNDO`) before the first step of a way back that has no old values any more. */
export async function refuseUnkept(
  { ledger }: Target,
  connection: Connection,
  steps: readonly Prepared[],
): Promise<void> {
  for (const { step, form } of steps) {
    if (step.direction === "up" || form.sends !== "windows") continue;
    if ((await ledger.undo(connection, step.revision)) === null) throw nothingKept(step);
  }
}

function nothingKept({ revision, file }: Prepared["step"]): PlanRefused {
  return new PlanRefused([
    {
      code: "BACKFILL_UNDO",
      message: `${revision} has no old values to bring back: its backfill kept none, or they were dropped since.`,
      hint: `Write the way back into ${file}, or a new migration that corrects the rows: \`godwit new <name>\`.`,
      place: { file },
      details: { revision },
    },
  ]);
}

export async function runUndo(context: StepContext, prepared: Prepared, index: number): Promise<StepOutcome> {
  const { step } = prepared;
  const { connection, ledger } = context;
  const startedAt = performance.now();
  context.observe({ kind: "step-started", step, index, count: context.count });
  let state: UndoState | null = null;
  let undoing: Undoing | undefined;
  try {
    state = await ledger.undo(connection, step.revision);
    if (state === null) throw nothingKept(step);
    {
      using observed = watch(context, () => step, context.target.settings.lockTimeoutMs);
      // A window of a run that has lost its lock would otherwise be committed behind the way back, and stay.
      await claimRanges(context, prepared);
      undoing = await begin(context, prepared, state);
      await windowsOf(undoing, observed);
    }
    context.stop.throwIfAborted();
    const { sql } = ledger;
    const { parts } = undoing;
    const [ranges] = (await connection.query<{ exists: boolean }>(sql.hasRanges())).rows;
    const forgotten = [
      sql.forgetUndo(step.revision),
      ...(ranges?.exists === true ? [sql.forgetRanges(step.revision)] : []),
      sql.forgetBackfill(step.revision),
    ];
    const gone = `${parts.ownRole} ${forgotten.join("; ")};`;
    const last = { ...parts, leave: `${gone} ${parts.leave}` };
    await closed(context, step, closing(last, "down", entryOf(prepared, null)));
  } catch (error) {
    const { lost } = connection;
    const wasLost = lost.aborted;
    await rollback(connection);
    if (wasLost || (lost.aborted && context.stop.aborted)) {
      context.lostAt?.(UNASKED);
      throw lost.reason;
    }
    const committed = committedOf(undoing?.state ?? state, undoing?.table.shown ?? step.file);
    const body = { kind: "undo", file: step.file } as const;
    const problem = stepError(context, prepared, body, error, { committed });
    return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
  }
  const left = leftOver(undoing, step.revision);
  if (left !== null) context.warn?.(left);
  return stepDone(context, step, index, { startedAt, transactional: false });
}

async function begin(context: StepContext, prepared: Prepared, state: UndoState): Promise<Undoing> {
  const { connection, ledger } = context;
  const { step } = prepared;
  await ownSession(context);
  const parts = frameParts(context, prepared);
  await connection.execute(statementFrame(parts, "").open).catch((error: unknown) => {
    throw frameError(error, step.revision);
  });
  const wanted = {
    ...{ table: state.table, key: state.key, where: null, statement: null },
    ...{ windows: DEFAULT_WINDOWS, options: DEFAULT_OPTIONS },
  };
  const backfill = prepared.migration?.backfill;
  if (backfill !== undefined) await refuseSkipping(context, backfill, step.file);
  const table = await readTable(connection, wanted, step.file);
  await connection.execute("rollback");
  if (step.reason !== "resume")
    await connection
      .execute(
        `${ownBegin()} ${parts.ownRole} ${parts.fence} ${guardOf(context.target.settings)} ${parts.mirror.open} ${ledger.sql.startReverting(step.revision)}; commit`,
      )
      .catch((error: unknown) => {
        throw frameError(error, step.revision);
      });
  const kept = keptTable(ledger.sql.undoValuesTable(step.revision), table);
  return { context, prepared, parts, table, kept, state, windows: 0 };
}

async function windowsOf(undoing: Undoing, observed: Watch): Promise<void> {
  const { context, prepared, kept } = undoing;
  const { connection } = context;
  const [answer] = await connection.execute(upperBound(kept)).catch(unplaced);
  const bound = (answer?.rows[0]?.key ?? null) as KeyValue | null;
  if (bound === null) return;
  const given = prepared.migration?.backfill?.windows ?? DEFAULT_WINDOWS;
  const windows = { ...given, maxRows: given.maxRows ?? mostRows(undoing.table.estimatedRows) };
  const begunAt = performance.now();
  const before = rowsOf(undoing.state);
  let rows = windows.minRows;
  for (let attempt = 1; ; ) {
    context.stop.throwIfAborted();
    const at = performance.now();
    try {
      const done = await oneWindow(undoing, bound, rows);
      if (done === null) return;
      attempt = 1;
      const now = performance.now();
      progress(undoing, { windowRows: done, sinceMs: now - begunAt, before });
      rows = nextRows(windows, { rows: Math.max(done, 1), tookMs: now - at });
    } catch (error) {
      if (connection.lost.aborted || context.stop.aborted) throw error;
      await rollback(connection);
      if (isWorthRetrying(error)) {
        if (attempt >= context.target.settings.lockAttempts) throw error;
        const committed = committedOf(undoing.state, undoing.table.shown);
        const body = { kind: "undo", file: prepared.step.file } as const;
        const problem = stepError(context, prepared, body, error, { committed });
        await pauseBeforeRetry(context, prepared.step, attempt++, problem, observed.blockers);
        rows = Math.max(1, halfOf(rows));
      } else if (!isOfItsRows(error, undoing)) throw error;
      else if (rows > 1) rows = halfOf(rows);
      else throw await refusedRow(undoing, bound, error);
    }
  }
}

/** How many kept rows the window had. `null`: none is left. */
async function oneWindow(undoing: Undoing, bound: KeyValue, rows: number): Promise<number | null> {
  const { context, prepared, parts, table, kept, state } = undoing;
  const { connection, ledger } = context;
  const { revision } = prepared.step;
  const framed = (error: unknown) => {
    throw frameError(error, revision);
  };
  // What no trigger has seen on the way there, none sees on the way back.
  const skips = prepared.migration?.backfill?.options.triggers === "skip";
  const [skip, keep] = skips ? [`; ${SKIP_TRIGGERS}`, `${KEEP_TRIGGERS}; `] : ["", ""];
  await connection.execute(`${statementFrame(parts, "").open}${skip}`).catch(framed);
  const range = { from: state.position, to: bound };
  const [answer] = await connection.execute(windowEnd(kept, range, rows)).catch(unplaced);
  const end = answer?.rows[0] as { readonly key: KeyValue; readonly rows: number } | undefined;
  if (end === undefined) {
    await connection.execute("rollback");
    return null;
  }
  const values = { into: kept.name, columns: state.columns };
  const shown = Math.max(0, SHOWN_KEYS - state.keys.length);
  const text = bringBack(values, table, { from: range.from, to: end.key }, shown);
  const [result] = await connection.execute(text).catch(unplaced);
  const found = result?.rows[0] as Omit<UndoDone, "position"> | undefined;
  const { restored = 0, changed = 0, gone = 0, keys = [] } = found ?? {};
  const done: UndoDone = { position: end.key, restored, changed, gone, keys };
  await connection
    .execute(statementFrame(parts, `${keep}${ledger.sql.undoWindowDone(revision, done)}`).close)
    .catch(framed);
  undoing.windows++;
  undoing.state = {
    ...state,
    position: end.key,
    restored: state.restored + restored,
    changed: state.changed + changed,
    gone: state.gone + gone,
    keys: [...state.keys, ...keys],
  };
  return end.rows;
}

async function refusedRow(
  { context, prepared, table, kept, state }: Undoing,
  bound: KeyValue,
  error: Error,
): Promise<unknown> {
  const range = { from: state.position, to: bound };
  const [answer] = await context.connection.execute(windowEnd(kept, range, 1)).catch(unplaced);
  const key = answer?.rows[0]?.key as KeyValue | undefined;
  if (key === undefined) return error;
  const { file } = prepared.step;
  return new StepFailed(
    {
      code: "BACKFILL_UNDO_ROW",
      message: `The row ${describeKey(table.key, key)} of ${table.shown} cannot have its old value again: ${error.message}`,
      hint: "Change or delete that row, or what refuses the value.",
      place: { file },
      details: { table: table.shown, key },
    },
    { cause: error },
  );
}

function rowsOf({ restored, changed, gone }: UndoState): number {
  return restored + changed + gone;
}

function committedOf(state: UndoState | null, table: string): Committed {
  if (state === null || state.position === null) return NOTHING;
  const { key, position } = state;
  const upTo = key.map((name, at) => `${name} ${position[at]}`).join(", ");
  return { extent: "some", parts: "windows", rows: rowsOf(state), table, upTo };
}

function progress(
  { context, prepared, table, state, windows }: Undoing,
  { windowRows, sinceMs, before }: { windowRows: number; sinceMs: number; before: number },
): void {
  const rows = rowsOf(state);
  context.observe({
    kind: "backfill-progress",
    step: prepared.step,
    table: table.shown,
    ...{ rows, changed: state.restored, windows, windowRows, share: null, leftMs: null, elapsedMs: sinceMs },
    rowsPerSecond: sinceMs <= 0 ? 0 : ((rows - before) / sinceMs) * 1000,
    slowedBy: null,
    position: state.position ?? [],
    worker: null,
  });
}
