/** What a backfill has not done that somebody declares done. */
import type { Connection } from "../database/connection.ts";
import type { Problem } from "../errors.ts";
import type { BackfillState } from "../ledger/backfills-sql.ts";
import type { Listing } from "../source/source.ts";
import type { Target } from "./session/target.ts";

const ROWS_NAMED = 5;

/** `null`: nothing is known to be left. Read it before the ledger is corrected. */
export async function backfillLeft(
  { ledger }: Target,
  connection: Connection,
  { files, revision }: { readonly files: Listing; readonly revision: string },
): Promise<Problem | null> {
  const migration = files.migrations.find(({ id }) => id === revision);
  const state = await ledger.backfills.state(connection, revision);
  const lost =
    state === null && migration?.backfill === undefined
      ? null
      : await ledger.backfills.lost(connection, revision);
  if (lost !== null)
    return {
      code: "BACKFILL_REMAINDER",
      message: `The backfill ${revision} counts as done, and which of its rows are is not known: "${ledger.schema}".${lost} does not say it any more.`,
      hint: "Look at the rows of its table. If some must still be changed, write a new backfill for them.",
      details: { revision, table: state?.table ?? migration?.backfill?.table, lost },
    };
  if (state === null || state.bound === null) return null;
  const { table, bound, position, failed, rows } = state;
  // In ranges, each has a position of its own.
  const open = position === null && rows > 0 ? (await ledger.ranges(connection, revision)).length : null;
  const isThrough = open === 0 || position?.every((value, index) => value === bound[index]) === true;
  const far =
    position !== null
      ? `had come to ${shown(state, position)} of ${shown(state, bound)}`
      : open === null
        ? "had not begun"
        : `had done ${rows} ${rows === 1 ? "row" : "rows"}, and ${open} of its ranges of keys ${open === 1 ? "was" : "were"} not finished`;
  const named = failed.slice(0, ROWS_NAMED).map((key) => shown(state, key));
  const more = failed.length > named.length ? " and others" : "";
  const left = [
    ...(isThrough ? [] : [`it ${far}`]),
    ...(failed.length === 0 ? [] : [`PostgreSQL had refused ${named.join("; ")}${more}`]),
  ];
  if (left.length === 0) return null;
  return {
    code: "BACKFILL_REMAINDER",
    message: `The backfill ${revision} counts as done, and not all of ${table} is: ${left.join(", and ")}.`,
    hint: "Rows that it has not changed stay as they are. If they must be changed, write a new backfill for them.",
    details: { revision, table, position, bound, rows, failed: failed.length },
  };
}

function shown({ key }: BackfillState, values: readonly string[]): string {
  return key.map((name, index) => `${name} ${values[index]}`).join(", ");
}
