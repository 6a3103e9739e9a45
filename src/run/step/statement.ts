/** One statement of a migration that runs without a transaction: `statements.ts` tells what each crash leaves behind. */

import { createHash } from "node:crypto";
import { asciiComments } from "../../core/sql/comments.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import type { Blocker, Result } from "../../database/connection.ts";
import { DatabaseError, type GodwitError, PlanRefused, StepFailed } from "../../errors.ts";
import type { RecordedStatement } from "../../ledger/ledger.ts";
import type { StatementKey } from "../../ledger/sql.ts";
import { codePointOffset } from "../../std/text.ts";
import {
  type Before,
  clearLeftovers,
  effectiveText,
  judge,
  leftHalfDone,
  snapshot,
  verify,
} from "../catalog/judge.ts";
import { resetSession, withinFile } from "../session/settings.ts";
import { begin, isWorthRetrying, rollback } from "../session/transaction.ts";
import { cutOff, pauseBeforeRetry, stepError, type Work } from "./context.ts";
import { type FrameParts, inTransaction, ownTransaction, statementFrame } from "./frame.ts";
import { commitsOf, localTransaction } from "./local-transaction.ts";
import { needsOutside } from "./outside.ts";
import { boundLockWaits } from "./own-lock-timeout.ts";
import { frameError } from "./pipeline.ts";
import type { Body, Prepared, SplitStatement } from "./prepare.ts";
import {
  KEPT_STATE,
  keepState,
  readOpened,
  replay,
  replayTimeout,
  type SessionState,
  setTimeoutAside,
  withoutLockTimeout,
} from "./session-state.ts";
import { watch } from "./watch.ts";

/** A file at work, statement by statement. */
export interface Job {
  readonly work: Work;
  readonly prepared: Prepared;
  readonly body: Body & { kind: "sql" };
  readonly parts: FrameParts;
  attempts: number;
  /** What the file has set so far, as statements: where the server cannot be asked for it. */
  settings: string[];
  /** How the session differs from a reset one, by what the file has done so far. */
  state: SessionState;
  /** The file names `lock_timeout`: what it sets holds for the statements behind it. */
  readonly setsLockTimeout: boolean;
  /** What may be the name of a customized option in the file. */
  readonly custom: readonly string[];
  /** Who was in the way of the statement that failed last. */
  blockers: readonly Blocker[];
  /** The statement begun last may have taken effect, and is not called done. */
  unsettled: boolean;
  /** The statement begun last has left something half-done, which running it again finishes. */
  halfDone: boolean;
}

export async function runStatement(
  job: Job,
  statement: SplitStatement,
  position: number,
  earlier: RecordedStatement | undefined,
): Promise<void> {
  const { work, prepared, parts } = job;
  const { step } = prepared;
  const key: StatementKey = {
    revision: step.revision,
    direction: step.direction,
    position,
    hash: hashOf(statement),
  };
  const lockTimeoutMs = prepared.settings.lockTimeoutMs ?? work.target.settings.lockTimeoutMs;
  /** What was there before an attempt whose leftovers could not be cleared. */
  let leftBehind: Before | null = null;
  for (let attempt = 1; ; attempt++) {
    using observed = watch(work, () => step, lockTimeoutMs);
    try {
      let commits = statement.kind.kind === "commits-itself";
      if (runsInTransaction(statement) && earlier?.state !== "started") {
        try {
          return await insideTransaction(job, statement, key);
        } catch (error) {
          const need = statement.several === true ? null : needsOutside(error, statement);
          if (need === null) throw error;
          commits = need.commits;
          await rollback(work.connection);
        }
      }
      return await outsideTransaction(statement, key, { commits, interrupted: earlier });
    } catch (error) {
      if (work.connection.lost.aborted) throw error;
      await rollback(work.connection);
      job.blockers = observed.blockers;
      const retry = isWorthRetrying(error) && !job.unsettled && attempt < work.target.settings.lockAttempts;
      if (!retry || work.stop.aborted) throw error;
      job.attempts++;
      const problem = stepError(work, prepared, job.body, error, { line: statement.line }) as GodwitError;
      await pauseBeforeRetry(work, step, attempt, problem, observed.blockers);
    }
  }

  async function outsideTransaction(
    { kind, text }: SplitStatement,
    intent: StatementKey,
    { commits, interrupted }: { commits: boolean; interrupted: RecordedStatement | undefined },
  ): Promise<void> {
    const { connection, ledger, author } = work;
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
        throw cutOff(work, step, place) ?? undecided(job, intent, statement);
      }
      if (verdict === "done") return await finish();
    }
    await clearLeftovers(connection, { kind, text }, earlierBefore ?? leftBehind);
    const resumed = earlierBefore?.objects !== undefined;
    // A resumed statement is for the objects that it meant at first; of an index to make, its table is the same.
    const before =
      resumed && kind.kind !== "create-index-concurrently" ? earlierBefore : await snapshot(connection, kind);
    await connection.execute(ownTransaction(parts, sql.startStatement(intent, author, before)));
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
        job.halfDone = await failedOutside(job, statement, { key: intent, before });
        leftBehind = job.halfDone ? before : null;
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
      const done = `${sql.finishStatement(intent, author, session)}${opened === null ? "" : NO_TIMEOUT}`;
      carryOn(job, await connection.execute(ownTransaction(parts, done, keep)));
    }
  }
}

/**
 * These wait for other transactions, and nobody who reads or writes rows has to wait behind them. The detachment of a
 * partition is none of them: at its end it wants the partition for itself alone.
 */
function mayWait({ kind }: SplitStatement["kind"]): boolean {
  return (
    kind === "create-index-concurrently" ||
    kind === "drop-index-concurrently" ||
    kind === "reindex-concurrently"
  );
}

function statementTimeoutOf({ work }: Job): number {
  return work.target.settings.statementTimeoutMs;
}

/** At the end of a transaction of ours: what the file has set is put back right before its next statement. */
const NO_TIMEOUT = "; set statement_timeout = 0";

/** Whether anything was sent for it. */
async function putTimeout({ work, state }: Job): Promise<boolean> {
  const put = replayTimeout(state);
  if (put !== null) await work.connection.execute(put);
  return put !== null;
}

/** Takes the statement timeout of the session away, and returns it. */
async function takeTimeout({ work }: Job): Promise<string | null> {
  const results = await work.connection.execute(
    "select pg_catalog.current_setting('statement_timeout') as timeout; set statement_timeout = 0",
  );
  return answerOf(results, "timeout");
}

/** Resets the session, and puts into it what the file has done so far. Returns what it is like in between, for `between`. */
async function openSession(job: Job, reset: string, between?: () => Promise<void>): Promise<string> {
  const { connection } = job.work;
  const put = `${job.settings.join(" ")} ${SPEAK_UTF8} ${replay(job.state)}`;
  const results = await connection.execute(`${reset} ${readOpened(job.custom)} ${between ? "" : put}`);
  if (between !== undefined) {
    await between();
    await connection.execute(put);
  }
  return answerOf(results, "opened") ?? "{}";
}

/** What the file has set of the encoding must not count for its own next statement, which is sent as UTF-8. */
const SPEAK_UTF8 = "set client_encoding = 'UTF8';";

/** The next statement begins with the session that this one has left. */
function carryOn(job: Job, results: readonly Result[]): void {
  const answer = answerOf(results, "session");
  if (answer === null) return;
  keepGoing(job, JSON.parse(answer) as SessionState);
}

/** What the file does not name it has not meant to set. */
export function keepGoing(job: Job, state: SessionState): void {
  job.state = job.setsLockTimeout ? state : withoutLockTimeout(state);
  job.settings = [];
}

function answerOf(results: readonly Result[], name: string): string | null {
  const answer = results.find(({ rows }) => rows[0]?.[name] !== undefined)?.rows[0]?.[name];
  return typeof answer === "string" ? answer : null;
}

/** Behind a pooler nothing can be set for a statement outside a transaction: it may run in any session. */
function refuseSettings({ work: { target, connection }, settings }: Job): void {
  const { searchPath, role } = target.settings;
  if (searchPath === null && role === null && settings.length === 0) return;
  const what =
    role !== null ? "a role" : searchPath !== null ? "a search_path" : `what the file sets (${settings[0]})`;
  throw new DatabaseError({
    code: "DATABASE_POOLED",
    message: `A statement outside a transaction cannot be given ${what} through a pooler in transaction mode.`,
    hint: connection.pooler,
  });
}

async function insideTransaction(job: Job, statement: SplitStatement, key: StatementKey): Promise<void> {
  const { work, parts } = job;
  const { connection, ledger } = work;
  const frame = statementFrame(
    { ...parts, modes: statement.modes, indexes: indexGuard(statement.text) },
    ledger.sql.finishStatement(key, work.author, work.kind.session ? KEPT_STATE : undefined),
  );
  const framed = (error: unknown) => {
    throw frameError(error, key.revision);
  };
  if (!work.kind.session) {
    const bound = job.setsLockTimeout ? "" : boundLockWaits(job.prepared, work.target.settings, true);
    await connection.execute(`${frame.open} ${job.settings.join(" ")} ${bound} ${SPEAK_UTF8}`).catch(framed);
    await sendStatement(job, statement, statement.text);
    await connection.execute(frame.close).catch(framed);
    return;
  }
  const opened = await openSession(job, frame.open).catch(framed);
  await putTimeout(job).catch(framed);
  await sendStatement(job, statement, statement.text);
  const aside = setTimeoutAside(statementTimeoutOf(job));
  const keep = keepState(opened, job.custom);
  const correct = `${ledger.sql.correctSession(key, KEPT_STATE)}${NO_TIMEOUT}`;
  // All are sent at once: a runner that is killed in between cannot leave what `SET LOCAL` has set as the session's.
  const [asked, closed, begun, corrected] = await Promise.allSettled([
    connection.execute(aside),
    connection.execute(`${keep} ${frame.close}`),
    connection.execute(`${begin()} ${aside}`),
    connection.execute(`${keep} ${inTransaction(parts, correct)}`),
  ]);
  if (closed.status === "rejected") framed(asked.status === "rejected" ? asked.reason : closed.reason);
  if (begun.status === "rejected" || corrected.status === "rejected") {
    if (connection.lost.aborted) throw connection.lost.reason;
    job.halfDone = true;
    const cause = [begun, corrected].find(({ status }) => status === "rejected") as PromiseRejectedResult;
    throw notKept(job, statement, cause.reason);
  }
  carryOn(job, corrected.value);
}

/** Not worth a retry: the statement itself is done. */
function notKept({ body: { file } }: Job, { line }: SplitStatement, cause: unknown): StepFailed {
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

/** The server counts from the start of what it was sent, people from the start of the file. */
async function sendStatement(
  { work, body }: Job,
  statement: SplitStatement,
  effective: string,
): Promise<void> {
  try {
    await work.connection.execute(asciiComments(effective), { rows: "discard" });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw effective === statement.text
      ? error.movedBy(codePointOffset(body.text, statement.start))
      : error.withoutPosition();
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

export function runsInTransaction({ kind }: SplitStatement): boolean {
  return kind.kind === "ordinary" || kind.kind === "add-enum-value";
}

export function hashOf(statement: SplitStatement): string {
  return `sha256:${createHash("sha256").update(statement.text).digest("hex")}`;
}

export function undecided(
  { body: { file } }: Pick<Job, "body">,
  key: Pick<StatementKey, "revision" | "position">,
  statement: SplitStatement,
): PlanRefused {
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended during statement ${key.position} of ${file}, and the catalog cannot tell whether it took effect.`,
      hint: `Look at the database. If it did: godwit repair --mark-done ${key.revision}:${key.position}. If not: godwit repair --retry ${key.revision}:${key.position}`,
      place: { file, line: statement.line },
    },
  ]);
}
