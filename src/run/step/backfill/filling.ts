/** A backfill under way: what is known of it, what it has kept, and how far it is. */
import type { Asking } from "../../../backfill/asking.ts";
import type { Window } from "../../../backfill/key.ts";
import type { WindowStatement } from "../../../backfill/statement.ts";
import type { FoundTable } from "../../../backfill/table.ts";
import type { Throttle } from "../../../backfill/throttle.ts";
import type { Keeping } from "../../../backfill/undo.ts";
import type { Backfill, PatchColumn } from "../../../core/backfill.ts";
import type { Result } from "../../../database/connection.ts";
import type { DatabaseError } from "../../../errors.ts";
import type { BackfillControls } from "../../../ledger/backfill-controls-sql.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { type Committed, NOTHING } from "../../report/committed.ts";
import type { Body } from "../body.ts";
import type { StepContext } from "../context.ts";
import type { FrameParts } from "../frame.ts";
import type { Prepared } from "../prepared.ts";
import type { RowsThrew } from "./rows-threw.ts";

/** One of several ranges of a backfill. */
export interface Ranged {
  readonly number: number;
  readonly claim: string;
  /** Another worker has failed, so this one stops between two windows. */
  readonly isHalted: () => boolean;
  /** How many rows could not be changed, in all ranges. */
  readonly refused: { count: number };
  /** Workers share what a person allows. */
  readonly workers: number;
  /** Rows of all workers and of earlier runs, and how fast they are together. */
  readonly total: () => { readonly rows: number; readonly rowsPerSecond: number };
}

/** A backfill under way. */
export interface Filling {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly body: Body & { readonly kind: "sql" };
  readonly backfill: Backfill;
  readonly parts: FrameParts;
  readonly table: FoundTable;
  /** Old values are kept. `null`: they are not. */
  readonly keeping: Keeping | null;
  /** How the statement is asked what it changes outside its windows. `null`: not at all. */
  readonly asking: Asking | null;
  /** What changes the rows of a window, where no function does. */
  readonly statement: (window: Window) => WindowStatement;
  /** What `rows` may set; none where a statement changes the rows. */
  readonly columns: readonly PatchColumn[];
  /** Under which this run finds the ranges of an earlier one. `null`: there are none. */
  readonly claim: string | null;
  /** The range that a worker does. Left out: the whole table, one window after the other. */
  readonly ranged?: Ranged | undefined;
  /** The run holds the migrations lock, and the row in the ledger is the one that it knows. */
  hasLock: boolean;
  /** The next window, where it has begun already. */
  opening: Opening | null;
  /** How it ends. `null`: that is not known yet. */
  ending: Ending | null;
  /** What ends it, where that was sent behind its last window. */
  ended: Promise<void> | null;
  /** What the ledger has. */
  state: BackfillState;
  /** What people have said of it, as of the last window. */
  controls: BackfillControls;
  /** How much of its time it may use. */
  sensor: { readonly throttle: Throttle };
  /** How fast its windows were in this run. `null`: there was none. */
  rowsPerSecond: number | null;
  /** Why the next window comes later or is smaller than it could be. */
  slowedBy: string | null;
  /** The error of the first row that could not be changed in this run. */
  firstFailure: DatabaseError | RowsThrew | null;
}

/** A window that has begun. */
export interface Opening {
  /** The most that the window has. */
  readonly rows: number;
  readonly opened: Promise<void>;
  /** Where it ends. */
  readonly asked: Promise<readonly Result[]>;
}

/** The transaction that says `applied`. */
export interface Ending {
  /** The last transaction, where everything behind the windows has been asked. */
  readonly text: string;
  /** The same right behind the last window. `null`: something is asked between the two. */
  readonly behind: string | null;
}

/** Windows that follow each other: those of a backfill, or of its way back. */
export interface Turning
  extends Pick<Filling, "context" | "prepared" | "table" | "ranged" | "controls" | "sensor" | "slowedBy"> {
  readonly state: BackfillState | UndoState;
  /** Left out: none begins ahead. */
  opening?: Filling["opening"];
}

/** What is there of it, whatever becomes of the rest. `null`: it was not begun. */
export function committedOf(state: BackfillState | null, through = false): Committed {
  if (state === null || state.rows === 0) return NOTHING;
  const { rows, table } = state;
  return { extent: "some", parts: "windows", rows, table, upTo: upToOf(state), through };
}

/** `id 4711`: the last key that is done. */
export function upToOf({ key, position }: Pick<BackfillState, "key" | "position">): string {
  if (position === null) return "the last key of each of its ranges";
  return key.map((name, at) => `${name} ${position[at]}`).join(", ");
}

/** Tells how far it is, after a window. */
export function report(
  { context, prepared, state, table, slowedBy, rowsPerSecond: speed }: Filling,
  { windowRows, elapsedMs }: { windowRows: number; elapsedMs: number },
): void {
  const rowsPerSecond = speed ?? 0;
  const { rows, changed, windows, estimatedRows, position } = state;
  const share = estimatedRows === null || estimatedRows <= 0 ? null : Math.min(1, rows / estimatedRows);
  const leftMs =
    share === null || estimatedRows === null || rowsPerSecond <= 0
      ? null
      : (Math.max(0, estimatedRows - rows) / rowsPerSecond) * 1000;
  context.observe({
    kind: "backfill-progress",
    step: prepared.step,
    table: table.shown,
    ...{ rows, changed, windows, windowRows, rowsPerSecond, share, leftMs, elapsedMs, slowedBy },
    position: position ?? [],
    worker: null,
  });
}
