/** What the ledger says is done of a half-done backfill, or of its way back. */
import { isSameKey } from "../../../backfill/key.ts";
import type { Step } from "../../../core/plan.ts";
import { shownTable } from "../../../core/sql/regclass.ts";
import type { Connection } from "../../../database/connection.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import type { Ledger } from "../../../ledger/ledger.ts";
import { type Committed, UNRECORDED } from "../../report/committed.ts";
import { committedOf } from "./filling.ts";
import { committedOf as committedBack, rowsGoneThrough } from "./undo-window.ts";

/** `null`: the ledger has no windows of the step, so it is something else, or nothing of it was begun. */
export async function windowsKept(
  ledger: Ledger,
  connection: Connection,
  { revision, direction }: Pick<Step, "revision" | "direction">,
): Promise<Committed | null> {
  if (direction === "down") {
    const undone = await ledger.undo(connection, revision);
    if (undone?.hasValues !== true) return null;
    const done = await ledger.backfills.state(connection, revision);
    const through = done !== null && rowsGoneThrough(undone) >= done.changed;
    return committedBack(undone, shownTable(undone.table), through);
  }
  const state = await ledger.backfills.state(connection, revision);
  if (state === null) return null;
  if ((await ledger.backfills.lost(connection, revision)) !== null) return UNRECORDED;
  return committedOf(state, await isThrough(ledger, connection, state));
}

async function isThrough(
  ledger: Ledger,
  connection: Connection,
  { revision, position, bound, rows }: BackfillState,
): Promise<boolean> {
  if (bound === null || rows === 0) return false;
  if (position !== null) return isSameKey(position, bound);
  const left = await connection.execute(ledger.sql.ranges(revision));
  return left.at(-1)?.rows.length === 0;
}
