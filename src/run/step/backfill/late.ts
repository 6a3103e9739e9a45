/** The hour at which backfills end, between two windows, and what is said then of what is done. */
import { Interrupted } from "../../../errors.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { formatMoment } from "../../../std/moment.ts";
import { rowsOf } from "../../../std/number.ts";
import type { StepContext } from "../context.ts";
import { type Turning, upToOf } from "./filling.ts";

/** What is done and stays, for people. */
interface Done {
  readonly rows: number;
  readonly table: string;
  readonly estimatedRows: number | null;
  /** `null`: several windows are done at once, so there is no such key. */
  readonly upTo: string | null;
  /** Left out: a backfill has done them. Otherwise its way back. */
  readonly back?: true;
}

export function doneBy({ state, ranged, table: { shown } }: Turning): Done {
  if ("restored" in state) return backBy(state, shown);
  const { table, estimatedRows } = state;
  if (ranged !== undefined) return { table, estimatedRows, rows: ranged.total().rows, upTo: null };
  return { table, estimatedRows, rows: state.rows, upTo: state.rows === 0 ? null : upToOf(state) };
}

export function backBy(state: UndoState, table: string): Done {
  const upTo = state.position === null ? null : upToOf(state);
  return { rows: state.restored, table, estimatedRows: null, upTo, back: true };
}

/**
 * The end by the hour, told again when all workers have ended: the windows of the others have gone on meanwhile. Other
 * errors stay as they are.
 */
export function toldWithAll(error: unknown, { context, prepared, state }: Turning): unknown {
  if (!(error instanceof Interrupted) || error.by !== "until" || "restored" in state) return error;
  return lateError(context, prepared.step.revision, { ...state, upTo: null }) ?? error;
}

export function refuseLate(...about: Parameters<typeof lateError>): void {
  const error = lateError(...about);
  if (error !== null) throw error;
}

const HAS_OLD_VALUES = ["has its old values again", "have their old values again"] as const;
const IS_DONE = ["is done and stays", "are done and stay"] as const;

/** `null`: it is not so late. */
function lateError({ until }: StepContext, revision: string, done: Done | null): Interrupted | null {
  const now = new Date();
  if (until === undefined || now < until) return null;
  const { rows = 0, estimatedRows = null, table, upTo = null, back } = done ?? {};
  const share =
    rows === 0 || !estimatedRows ? "" : `${Math.min(99, Math.floor((rows / estimatedRows) * 100))} %, `;
  const far = upTo === null ? "" : ` up to ${upTo}`;
  const isBegun = upTo !== null || rows > 0;
  const [one, several] = back === true ? HAS_OLD_VALUES : IS_DONE;
  const stay = rows === 1 ? one : several;
  const what = isBegun
    ? `${revision} stopped between two windows; ${share}${rowsOf(rows)} of ${table}${far} ${stay}`
    : back === true
      ? `the way back of ${revision} was not begun`
      : `${revision} was not begun`;
  return new Interrupted(
    {
      code: "DEADLINE",
      message: `Backfills end at ${formatMoment(until, now)}: ${what}.`,
      hint: isBegun
        ? "Run again: it continues where it stopped."
        : "Run again when backfills may go on: it begins then.",
    },
    "until",
  );
}
