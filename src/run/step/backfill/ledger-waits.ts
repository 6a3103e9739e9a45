/**
 * What a backfill asks and writes in the ledger outside of its windows. A lock in the way is told as one on the ledger,
 * because the author's file has nothing to do with it.
 */
import type { Blocker } from "../../../database/connection.ts";
import { isStatementTimeout } from "../../../database/statement-timeout.ts";
import { DatabaseError, StepFailed } from "../../../errors.ts";
import { inTheWay } from "../../report/blockers.ts";
import type { StepContext } from "../context.ts";
import { OF_CONSTRAINTS } from "../frame.ts";
import type { Prepared } from "../prepared.ts";
import { retryWhileLocked } from "./again.ts";
import type { Filling } from "./filling.ts";

const LOCK_NOT_AVAILABLE = "55P03";

/** `table`: of the ledger; `null`: one of several. Throws what `ask` throws, and `StepFailed` after as many tries as a window has. */
export async function inLedger<T>(
  {
    context,
    prepared,
    ranged,
  }: Pick<Filling, "context" | "ranged"> & { readonly prepared: Pick<Prepared, "step"> },
  table: string | null,
  ask: () => Promise<T>,
): Promise<T> {
  const tell = (error: unknown, blockers: readonly Blocker[]) =>
    ledgerLocked(error as DatabaseError, { context, prepared, table, blockers });
  const asking = () =>
    ask().catch((error: unknown) => {
      throw isWait(error, context) ? asLock(error) : error;
    });
  return retryWhileLocked({ context, prepared, tell, last: tell, isHalted: ranged?.isHalted }, asking);
}

interface Locked {
  readonly context: Pick<StepContext, "ledger">;
  readonly prepared: Pick<Prepared, "step">;
  readonly table: string | null;
  readonly blockers: readonly Blocker[];
}

function ledgerLocked(
  error: DatabaseError,
  { context: { ledger }, prepared, table, blockers }: Locked,
): StepFailed {
  const { revision, file } = prepared.step;
  const where = table === null ? lockedTable(ledger) : `"${ledger.schema}".${table}`;
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${revision} waits for its ledger: another session holds a lock on ${where} (${error.message}).`,
      hint: inTheWay(blockers) ?? "Wait until that is done, or raise --lock-timeout.",
      place: { file },
      details: { ...error.details, passing: true },
    },
    { cause: error },
  );
}

function lockedTable({ schema }: Pick<StepContext["ledger"], "schema">): string {
  return `a table of the ledger in schema "${schema}"`;
}

/**
 * The error of the last message of a window. Behind the statements that check constraints it has to do with the ledger
 * alone. It stays an error that another try may mend.
 */
export function atLedger(error: unknown, context: Pick<StepContext, "ledger" | "target">): unknown {
  if (!isWait(error, context) || (error.completed ?? 0) < OF_CONSTRAINTS) return error;
  return asLock(error, `another session holds a lock on ${lockedTable(context.ledger)} (${error.message})`);
}

/** What is written there takes no time, so that a statement which meets the timeout of the run has waited for a lock. */
function isWait(error: unknown, { target }: Pick<StepContext, "target">): error is DatabaseError {
  if (!(error instanceof DatabaseError)) return false;
  return (
    error.sqlState === LOCK_NOT_AVAILABLE || isStatementTimeout(error, target.settings.statementTimeoutMs)
  );
}

function asLock(error: DatabaseError, message = error.message): DatabaseError {
  const { routine, details } = error;
  return new DatabaseError(
    { code: "DATABASE_ERROR", message, details },
    { cause: error, sqlState: LOCK_NOT_AVAILABLE, routine, completed: -1 },
  );
}
