/** A backfill goes on only with the text that began it: nobody else can say whether the rows that are done are right. */
import { type FoundTable, typesOf } from "../../../backfill/table.ts";
import type { Step } from "../../../core/plan.ts";
import { regclass } from "../../../core/sql/regclass.ts";
import { OTHER_TABLE_SQLSTATE } from "../../../core/sql/table-guard.ts";
import type { Connection } from "../../../database/connection.ts";
import { DatabaseError, PlanRefused, SourceError } from "../../../errors.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import type { Target } from "../../session/target.ts";
import type { Prepared } from "../prepared.ts";
import { type Filling, upToOf } from "./filling.ts";

/** Throws `PlanRefused` (`BACKFILL_EDITED`) where the file has changed since the first window. */
export async function refuseEditedBackfill(
  { ledger }: Target,
  connection: Connection,
  prepared: Prepared,
): Promise<void> {
  const state = await ledger.backfills.state(connection, prepared.step.revision);
  if (state !== null) refuseEdited(state, prepared);
}

/**
 * The same, where the state is known. The statement alone decides. Its headers may say something else of windows on the
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
      message: `${step.file} was changed while its backfill is half done: ${state.rows} rows of ${state.table} up to ${upTo} have what its earlier text gives.`,
      hint: `Restore the file to go on behind them. If they may stay as they are, ${rest}: \`godwit repair --accept ${step.revision}\`, then run again. To go through the whole table with the new text: \`godwit repair --retry ${step.revision}\`, then run again.`,
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
}

/** What `readTable` has thrown. A table that is not there ends what is half done, and no other one may take its place. */
export function withoutTable(error: unknown, state: BackfillState, step: Step): unknown {
  return error instanceof SourceError && error.code === "BACKFILL_TABLE" ? tableGone(state, step) : error;
}

/** The same while windows run. The server may mean another table of the statement, so it is asked. */
export async function withoutTableNow(
  error: unknown,
  { context, prepared, table, state }: Pick<Filling, "context" | "prepared" | "table" | "state">,
): Promise<unknown> {
  if (!(error instanceof DatabaseError) || error.sqlState !== UNDEFINED_TABLE || state.rows === 0)
    return error;
  const [answer] = await context.connection
    .execute(`select ${regclass(table.name)} is null as gone`)
    .catch(() => []);
  return answer?.rows[0]?.gone === true ? tableGone(state, prepared.step, error) : error;
}

const UNDEFINED_TABLE = "42P01";

function tableGone(state: BackfillState, { file, revision }: Step, cause?: DatabaseError): PlanRefused {
  const { table, position, rows } = state;
  return new PlanRefused(
    [
      {
        code: "BACKFILL_EDITED",
        message: `${file} is half done: ${rows} rows of ${table} up to ${upToOf(state)}. There is no such table any more.`,
        hint: `Restore the table to go on. If nothing of it is left to do: \`godwit repair --mark-done ${revision}\`.`,
        place: { file },
        details: { revision, table, position, rows },
      },
    ],
    { cause },
  );
}

/** What `tableGuard` has raised: the table was replaced while windows ran. That window is rolled back. */
export function otherTable(
  error: unknown,
  { table, step: { file, revision } }: { readonly table: FoundTable; readonly step: Step },
): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== OTHER_TABLE_SQLSTATE) return error;
  return new PlanRefused(
    [
      {
        code: "BACKFILL_EDITED",
        message: `${file} has stopped: another table has got the name ${table.shown} while its windows ran. None of its rows was changed.`,
        hint: "Restore the table, then run again: the windows that are done stay. The next run says what else may be done.",
        place: { file },
        details: { revision, table: table.shown },
      },
    ],
    { cause: error },
  );
}

/** The same for a way back that has come to a place already. */
export function refuseOtherWayBack(
  { table, tableOid }: BackfillState,
  { position }: Pick<UndoState, "position">,
  { oid, step: { file, revision } }: { readonly oid: string; readonly step: Step },
): void {
  if (position === null || tableOid === null || tableOid === oid) return;
  throw new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `The way back of ${revision} is half done, and another table has the name ${table} now. Which of its rows have their old values again is not known.`,
      hint: `Restore the table to go on. If its rows may stay as they are: \`godwit repair --mark-done ${revision}\`.`,
      place: { file },
      details: { revision, table, position },
    },
  ]);
}

function otherPlace(state: BackfillState, { file, revision }: Step, why: string): PlanRefused {
  const { table, position, rows } = state;
  return new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `${file} is half done: ${rows} rows of ${table} up to ${upToOf(state)}. ${why}`,
      hint: `Restore the table and its key to go on. To go through the whole table: \`godwit repair --retry ${revision}\`, then run again.`,
      place: { file },
      details: { revision, table, position, rows },
    },
  ]);
}
