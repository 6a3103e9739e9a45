/** The table to which old values come back. */
import { type FoundTable, readTable } from "../../../backfill/table.ts";
import { type Backfill, DEFAULT_WINDOWS } from "../../../core/backfill.ts";
import { DEFAULT_OPTIONS } from "../../../core/backfill-options.ts";
import { shownTable } from "../../../core/sql/regclass.ts";
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused, SourceError } from "../../../errors.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import type { Prepared } from "../prepared.ts";

interface WayBack {
  readonly state: UndoState;
  /** How far the way there has come. `null`: the ledger has no row of it. */
  readonly done: BackfillState | null;
  readonly step: Prepared["step"];
}

/** A backfill of the rows whose values were kept, whatever its file says of the table by now. */
export function keptBackfill({ table, key }: Pick<UndoState, "table" | "key">): Backfill {
  return {
    ...{ table, key, where: null, statement: null },
    ...{ windows: DEFAULT_WINDOWS, options: DEFAULT_OPTIONS },
  };
}

/**
 * Throws `PlanRefused` (`BACKFILL_EDITED`) where it is gone, or where another table has its name and the backfill or its way
 * back is half done. The rows of a finished one may have been moved into a new table: they are found by their keys.
 */
export async function wayBackTable(
  connection: Pick<Connection, "query">,
  { state, done, step }: WayBack,
): Promise<FoundTable> {
  const isHalfDone = step.reason === "resume" && state.position !== null;
  const table = await readTable(connection, keptBackfill(state), step.file).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.code !== "BACKFILL_TABLE") throw error;
    throw refused(state, step, isHalfDone ? "back" : "gone", "there is no such table any more");
  });
  const was = done?.tableOid ?? null;
  if (was !== null && was !== table.oid && (isHalfDone || done?.isFinished === false))
    throw refused(state, step, isHalfDone ? "back" : "there", "another table has that name now");
  return table;
}

function refused(
  { table: name, position }: UndoState,
  { file, revision }: Prepared["step"],
  ...[what, why]: readonly [what: "back" | "there" | "gone", why: string]
): PlanRefused {
  const table = shownTable(name);
  return new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message:
        what === "back"
          ? `The way back of ${revision} in ${table} is half done, and ${why}. Which rows have their old values again is not known.`
          : `${revision} is to be taken back in ${table}, and ${why}.`,
      hint: HINTS[what](revision),
      place: { file },
      details: { revision, table, position },
    },
  ]);
}

const HINTS = {
  back: (revision: string) =>
    `Restore the table to go on. If its rows may stay as they are: \`godwit repair --mark-done ${revision}\`.`,
  there: (revision: string) =>
    `Its old values stay. Restore the table to bring them back. If it is gone for good: \`godwit repair --retry ${revision}\`, and the next run goes through the table that has its name now.`,
  gone: () => "Its old values stay. Restore the table to bring them back.",
};
