/** A backfill goes on only with the text that began it: nobody else can say whether the rows that are done are right. */
import { OTHER_TABLE_SQLSTATE, type OtherTable, tableGuard } from "../../../backfill/guard.ts";
import { type FoundTable, typesOf } from "../../../backfill/table.ts";
import type { Step } from "../../../core/plan.ts";
import type { Connection } from "../../../database/connection.ts";
import { DatabaseError, PlanRefused, SourceError } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { rowsOf } from "../../../std/number.ts";
import type { Prepared } from "../prepared.ts";
import { upToOf } from "./filling.ts";

/**
 * Throws `PlanRefused` (`BACKFILL_EDITED`) where the file has changed since the first window. The statement alone decides. Its headers may say something else of windows on the
 * way, and `where` is asked at the end only. `refuseOther` looks at the table and its key.
 */
export function refuseEdited(state: BackfillState, { step, migration }: Prepared): void {
  if (state.rows === 0 || state.checksum === step.checksum) return;
  if (state.fingerprint !== null && state.fingerprint === migration?.fingerprint) return;
  const upTo = upToOf(state);
  const { length: refused } = state.failed;
  const rest =
    refused === 0
      ? "and the new text is for what is left"
      : `and the new text is for what is left and for the ${refused === 1 ? "row that was" : `${refused} rows that were`} refused`;
  throw new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `${step.file} was changed while its backfill is half done: ${rowsOf(state.rows)} of ${state.table} up to ${upTo} ${state.rows === 1 ? "has" : "have"} what its earlier text gives.`,
      hint: `Restore the file to go on behind them. If they may stay as they are, ${rest}: \`godwit repair --accept ${step.revision}\`, then run again. To go through the whole table with the new text, also where rows are done: \`godwit repair --retry ${step.revision}\`, then run again.`,
      place: { file: step.file },
      details: { revision: step.revision, table: state.table, position: state.position, rows: state.rows },
    },
  ]);
}

/** Throws `PlanRefused` (`BACKFILL_EDITED`) where the position is one of another table, or of another order of its rows. */
export function refuseOther(state: BackfillState, table: FoundTable, step: Step): void {
  const was = `${state.table} (${state.keyTypes.join(", ")})`;
  const is = `${table.shown} (${typesOf(table).join(", ")})`;
  if (was !== is)
    throw otherPlace(
      state,
      step,
      `It went by ${was}, and would go on by ${is}, where that place means nothing.`,
    );
  if (state.tableOid !== null && state.tableOid !== table.oid)
    throw otherPlace(
      state,
      step,
      `Another table has that name now, and none of its rows is known to be done.`,
    );
  const { keyOrder } = state;
  const at = keyOrder?.findIndex((was, place) => was !== "" && was !== table.keyOrder[place]) ?? -1;
  if (keyOrder !== null && at >= 0)
    throw otherPlace(
      state,
      step,
      `${table.key[at]?.name} was ordered by version ${keyOrder[at]} of its collation, and the server orders it by version ${table.keyOrder[at] || "(unknown)"} now, where that place may be another one.`,
      "Go on where the library of the server has that version",
    );
}

/**
 * What `readTable` has thrown. A table or a key that is not there ends what is half done, and no other one may take its
 * place.
 */
export function withoutTable(error: unknown, state: BackfillState, step: Step): unknown {
  if (!(error instanceof SourceError)) return error;
  if (error.code === "BACKFILL_KEY") {
    const { message, details } = error.toProblem();
    // The hint names other keys, in whose order the position is no place.
    return details?.collation === undefined ? otherPlace(state, step, message) : error;
  }
  if (error.code !== "BACKFILL_TABLE") return error;
  const { file, revision } = step;
  const { table, position, rows } = state;
  return new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `${file} is half done: ${rowsOf(rows)} of ${table} up to ${upToOf(state)}. There is no such table any more.`,
      hint: `Restore the table to go on. If nothing of it is left to do: \`godwit repair --mark-done ${revision}\`.`,
      place: { file },
      details: { revision, table, position, rows },
    },
  ]);
}

const OTHER: Readonly<Record<OtherTable, (table: string) => string>> = {
  gone: (table) => `there is no such table any more (${table})`,
  other: (table) =>
    `another table has got the name ${table} while its windows ran. None of its rows was changed`,
  key: (table) =>
    `the key of ${table} is another one since its windows run: a column has another name, type or collation, or its unique index is gone`,
  order: (table) => `the server orders the key of ${table} in another way since its windows run`,
};

interface Guarded {
  readonly table: FoundTable;
  readonly step: Step;
}

/** What `tableGuard` has raised: the table or its key was replaced while windows ran. That window is rolled back. */
export function otherTable(error: unknown, { table, step: { file, revision } }: Guarded): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== OTHER_TABLE_SQLSTATE) return error;
  const what = OTHER[error.message as OtherTable] ?? OTHER.other;
  return new PlanRefused(
    [
      {
        code: "BACKFILL_EDITED",
        message: `${file} has stopped: ${what(table.shown)}.`,
        hint:
          error.message === "gone"
            ? `Restore the table to go on. If nothing of it is left to do: \`godwit repair --mark-done ${revision}\`.`
            : "Restore the table and its key, then run again: the windows that are done stay. The next run says what else may be done.",
        place: { file },
        details: { revision, table: table.shown },
      },
    ],
    { cause: error },
  );
}

/** What a window has met, or that its table or key is another one, which its statements cannot know. */
export async function explained(connection: Connection, error: unknown, guarded: Guarded): Promise<unknown> {
  // undefined_table, undefined_column and their kin
  if (!(error instanceof DatabaseError) || error.sqlState?.startsWith("42") !== true) return error;
  try {
    await connection.execute(tableGuard(guarded.table));
    return error;
  } catch (raised) {
    const other = otherTable(raised, guarded);
    return other === raised ? error : other;
  }
}

function otherPlace(
  state: BackfillState,
  { file, revision }: Step,
  why: string,
  how = "Restore the table and its key to go on",
): PlanRefused {
  const { table, position, rows } = state;
  return new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `${file} is half done: ${rowsOf(rows)} of ${table} up to ${upToOf(state)}. ${why}`,
      hint: `${how}. To go through the whole table, also where rows are done: \`godwit repair --retry ${revision}\`, then run again.`,
      place: { file },
      details: { revision, table, position, rows },
    },
  ]);
}
