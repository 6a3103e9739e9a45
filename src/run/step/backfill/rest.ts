/** Rows that are not done when the windows are: those that PostgreSQL refused, and those that the condition still selects. */
import { describeKey } from "../../../backfill/key.ts";
import { remainder, windowEnd } from "../../../backfill/statement.ts";
import { isStatementTimeout } from "../../../database/statement-timeout.ts";
import { DatabaseError, type GodwitError, StepFailed } from "../../../errors.ts";
import { rollback } from "../../session/transaction.ts";
import { ownTransaction, statementFrame } from "../frame.ts";
import { limitOf } from "../step-error.ts";
import type { Filling } from "./filling.ts";
import { RowsThrew } from "./rows-threw.ts";
import { runFailedRow, unplaced } from "./window.ts";

/** More rows than this that fail are not the fault of the rows. */
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
  await context.connection.execute(ownTransaction(parts, failed));
  filling.firstFailure ??= error;
  filling.state = { ...state, position: key, failed: [...state.failed, key] };
  return true;
}

/** Tries the rows again that earlier runs could not change, and fails where rows are left. */
export async function retryFailed(filling: Filling): Promise<void> {
  const { context, table } = filling;
  if (filling.firstFailure === null)
    for (const key of filling.state.failed) {
      context.stop.throwIfAborted();
      try {
        await runFailedRow(filling, key);
        const { state } = filling;
        filling.state = { ...state, failed: state.failed.filter((one) => one !== key) };
      } catch (error) {
        if (context.connection.lost.aborted || context.stop.aborted || !isOfItsRows(error, filling))
          throw error;
        await rollback(context.connection);
        filling.firstFailure ??= error;
      }
    }
  const { failed } = filling.state;
  if (failed.length === 0) return;
  throw new StepFailed(
    {
      code: "BACKFILL_ROWS",
      message: `${filling.body.file} could not change ${failed.length === 1 ? "a row" : `${failed.length} rows`} of ${table.shown} (${named(filling)}): ${filling.firstFailure?.message}`,
      hint: `Correct those rows. Or correct the ${changer(filling)}, and say with \`godwit repair --accept ${filling.prepared.step.revision}\` that the other rows may stay as they are: only those go through it.`,
      place: { file: filling.body.file, ...(filling.firstFailure as Partial<RowsThrew>).place },
      details: { table: table.shown, key: filling.state.key, failed },
    },
    { cause: filling.firstFailure ?? undefined },
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

/** What ended it, `error` as a problem. At one refused row too many, it says which rows were refused before. */
export function withRefused(problem: GodwitError, error: unknown, filling: Filling): GodwitError {
  const { key, failed, rows } = filling.state;
  if (failed.length + 1 < MOST_FAILED || !(problem instanceof StepFailed) || !isOfItsRows(error, filling))
    return problem;
  const { code: _, hint = "", details, ...said } = problem.toProblem();
  const correct =
    rows === 0
      ? ""
      : ` Correct them. Or correct the ${changer(filling)}, and say with \`godwit repair --accept ${filling.prepared.step.revision}\` that the rows that are done may stay as they are.`;
  return new StepFailed(
    {
      ...said,
      code: problem.code as "STEP_FAILED",
      hint: `${failed.length} other rows were refused before (${named(filling)}), and it passes over no more.${correct} ${hint}`,
      details: { ...details, key, failed },
    },
    { cause: problem.cause },
  );
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
  // The settings of the file hold in the transaction.
  await context.connection.execute(statementFrame(parts, "").open);
  const [answer] = await context.connection.execute(remainder(table, backfill.where, bound)).catch(unplaced);
  await context.connection.execute("rollback");
  const key = answer?.rows[0]?.key as readonly string[] | undefined;
  if (key === undefined) return;
  throw new StepFailed({
    code: "BACKFILL_REMAINDER",
    message: `${filling.body.file} has gone through ${table.shown}, and rows are left that its condition selects, among them ${describeKey(table.key, key)}.`,
    hint: `Either the statement does not make the condition false, or those rows were written meanwhile. Correct them and run again. To go through the whole table again: \`godwit repair --retry ${filling.prepared.step.revision}\`, then run again.`,
    place: { file: filling.body.file },
    details: { table: table.shown, key: filling.state.key, row: key },
  });
}
