/**
 * A step whose last message was answered, and not as it should be: whether it was kept is asked of the server, in this
 * order: the ledger's row, and what became of the transaction that wrote it.
 */
import { literal, stored } from "../../core/sql/quote.ts";
import type { Step } from "../../core/step.ts";
import type { Result, Row } from "../../database/connection.ts";
import { StepFailed } from "../../errors.ts";
import { type Committed, NOTHING } from "../report/committed.ts";
import { rollback } from "../session/transaction.ts";
import type { Work } from "./context.ts";

/** The ledger row was completed in the transaction that inserted it, and that transaction was committed. */
export function isClosed(results: readonly Result[]): boolean {
  const row = results.find(({ command }) => command === "INSERT");
  return row?.rowCount === 1 && results.at(-1)?.command === "COMMIT";
}

/** `transaction`: the id of the one that the step began in, where it is known. */
export async function endedTransaction(
  work: Work,
  { revision, direction }: Pick<Step, "revision" | "direction">,
  transaction: string | null = null,
): Promise<StepFailed> {
  await rollback(work.connection);
  const found = await work.connection
    .query<Row & { state: string | null; fate: string | null }>(
      `select (select state from ${work.ledger.sql.historyTable} where revision = ${stored(revision)}) as state,
  pg_xact_status(${literal(transaction)}::text::xid8)::text as fate`,
    )
    .catch(() => null);
  const { state, fate } = found?.rows[0] ?? { state: null, fate: null };
  const isMirrored = direction === "up" ? state === "applied" : found !== null && state === null;
  if (isMirrored)
    return failed(
      `${revision} was ${direction === "up" ? "committed and is in the ledger" : "taken back and is out of the ledger"}, but its row in migration_log is missing.`,
      "Look for a trigger or a rule on migration_log and remove it, then run again: it continues after this one.",
      "unknown",
    );
  const isUntouched = direction === "up" ? state === null : state === "applied";
  if (found !== null && isUntouched && fate === "aborted")
    return failed(
      `${revision} ended the transaction that it ran in, by rolling it back.`,
      "Nothing of that transaction was kept: remove what ends it, then run again.",
      "none",
    );
  const complete =
    direction === "up"
      ? `If it is complete: godwit repair --mark-done ${revision}`
      : `If it is taken back: godwit repair --forget ${revision}`;
  const untouched = direction === "up" ? "If nothing of it is there" : "If nothing of it was taken back";
  return failed(
    `${revision} ended the transaction that it ran in; what it kept is not known here.`,
    isUntouched
      ? `Look at the database. ${untouched}, run again. ${complete}`
      : `Look at the database. If it may run again: godwit repair --retry ${revision}. ${complete}`,
    "unknown",
  );
}

/** What such an error knows of what was kept. */
export function committedIn(error: unknown): Committed {
  const known = error instanceof StepFailed ? error.details?.committed : undefined;
  return known === "unknown" ? { extent: "unknown", position: null } : NOTHING;
}

function failed(message: string, hint: string, committed: "none" | "unknown"): StepFailed {
  return new StepFailed({ code: "STEP_ENDED_TRANSACTION", message, hint, details: { committed } });
}
