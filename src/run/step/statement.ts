/**
 * Runs one statement of a migration without a transaction around it. `statements.ts` says what each crash
 * leaves behind.
 */
import { indexGuard } from "../../core/sql/index-guard.ts";
import { type GodwitError, StepFailed } from "../../errors.ts";
import type { RecordedStatement } from "../../ledger/ledger.ts";
import type { StatementKey } from "../../ledger/rows.ts";
import { begin, isWorthRetrying, rollback } from "../session/transaction.ts";
import { hashOf, type SplitStatement } from "./body.ts";
import { pauseBeforeRetry } from "./context.ts";
import { type FileExecution, sendStatement } from "./file-execution.ts";
import { inTransaction, statementFrame } from "./frame.ts";
import { frameError } from "./frame-error.ts";
import { needsOutside, runsInTransaction } from "./outside.ts";
import { boundLockWaits } from "./own-lock-timeout.ts";
import { KEPT_STATE, keepState, setTimeoutAside } from "./session-state.ts";
import { runOutside } from "./statement-outside.ts";
import {
  carryOn,
  NO_TIMEOUT,
  openSession,
  putTimeout,
  SPEAK_UTF8,
  statementTimeoutOf,
} from "./statement-session.ts";
import { stepError } from "./step-error.ts";
import { watch } from "./watch.ts";

export async function runStatement(
  execution: FileExecution,
  statement: SplitStatement,
  position: number,
  earlier: RecordedStatement | undefined,
): Promise<void> {
  const { context, prepared } = execution;
  const { step } = prepared;
  const key: StatementKey = {
    revision: step.revision,
    direction: step.direction,
    position,
    hash: hashOf(statement),
  };
  const lockTimeoutMs = prepared.settings.lockTimeoutMs ?? context.target.settings.lockTimeoutMs;
  execution.leftBehind = null;
  for (let attempt = 1; ; attempt++) {
    execution.closing = false;
    using observed = watch(context, () => step, lockTimeoutMs);
    try {
      let commits = statement.kind.kind === "commits-itself";
      if (runsInTransaction(statement) && earlier?.state !== "started") {
        try {
          return await insideTransaction(execution, statement, key);
        } catch (error) {
          const need = statement.several === true ? null : needsOutside(error, statement);
          if (need === null) throw error;
          commits = need.commits;
          await rollback(context.connection);
        }
      }
      return await runOutside(execution, statement, { key, commits, interrupted: earlier });
    } catch (error) {
      if (context.connection.lost.aborted) throw error;
      await rollback(context.connection);
      execution.blockers = observed.blockers;
      const retry =
        isWorthRetrying(error) && !execution.unsettled && attempt < context.target.settings.lockAttempts;
      if (!retry || context.stop.aborted) throw error;
      execution.attempts++;
      const problem = stepError(context, prepared, execution.body, error, {
        line: statement.line,
      }) as GodwitError;
      await pauseBeforeRetry(context, step, attempt, problem, observed.blockers);
    }
  }
}

async function insideTransaction(
  execution: FileExecution,
  statement: SplitStatement,
  key: StatementKey,
): Promise<void> {
  const { context, parts } = execution;
  const { connection, ledger } = context;
  const frame = statementFrame(
    { ...parts, modes: statement.modes, indexes: indexGuard(statement.text) },
    ledger.sql.finishStatement(key, context.author, context.kind.session ? KEPT_STATE : undefined),
  );
  const framed = (error: unknown) => {
    throw frameError(error, key.revision, "within");
  };
  if (!context.kind.session) {
    const bound = execution.setsLockTimeout
      ? ""
      : boundLockWaits(execution.prepared, context.target.settings, true);
    await connection
      .execute(`${frame.open} ${execution.settings.join(" ")} ${bound} ${SPEAK_UTF8}`)
      .catch(framed);
    await sendStatement(execution, statement, statement.text);
    execution.closing = !connection.lost.aborted;
    await connection.execute(frame.close).catch(framed);
    execution.closing = false;
    return;
  }
  const opened = await openSession(execution, frame.open).catch(framed);
  await putTimeout(execution).catch(framed);
  await sendStatement(execution, statement, statement.text);
  const aside = setTimeoutAside(statementTimeoutOf(execution));
  const keep = keepState(opened, execution.custom);
  const correct = `${ledger.sql.correctSession(key, KEPT_STATE)}${NO_TIMEOUT}`;
  // All messages are sent at once. If the runner is killed between them, a `SET LOCAL` can't become the
  // session's setting.
  execution.closing = !connection.lost.aborted;
  const [asked, closed, begun, corrected] = await Promise.allSettled([
    connection.execute(aside),
    connection.execute(`${keep} ${frame.close}`),
    connection.execute(`${begin()} ${aside}`),
    connection.execute(`${keep} ${inTransaction(parts, correct)}`),
  ]);
  if (closed.status === "rejected") framed(asked.status === "rejected" ? asked.reason : closed.reason);
  if (begun.status === "rejected" || corrected.status === "rejected") {
    if (connection.lost.aborted) throw connection.lost.reason;
    execution.halfDone = true;
    const cause = [begun, corrected].find(({ status }) => status === "rejected") as PromiseRejectedResult;
    throw notKept(execution, statement, cause.reason);
  }
  execution.closing = false;
  carryOn(execution, corrected.value);
}

/** The statement itself is done, so a retry would be wrong. */
function notKept({ body: { file } }: FileExecution, { line }: SplitStatement, cause: unknown): StepFailed {
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${file}:${line}: the statement is done, but what it has set in the session could not be kept: ${(cause as Error).message}`,
      hint: "Run again: it continues after this statement.",
      place: { file, line },
    },
    { cause },
  );
}
