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

/** Throws `PlanRefused` (`BACKFILL_EDITED`) where it is gone, or where a half-done way back would go on in another one. */
export async function wayBackTable(
  connection: Pick<Connection, "query">,
  { state, done, step }: WayBack,
): Promise<FoundTable> {
  const isHalfDone = step.reason === "resume" && state.position !== null;
  const table = await readTable(connection, keptBackfill(state), step.file).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.code !== "BACKFILL_TABLE") throw error;
    throw refused(state, step, isHalfDone, "there is no such table any more");
  });
  const was = done?.tableOid ?? null;
  if (isHalfDone && was !== null && was !== table.oid)
    throw refused(state, step, isHalfDone, "another table has that name now");
  return table;
}

function refused(
  { table: name, position }: UndoState,
  { file, revision }: Prepared["step"],
  ...[isHalfDone, why]: readonly [isHalfDone: boolean, why: string]
): PlanRefused {
  const table = shownTable(name);
  return new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: isHalfDone
        ? `The way back of ${revision} in ${table} is half done, and ${why}. Which rows have their old values again is not known.`
        : `${revision} is to be taken back in ${table}, and ${why}.`,
      hint: isHalfDone
        ? `Restore the table to go on. If its rows may stay as they are: \`godwit repair --mark-done ${revision}\`.`
        : "Restore the table, then run again.",
      place: { file },
      details: { revision, table, position },
    },
  ]);
}
