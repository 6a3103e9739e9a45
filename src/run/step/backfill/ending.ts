/**
 * How a backfill ends: with the transaction that says `applied`.
 *
 * Where nothing is asked behind its last window, that is sent before the window has its answer. If the window fails inside its
 * transaction, what is behind it fails too. If its `COMMIT` fails, its position is not in the ledger, and the transaction that says
 * `applied` refuses itself.
 */
import { tableGuard } from "../../../backfill/guard.ts";
import { DatabaseError, PlanRefused } from "../../../errors.ts";
import { NOT_AT_BOUND_SQLSTATE } from "../../../ledger/backfills-sql.ts";
import { closing, type FrameParts } from "../frame.ts";
import { closed } from "../frame-error.ts";
import { entryOf } from "../frame-parts.ts";
import type { Ending, Filling } from "./filling.ts";
import { WAIT } from "./opening.ts";

export function endingOf(filling: Filling): Ending {
  const { context, prepared, body, backfill } = filling;
  const { step, settings } = prepared;
  const parts = lastParts(filling);
  const entry = entryOf(prepared, body.revert);
  const asksNothing = backfill.where === null && (settings.expect ?? []).length === 0;
  const atBound = context.ledger.sql.refuseBeforeBound(step.revision);
  return {
    text: closing(parts, step.direction, entry),
    behind:
      asksNothing && context.connection.capabilities.pipeline
        ? closing({ ...parts, leave: `${atBound}; ${parts.leave}` }, step.direction, entry)
        : null,
  };
}

/** Sends it behind the last window, unless something is to be asked first. */
export function endBehind(filling: Filling): void {
  const { context, prepared, ending, ranged, state } = filling;
  if (!ending?.behind || ranged !== undefined || state.failed.length > 0) return;
  const ended = closed(context, prepared.step, ending.behind);
  // Where the window fails, nobody comes to wait for it.
  ended.catch(() => {});
  filling.ended = ended;
}

/** Ends it, or waits until what was sent behind its last window has its answer. Another try sends it again. */
export function end(filling: Filling, { text }: Ending): Promise<void> {
  const { ended, context, prepared } = filling;
  filling.ended = null;
  return (ended ?? closed(context, prepared.step, text)).catch((error: unknown) => {
    throw isNotAtBound(error) ? notTaken(filling, error) : error;
  });
}

function isNotAtBound(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.sqlState === NOT_AT_BOUND_SQLSTATE;
}

/** Its last window was committed, and the row of the ledger is as it was before. */
function notTaken({ context, prepared: { step } }: Filling, cause: DatabaseError): PlanRefused {
  const { revision, file } = step;
  return new PlanRefused(
    [
      {
        code: "BACKFILL_LOST",
        message: `${file} has done all of its windows, and "${context.ledger.schema}".migration_backfills does not say so: something keeps its row from being written.`,
        hint: `Look for a trigger or a rule on that table, and remove it. All rows are done, so then: \`godwit repair --mark-done ${revision}\`.`,
        place: { file },
        details: { revision },
      },
    ],
    { cause },
  );
}

/**
 * It waits until it is on the disk, with all windows in front of it. It forgets the ranges too. Before it, they are all that says how far each of them is: a run that is refused at its end would
 * otherwise begin at the first key again.
 */
function lastParts({ context, prepared, parts, keeping, table }: Filling): FrameParts {
  const { sql } = context.ledger;
  const { revision } = prepared.step;
  const kept = keeping === null ? "" : `${sql.undoKept(revision)};`;
  const done = `${WAIT}; ${tableGuard(table)}; ${sql.forgetRanges(revision)}; ${sql.backfillFinished(revision)}; ${kept}`;
  return { ...parts, leave: `${done} ${parts.leave}` };
}
