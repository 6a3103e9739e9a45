/** Errors of the run's own statements around a step, as the errors that they mean. */
import { EXPECTATION_SQLSTATE } from "../../core/sql/expectation-guard.ts";
import { INDEX_SQLSTATE } from "../../core/sql/index-guard.ts";
import { restored } from "../../core/sql/stored.ts";
import { NOT_NULL_VIOLATION, READ_ONLY_TRANSACTION, UNIQUE_VIOLATION } from "../../database/sqlstate.ts";
import { DatabaseError, LockError, StepFailed } from "../../errors.ts";
import { FENCE_SQLSTATE } from "../../lock/sql.ts";
import { appliedByTool, PRESENT_SQLSTATE, presentBeside } from "../mirror/mirror.ts";
import { asSchemaGone } from "../session/schema-gone.ts";
import type { StepContext } from "./context.ts";
import type { Prepared } from "./prepared.ts";

/**
 * The position of such an error is not one in the file, so it is removed. `within`: something of the step may be done and stays,
 * which is said by whoever knows it.
 */
export function frameError(error: unknown, revision: string, where: "whole" | "within" = "whole"): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.sqlState === UNIQUE_VIOLATION && /migration_(history|log)/.test(error.message))
    return new LockError(
      {
        code: "LOCK_LOST",
        message: `${revision} has meanwhile been applied by another run.`,
        hint: "Run again: the plan is made again from the ledger.",
      },
      { cause: error },
    );
  if (error.sqlState === NOT_NULL_VIOLATION && /migration_log/.test(error.message))
    return rowGone(revision, { cause: error, where });
  const gone = asSchemaGone(error);
  if (gone !== error) return gone;
  if (error.sqlState === READ_ONLY_TRANSACTION) return leftReadOnly(revision, { cause: error, where });
  if (error.sqlState === PRESENT_SQLSTATE) return appliedByTool(restored(error.message), error);
  if (error.sqlState === INDEX_SQLSTATE) return indexRefused(error);
  const unexpected = asUnexpected(error);
  if (unexpected !== error) return unexpected;
  if (error.sqlState === FENCE_SQLSTATE)
    return new LockError(
      {
        code: "LOCK_LOST",
        message:
          where === "whole"
            ? `The migration lock was taken over by another run before ${revision} began; nothing of it was done.`
            : `The migration lock was taken over by another run while ${revision} was running.`,
        hint: "Run again: the plan is made again from the ledger.",
      },
      { cause: error },
    );
  return error.withoutPosition();
}

/**
 * Sends the last transaction of a step that runs outside one. A position in it would point anywhere in the file. Throws
 * `PlanRefused` if another tool ran the same step meanwhile.
 */
export async function closed(
  { connection }: Pick<StepContext, "connection">,
  step: Prepared["step"],
  sql: string,
): Promise<void> {
  await connection.execute(sql).catch((error: unknown) => {
    const present = presentBeside(error, step);
    throw present === error ? frameError(error, step.revision, "within") : present;
  });
}

/** The error that `expectationGuard` has raised, or the one that was handed in. */
export function asUnexpected(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== EXPECTATION_SQLSTATE) return error;
  const { message, hint } = error;
  return new StepFailed({ code: "EXPECTATION_FAILED", message, hint }, { cause: error });
}

/** The error that `indexGuard` has raised. */
export function indexRefused(error: DatabaseError): StepFailed {
  const { message, hint } = error;
  return new StepFailed({ code: "STEP_INDEX_INVALID", message, hint }, { cause: error });
}

interface Circumstances {
  readonly cause: unknown;
  readonly where: "whole" | "within";
}

/** The ledger has no row of the step in the open transaction. The transaction fails, and nothing of it is kept. */
function rowGone(revision: string, { cause, where }: Circumstances): StepFailed {
  return new StepFailed(
    {
      code: "STEP_ENDED_TRANSACTION",
      message: `The row of ${revision} was not in the ledger any more when it was to be completed.`,
      hint: `${where === "whole" ? "It was rolled back; nothing of it was kept. " : ""}Look for what changes migration_history (a trigger or a rule on it, or ${revision} itself), remove that, then run again.`,
    },
    { cause },
  );
}

function leftReadOnly(revision: string, { cause, where }: Circumstances): StepFailed {
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${revision} left its transaction read-only, so its ledger row could not be written.`,
      hint:
        where === "whole"
          ? "It was rolled back; nothing of it was kept: remove what sets transaction_read_only, then run again."
          : "Remove what sets transaction_read_only, then run again.",
    },
    { cause },
  );
}
