/**
 * Runs a statement that the server accepts in no transaction. Its intent is committed before it, and its end
 * behind it.
 */
import type { RecordedStatement } from "../../ledger/ledger.ts";
import type { StatementKey } from "../../ledger/rows.ts";
import { clearLeftovers, effectiveText, leftHalfDone } from "../catalog/leftovers.ts";
import { type Snapshot, snapshot } from "../catalog/snapshot.ts";
import { judge } from "../catalog/took-effect.ts";
import { verify } from "../catalog/verify.ts";
import { resetSession, withinFile } from "../session/settings.ts";
import type { SplitStatement } from "./body.ts";
import { type FileExecution, sendStatement } from "./file-execution.ts";
import { ownTransaction } from "./frame.ts";
import { commitsOf, localTransaction } from "./local-transaction.ts";
import { mayWait } from "./outside.ts";
import { undecided } from "./resume.ts";
import { KEPT_STATE, keepState, setTimeoutAside } from "./session-state.ts";
import {
  carryOn,
  NO_TIMEOUT,
  openSession,
  putTimeout,
  refuseSettings,
  statementTimeoutOf,
  takeTimeout,
} from "./statement-session.ts";
import { cutOff } from "./step-error.ts";

interface Attempt {
  readonly key: StatementKey;
  /** The statement may commit a part of its work before it fails. */
  readonly commits: boolean;
  /** The row that an earlier run has written for the statement. */
  readonly interrupted: RecordedStatement | undefined;
}

export async function runOutside(
  execution: FileExecution,
  statement: SplitStatement,
  { key, commits, interrupted }: Attempt,
): Promise<void> {
  const { context, prepared, parts } = execution;
  const { connection, ledger, author } = context;
  const { kind, text } = statement;
  const sql = ledger.sql;
  const lockTimeoutMs = prepared.settings.lockTimeoutMs ?? (mayWait(kind) ? 0 : undefined);
  const reset = resetSession(context.kind, context.target.settings, { ...prepared.settings, lockTimeoutMs });
  let opened: string | null = null;
  /** The statement timeout that the file has set so far. */
  let timeout = execution.state.statement_timeout;
  if (context.kind.session)
    opened = await openSession(execution, withinFile(reset), () => context.lock.confirm());
  else {
    refuseSettings(execution);
    await context.lock.confirm();
  }
  context.stop.throwIfAborted();
  const remembered =
    interrupted?.state === "started" ? ((interrupted.before ?? null) as Snapshot | null) : null;
  if (interrupted?.state === "started") {
    const verdict = await judge(connection, statement, remembered);
    if (verdict === "unknown") {
      const place = { file: execution.body.file, line: statement.line };
      throw cutOff(context, prepared.step, place) ?? undecided(execution, key, statement);
    }
    if (verdict === "done") {
      await finish();
      execution.begunBefore = false;
      return;
    }
  }
  await clearLeftovers(connection, { kind, text }, remembered ?? execution.leftBehind);
  const resumed = remembered?.objects !== undefined;
  // A resumed statement is about the objects that it meant at first. For a new index the table is still the
  // same.
  const before =
    resumed && kind.kind !== "create-index-concurrently" ? remembered : await snapshot(connection, kind);
  context.stop.throwIfAborted();
  execution.unsettled = true;
  await connection.execute(ownTransaction(parts, sql.startStatement(key, author, before))).catch((error) => {
    if (!connection.lost.aborted) execution.unsettled = false;
    throw error;
  });
  const since = commits ? await localTransaction(connection) : null;
  // The server counts messages of the run as transactions too.
  let ours = 0;
  try {
    const effective = await effectiveText(connection, { kind, text }, before, resumed);
    if (await putTimeout(execution)) ours++;
    await sendStatement(execution, statement, effective);
    if (opened !== null) timeout = await takeTimeout(execution);
    const warning = await verify(connection, { kind, text }, before);
    if (warning !== null) context.warn?.(warning);
  } catch (error) {
    if (opened !== null && !connection.lost.aborted) {
      await connection.execute("set statement_timeout = 0");
      ours++;
    }
    if (!connection.lost.aborted && (!commits || (await commitsOf(connection, since, ours)) === 0)) {
      execution.halfDone = await failedOutside(execution, statement, { key, before });
      execution.leftBehind = execution.halfDone ? before : null;
      execution.unsettled = false;
      execution.begunBefore = false;
    }
    throw error;
  }
  await finish();
  execution.unsettled = false;
  execution.begunBefore = false;
  execution.halfDone = false;

  async function finish(): Promise<void> {
    const session = opened === null ? undefined : KEPT_STATE;
    const aside = setTimeoutAside(statementTimeoutOf(execution), timeout);
    const keep = opened === null ? "" : `${aside} ${keepState(opened, execution.custom)}`;
    const done = `${sql.finishStatement(key, author, session)}${opened === null ? "" : NO_TIMEOUT}`;
    carryOn(execution, await connection.execute(ownTransaction(parts, done, keep)));
  }
}

/**
 * The server reported the failure, so nothing is unknown. Clears the leftovers and removes the intent. Returns
 * `true` where something half-done stays, and then the intent stays too.
 */
async function failedOutside(
  { context, parts }: FileExecution,
  statement: SplitStatement,
  { key, before }: { key: StatementKey; before: Snapshot | null },
): Promise<boolean> {
  const { connection, ledger } = context;
  await clearLeftovers(connection, statement, before).catch(() => {});
  if (await leftHalfDone(connection, statement, before)) return true;
  const forget = ledger.sql.forgetStatements(key.revision, key.direction);
  await connection.execute(ownTransaction(parts, `${forget} and position = ${key.position}`));
  return false;
}
