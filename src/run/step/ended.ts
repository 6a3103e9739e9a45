/**
 * A step whose last message was answered in an unexpected way.
 *
 * The server is asked whether the step was kept: first for the ledger's row, then for the fate of the
 * transaction that wrote it.
 */
import { literal, stored } from "../../core/sql/quote.ts";
import type { Step } from "../../core/step.ts";
import type { Result, Row } from "../../database/connection.ts";
import { StepFailed } from "../../errors.ts";
import { type Committed, NOTHING } from "../report/committed.ts";
import { rollback } from "../session/transaction.ts";
import type { StepContext } from "./context.ts";

/** Whether the ledger row was completed in the transaction that inserted it, and that transaction was committed. */
export function isClosed(results: readonly Result[]): boolean {
  const row = results.find(({ command }) => command === "INSERT");
  return row?.rowCount === 1 && results.at(-1)?.command === "COMMIT";
}

/** `transaction` is the id of the transaction that the step began in, where it is known. */
export async function endedTransaction(
  context: StepContext,
  { revision, direction }: Pick<Step, "revision" | "direction">,
  transaction: string | null = null,
): Promise<StepFailed> {
  await rollback(context.connection);
  const found = await context.connection
    .query<Row & { state: string | null; fate: string | null }>(
      `select (select state from ${context.ledger.sql.historyTable} where revision = ${stored(revision)}) as state,
  pg_xact_status(${literal(transaction)}::text::xid8)::text as fate`,
    )
    .catch(() => null);
  const { state, fate } = found?.rows[0] ?? { state: null, fate: null };
  const isKept = direction === "up" ? state === "applied" : found !== null && state === null;
  if (isKept)
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
      ? `If it is complete: \`godwit repair --mark-done ${revision}\``
      : `If it is taken back: \`godwit repair --forget ${revision}\``;
  const untouched = direction === "up" ? "If nothing of it is there" : "If nothing of it was taken back";
  return failed(
    `${revision} ended the transaction that it ran in; what it kept is not known here.`,
    isUntouched
      ? `Look at the database. ${untouched}, run again. ${complete}`
      : `Look at the database. If it may run again: \`godwit repair --retry ${revision}\`. ${complete}`,
    "unknown",
  );
}

/** What the error knows about what was kept. */
export function committedIn(error: unknown): Committed {
  const known = error instanceof StepFailed ? error.details?.committed : undefined;
  return known === "unknown" ? { extent: "unknown", position: null } : NOTHING;
}

function failed(message: string, hint: string, committed: "none" | "unknown"): StepFailed {
  return new StepFailed({ code: "STEP_ENDED_TRANSACTION", message, hint, details: { committed } });
}
