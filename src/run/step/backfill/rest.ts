/** Rows that are not done when the windows are: those that PostgreSQL refused, and those that the condition still selects. */
import { describeKey } from "../../../backfill/key.ts";
import { remainder, windowEnd } from "../../../backfill/statement.ts";
import { isStatementTimeout } from "../../../database/statement-timeout.ts";
import { DatabaseError, StepFailed } from "../../../errors.ts";
import { rollback } from "../../session/transaction.ts";
import { ownTransaction, statementFrame } from "../frame.ts";
import { limitOf } from "../step-error.ts";
import { throughLocks } from "./again.ts";
import type { Filling } from "./filling.ts";
import { inLedger } from "./ledger-waits.ts";
import { RowsThrew } from "./rows-threw.ts";
import { unplaced } from "./unplaced.ts";
import { runFailedRow } from "./window.ts";

/** So many rows that are refused are hardly the fault of the rows. A run stops there. */
export const MOST_FAILED = 100;

/** What PostgreSQL says of the rows, not of the statement: a value that does not fit, a constraint, a trigger, the time. */
export function isOfItsRows(
  error: unknown,
  { context, prepared }: Pick<Filling, "context" | "prepared">,
): error is DatabaseError | RowsThrew {
  if (error instanceof RowsThrew) return true;
  if (!(error instanceof DatabaseError)) return false;
  return ROWS.test(error.sqlState ?? "") || isStatementTimeout(error, limitOf(context, prepared, null));
}

/** data_exception, integrity_constraint_violation, plpgsql's raise_exception, with_check_option_violation */
const ROWS = /^(?:22|23|P0|44)/;

/**
 * Remembers the row behind the position, which fails alone, and goes on behind it. It counts for all workers before it is
 * written, so that several at once do not pass over more rows than they may.
 */
export async function passOver(filling: Filling, error: DatabaseError | RowsThrew): Promise<void> {
  const { ranged } = filling;
  if (ranged !== undefined) ranged.refused.count++;
  let isPassed = false;
  try {
    isPassed = await rememberFailed(filling, error);
  } finally {
    if (ranged !== undefined && !isPassed) ranged.refused.count--;
  }
}

/** Returns `false` where the row was deleted meanwhile. */
async function rememberFailed(filling: Filling, error: DatabaseError | RowsThrew): Promise<boolean> {
  const { context, prepared, table, state, parts, ranged } = filling;
  const { revision } = prepared.step;
  const { sql } = context.ledger;
  const [answer] = await context.connection
    .execute(windowEnd(table, { from: state.position, to: state.bound ?? [] }, 1))
    .catch(unplaced);
  const key = answer?.rows[0]?.key as readonly string[] | undefined;
  if (key === undefined) return false;
  const failed =
    ranged === undefined
      ? sql.rowFailed(revision, key)
      : sql.rangeRowFailed(revision, ranged.number, ranged.claim, key);
  await inLedger(filling, null, () => context.connection.execute(ownTransaction(parts, failed)));
  filling.firstFailure ??= error;
  filling.state = { ...state, position: key, failed: [...state.failed, key] };
  return true;
}

/**
 * Tries all refused rows again. Before the first window of a run, corrected rows make room for others. Behind the last one, a row
 * may succeed that had to wait for another. Throws `TooManyRefused` where a hundred are left.
 */
export async function retryRefused(filling: Filling): Promise<void> {
  const { context } = filling;
  if (filling.state.failed.length === 0) return;
  filling.firstFailure = null;
  for (const key of filling.state.failed) {
    context.stop.throwIfAborted();
    try {
      await throughLocks(filling, () => runFailedRow(filling, key));
      const { state } = filling;
      filling.state = { ...state, failed: state.failed.filter((one) => one !== key) };
    } catch (error) {
      if (context.connection.lost.aborted || context.stop.aborted || !isOfItsRows(error, filling))
        throw error;
      await rollback(context.connection);
      filling.firstFailure ??= error;
    }
  }
  if (filling.state.failed.length >= MOST_FAILED) throw new TooManyRefused();
}

/** Fails where rows are left that PostgreSQL has refused. */
export function refuseRefused(filling: Filling): void {
  if (filling.state.failed.length > 0) throw refusedRows(filling);
}

/** A hundred rows were refused, and no window begins. `refusedRows` says which, as soon as all workers have ended. */
export class TooManyRefused extends Error {
  override readonly name = "TooManyRefused";
}

/** What it says of the rows that are refused. `stopped`: it has done no more windows because of them. */
export function refusedRows(
  filling: Filling,
  { stopped = false }: { readonly stopped?: boolean } = {},
): StepFailed {
  const { body, table, prepared, firstFailure, state } = filling;
  const { failed, rows, key } = state;
  const { revision } = prepared.step;
  const many = failed.length === 1 ? "a row" : `${failed.length} rows`;
  const stop = stopped ? ", and has stopped there" : "";
  const corrected = `Correct those rows${stopped ? ", which the next run tries first" : ""}.`;
  const accept = `Or correct the ${changer(filling)}, and say with \`godwit repair --accept ${revision}\` that the rows that are done may stay as they are: only the others go through it.`;
  return new StepFailed(
    {
      code: "BACKFILL_ROWS",
      message: `${body.file} could not change ${many} of ${table.shown} (${named(filling)})${stop}: ${firstFailure?.message}`,
      // While no row is done, the text may be corrected without a word.
      hint: rows === 0 ? `Correct the ${changer(filling)}, or those rows.` : `${corrected} ${accept}`,
      place: { file: body.file, ...(firstFailure as Partial<RowsThrew> | null)?.place },
      details: { table: table.shown, key, failed },
    },
    { cause: firstFailure ?? undefined },
  );
}

function named({ state: { failed }, table }: Filling): string {
  const first = failed.slice(0, 5).map((key) => describeKey(table.key, key));
  const more = failed.length > first.length ? ` and ${failed.length - first.length} more` : "";
  return `${first.join("; ")}${more}`;
}

function changer({ body }: Filling): string {
  return body.rows === undefined ? "statement" : "function";
}

/** Fails where a row up to the bound is still one that `where` selects. */
export async function refuseRemainder(filling: Filling): Promise<void> {
  const {
    context,
    table,
    backfill,
    parts,
    state: { bound },
  } = filling;
  if (backfill.where === null || bound === null) return;
  const asked = remainder(table, backfill.where, bound);
  const [answer] = await throughLocks(filling, async () => {
    // The settings of the file hold in the transaction.
    await context.connection.execute(statementFrame(parts, "").open);
    return context.connection.execute(asked).catch(unplaced);
  });
  await context.connection.execute("rollback");
  const key = answer?.rows[0]?.key as readonly string[] | undefined;
  if (key === undefined) return;
  throw new StepFailed({
    code: "BACKFILL_REMAINDER",
    message: `${filling.body.file} has gone through ${table.shown}, and rows are left that its condition selects, among them ${describeKey(table.key, key)}.`,
    hint: `If the ${changer(filling)} leaves them as they are: correct the file, then \`godwit repair --retry ${filling.prepared.step.revision}\`, and run again, which goes through the whole table. If they were written meanwhile, or the condition is wrong: correct those rows or the condition, and run again, which only checks.`,
    place: { file: filling.body.file },
    details: { table: table.shown, key: filling.state.key, row: key },
  });
}
