/** One statement of a migration that runs without a transaction: `statements.ts` tells what each crash leaves behind. */

import { createHash } from "node:crypto";
import { asciiComments } from "../core/sql/comments.ts";
import { indexGuard } from "../core/sql/index-guard.ts";
import type { Blocker, Result } from "../database/connection.ts";
import { DatabaseError, type GodwitError, PlanRefused, StepFailed } from "../errors.ts";
import type { RecordedStatement } from "../ledger/ledger.ts";
import type { StatementKey } from "../ledger/sql.ts";
import { codePointOffset } from "../std/text.ts";
import {
  type Before,
  clearLeftovers,
  effectiveText,
  judge,
  leftHalfDone,
  snapshot,
  verify,
} from "./judge.ts";
import { commitsOf, localTransaction } from "./local-transaction.ts";
import { needsOutside } from "./outside.ts";
import { frameError } from "./pipeline.ts";
import type { Body, Prepared, SplitStatement } from "./prepare.ts";
import { type FrameParts, ownTransaction, resetSession, statementFrame, withinFile } from "./script.ts";
import { KEPT_STATE, keepState, readOpened, replay, type SessionState } from "./session-state.ts";
import { watch } from "./watch.ts";
import { isWorthRetrying, pauseBeforeRetry, rollback, stepError, type Work } from "./work.ts";

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
        throw undecided(job, intent, statement);
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
    try {
      await sendStatement(job, statement, await effectiveText(connection, { kind, text }, before, resumed));
      const warning = await verify(connection, { kind, text }, before);
      if (warning !== null) work.warn?.(warning);
    } catch (error) {
      if (!connection.lost.aborted && (!commits || (await commitsOf(connection, since)) === 0)) {
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
      const keep = opened === null ? "" : keepState(opened, keeping(job));
      const results = await connection.execute(
        ownTransaction(parts, sql.finishStatement(intent, author, session), keep),
      );
      carryOn(job, results);
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

function keeping({ work, custom }: Job) {
  return { custom, timeoutMs: work.target.settings.statementTimeoutMs };
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
  job.state = JSON.parse(answer) as SessionState;
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
    await connection.execute(`${frame.open} ${job.settings.join(" ")} ${SPEAK_UTF8}`).catch(framed);
    await sendStatement(job, statement, statement.text);
    await connection.execute(frame.close).catch(framed);
    return;
  }
  const opened = await openSession(job, frame.open).catch(framed);
  await sendStatement(job, statement, statement.text);
  const keep = keepState(opened, keeping(job));
  // Both are sent at once: a runner that is killed in between cannot leave what `SET LOCAL` has set as the session's.
  const [closed, corrected] = await Promise.allSettled([
    connection.execute(`${keep} ${frame.close}`),
    connection.execute(ownTransaction(parts, ledger.sql.correctSession(key, KEPT_STATE), keep)),
  ]);
  if (closed.status === "rejected") framed(closed.reason);
  if (corrected.status === "rejected") {
    if (connection.lost.aborted) throw connection.lost.reason;
    job.halfDone = true;
    throw notKept(job, statement, corrected.reason);
  }
  carryOn(job, corrected.value);
}

/** Not worth a retry: the statement itself is done. */
function notKept({ prepared }: Job, { line }: SplitStatement, cause: unknown): StepFailed {
  const { file } = prepared.step;
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${file}:${line}: the statement is done, but what it has set in the session could not be kept: ${(cause as Error).message}`,
      hint: "Run again: it goes on behind this statement.",
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

function undecided({ prepared }: Job, key: StatementKey, statement: SplitStatement): PlanRefused {
  const { file } = prepared.step;
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended during statement ${key.position} of ${file}, and the catalog cannot tell whether it took effect.`,
      hint: `Look at the database. If it did: godwit repair --mark-done ${key.revision}:${key.position}. If not: godwit repair --retry ${key.revision}:${key.position}`,
      place: { file, line: statement.line },
    },
  ]);
}
