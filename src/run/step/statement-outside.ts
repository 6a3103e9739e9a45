/** A statement that the server takes in no transaction: its intent is committed before it, its end behind it. */
import type { RecordedStatement } from "../../ledger/ledger.ts";
import type { StatementKey } from "../../ledger/sql.ts";
import { judge } from "../catalog/judge.ts";
import { clearLeftovers, effectiveText, leftHalfDone } from "../catalog/leftovers.ts";
import { type Before, snapshot } from "../catalog/snapshot.ts";
import { verify } from "../catalog/verify.ts";
import { resetSession, withinFile } from "../session/settings.ts";
import type { SplitStatement } from "./body.ts";
import { type Job, sendStatement } from "./file-execution.ts";
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
  /** It may commit a part of its work before it fails. */
  readonly commits: boolean;
  /** What an earlier run has recorded of it. */
  readonly interrupted: RecordedStatement | undefined;
}

export async function runOutside(
  job: Job,
  statement: SplitStatement,
  { key, commits, interrupted }: Attempt,
): Promise<void> {
  const { work, prepared, parts } = job;
  const { connection, ledger, author } = work;
  const { kind, text } = statement;
  const sql = ledger.sql;
  const lockTimeoutMs = prepared.settings.lockTimeoutMs ?? (mayWait(kind) ? 0 : undefined);
  const reset = resetSession(work.kind, work.target.settings, { ...prepared.settings, lockTimeoutMs });
  let opened: string | null = null;
  /** The statement timeout that the file has set, by now. */
  let timeout = job.state.statement_timeout;
  if (work.kind.session) opened = await openSession(job, withinFile(reset), () => work.lock.confirm());
  else {
    refuseSettings(job);
    await work.lock.confirm();
  }
  const earlierBefore =
    interrupted?.state === "started" ? ((interrupted.before ?? null) as Before | null) : null;
  if (interrupted?.state === "started") {
    const verdict = await judge(connection, statement, earlierBefore);
    if (verdict === "unknown") {
      job.unsettled = true;
      const place = { file: job.body.file, line: statement.line };
      throw cutOff(work, prepared.step, place) ?? undecided(job, key, statement);
    }
    if (verdict === "done") return await finish();
  }
  await clearLeftovers(connection, { kind, text }, earlierBefore ?? job.leftBehind);
  const resumed = earlierBefore?.objects !== undefined;
  // A resumed statement is for the objects that it meant at first; of an index to make, its table is the same.
  const before =
    resumed && kind.kind !== "create-index-concurrently" ? earlierBefore : await snapshot(connection, kind);
  await connection.execute(ownTransaction(parts, sql.startStatement(key, author, before)));
  job.unsettled = true;
  const since = commits ? await localTransaction(connection) : null;
  // Messages of ours that the server counts as transactions too.
  let ours = 0;
  try {
    const effective = await effectiveText(connection, { kind, text }, before, resumed);
    if (await putTimeout(job)) ours++;
    await sendStatement(job, statement, effective);
    if (opened !== null) timeout = await takeTimeout(job);
    const warning = await verify(connection, { kind, text }, before);
    if (warning !== null) work.warn?.(warning);
  } catch (error) {
    if (opened !== null && !connection.lost.aborted) {
      await connection.execute("set statement_timeout = 0");
      ours++;
    }
    if (!connection.lost.aborted && (!commits || (await commitsOf(connection, since, ours)) === 0)) {
      job.halfDone = await failedOutside(job, statement, { key, before });
      job.leftBehind = job.halfDone ? before : null;
      job.unsettled = false;
    }
    throw error;
  }
  await finish();
  job.unsettled = false;
  job.halfDone = false;

  async function finish(): Promise<void> {
    const session = opened === null ? undefined : KEPT_STATE;
    const aside = setTimeoutAside(statementTimeoutOf(job), timeout);
    const keep = opened === null ? "" : `${aside} ${keepState(opened, job.custom)}`;
    const done = `${sql.finishStatement(key, author, session)}${opened === null ? "" : NO_TIMEOUT}`;
    carryOn(job, await connection.execute(ownTransaction(parts, done, keep)));
  }
}

/**
 * The server said that it failed: nothing is unknown, so what it left lying about is cleared, and the intent goes.
 * Where something half-done stays, the intent stays too, and `true` is returned.
 */
async function failedOutside(
  { work, parts }: Job,
  statement: SplitStatement,
  { key, before }: { key: StatementKey; before: Before | null },
): Promise<boolean> {
  const { connection, ledger } = work;
  await clearLeftovers(connection, statement, before).catch(() => {});
  if (await leftHalfDone(connection, statement, before)) return true;
  const forget = ledger.sql.forgetStatements(key.revision, key.direction);
  await connection.execute(ownTransaction(parts, `${forget} and position = ${key.position}`));
  return false;
}
