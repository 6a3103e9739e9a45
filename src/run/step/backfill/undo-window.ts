/** One window of the way back, and what is said of it. `undo.ts` says what a crash leaves behind. */

import { tableGuard } from "../../../backfill/guard.ts";
import { describeKey, type KeyValue } from "../../../backfill/key.ts";
import { speedOf } from "../../../backfill/speed.ts";
import { windowEnd } from "../../../backfill/statement.ts";
import type { BackfillTable, FoundTable } from "../../../backfill/table.ts";
import { bringBack } from "../../../backfill/undo.ts";
import { StepFailed } from "../../../errors.ts";
import type { BackfillControls } from "../../../ledger/backfill-controls-sql.ts";
import type { UndoDone, UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { controlsIn } from "../../../ledger/backfills.ts";
import { type Committed, NOTHING } from "../../report/committed.ts";
import type { StepContext } from "../context.ts";
import { type FrameParts, statementFrame } from "../frame.ts";
import { frameError } from "../frame-error.ts";
import type { Prepared } from "../prepared.ts";
import { otherTable } from "./edited.ts";
import { atLedger } from "./ledger-waits.ts";
import { KEEP_TRIGGERS, SKIP_TRIGGERS } from "./opening.ts";
import type { Sensor } from "./signals.ts";
import { unplaced } from "./unplaced.ts";

/** So many keys of rows that were left are named. */
const SHOWN_KEYS = 5;

/** A way back under way. */
export interface Undoing {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly parts: FrameParts;
  readonly table: FoundTable;
  readonly kept: BackfillTable;
  /** About how many rows were changed. `null`: nobody knows. */
  readonly estimatedRows: number | null;
  state: UndoState;
  /** What people have said of it, as of the last window. */
  controls: BackfillControls;
  /** How much of its time it may use. */
  sensor: Pick<Sensor, "throttle">;
  /** Windows of this run. */
  windows: number;
  /** How fast its windows were in this run. `null`: there was none. */
  rowsPerSecond: number | null;
  /** Why the next window comes later or is smaller than it could be. */
  slowedBy: string | null;
}

/** How many kept rows the window had. `null`: none is left. */
export async function undoWindow(undoing: Undoing, bound: KeyValue, rows: number): Promise<number | null> {
  const { context, prepared, parts, table, kept, state } = undoing;
  const { connection, ledger } = context;
  const { revision } = prepared.step;
  const framed = (error: unknown) => {
    throw frameError(error, revision, "within");
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
  const shown = Math.max(0, SHOWN_KEYS - state.keys.length);
  const text = bringBack(state.columns, { table, kept }, { from: range.from, to: end.key }, shown);
  const [result] = await connection.execute(text).catch(unplaced);
  const found = result?.rows[0] as Omit<UndoDone, "position"> | undefined;
  const { restored = 0, changed = 0, gone = 0, keys = [] } = found ?? {};
  const done: UndoDone = { position: end.key, restored, changed, gone, keys };
  const { rowsPerSecond, slowedBy } = undoing;
  const moved = ledger.sql.wayBackMoved(revision, { rows: end.rows, rowsPerSecond, slowedBy });
  const written = `${keep}${tableGuard(table)}; ${ledger.sql.undoWindowDone(revision, done)}; ${moved}`;
  const results = await connection.execute(statementFrame(parts, written).close).catch((error: unknown) => {
    throw otherTable(frameError(atLedger(error, context), revision, "within"), {
      table,
      step: prepared.step,
    });
  });
  undoing.controls = controlsIn(results) ?? undoing.controls;
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

export async function refusedRow(
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
      hint: `Change or delete that row, or what refuses the value${state.position === null ? ", then run again" : ""}.`,
      place: { file },
      details: { table: table.shown, key },
    },
    { cause: error },
  );
}

/** Also those that it has left as they are. */
export function rowsGoneThrough({ restored, changed, gone }: UndoState): number {
  return restored + changed + gone;
}

/** `through`: all rows of the table of old values were gone through. */
export function committedOf(state: UndoState | null, table: string, through = false): Committed {
  if (state === null || state.position === null) return NOTHING;
  const { key, position } = state;
  const upTo = key.map((name, at) => `${name} ${position[at]}`).join(", ");
  return { extent: "some", parts: "windows", rows: rowsGoneThrough(state), table, upTo, through };
}

/** Tells how far it is, after a window. `ms`: of the window, with the rest before it. */
export function reportBack(
  undoing: Undoing,
  { windowRows, ms, elapsedMs }: { windowRows: number; ms: number; elapsedMs: number },
): void {
  const { context, prepared, table, state, windows, estimatedRows, slowedBy } = undoing;
  const rows = rowsGoneThrough(state);
  const rowsPerSecond = speedOf(undoing.rowsPerSecond, { rows: windowRows, ms, elapsedMs });
  undoing.rowsPerSecond = rowsPerSecond;
  const share = shareOf(rows, estimatedRows);
  const leftMs =
    estimatedRows === null || rowsPerSecond <= 0
      ? null
      : (Math.max(0, estimatedRows - rows) / rowsPerSecond) * 1000;
  context.observe({
    kind: "backfill-progress",
    step: prepared.step,
    table: table.shown,
    ...{
      rows,
      changed: state.restored,
      windows,
      windowRows,
      rowsPerSecond,
      share,
      leftMs,
      elapsedMs,
      slowedBy,
    },
    position: state.position ?? [],
    worker: null,
  });
}

function shareOf(rows: number, estimatedRows: number | null): number | null {
  return estimatedRows === null || estimatedRows <= 0 ? null : Math.min(1, rows / estimatedRows);
}
