/** One statement of a migration that runs without a transaction: `statements.ts` tells what each crash leaves behind. */

import { createHash } from "node:crypto";
import { asciiComments } from "../core/sql/comments.ts";
import type { Blocker } from "../database/connection.ts";
import { DatabaseError, type GodwitError, PlanRefused } from "../errors.ts";
import type { RecordedStatement } from "../ledger/ledger.ts";
import type { StatementKey } from "../ledger/sql.ts";
import { codePointOffset } from "../std/text.ts";
import { clearLeftovers, effectiveText, judge, snapshot, verify } from "./judge.ts";
import { commitsOf, localTransaction } from "./local-transaction.ts";
import { needsOutside } from "./outside.ts";
import { frameError } from "./pipeline.ts";
import type { Body, Prepared, SplitStatement } from "./prepare.ts";
import { begin, type FrameParts, resetSession, statementFrame, withinFile } from "./script.ts";
import { watch } from "./watch.ts";
import { isWorthRetrying, pauseBeforeRetry, rollback, stepError, type Work } from "./work.ts";

/** A file at work, statement by statement. */
export interface Job {
  readonly work: Work;
  readonly prepared: Prepared;
  readonly body: Body & { kind: "sql" };
  readonly parts: FrameParts;
  attempts: number;
  /** What the file has set so far, as statements. */
  readonly settings: string[];
  /** Who was in the way of the statement that failed last. */
  blockers: readonly Blocker[];
  /** The statement begun last may have taken effect, and is not called done. */
  unsettled: boolean;
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
    // These wait for other transactions without standing in anybody's way, so they may wait.
    const patient = { ...prepared.settings, lockTimeoutMs: prepared.settings.lockTimeoutMs ?? 0 };
    if (work.kind.session)
      await connection.execute(
        `${withinFile(resetSession(work.kind, work.target.settings, patient))} ${job.settings.join(" ")}`,
      );
    else refuseSettings(job);
    await work.lock.confirm();
    if (interrupted?.state === "started") {
      const verdict = await judge(connection, kind, interrupted.before);
      if (verdict === "unknown") {
        job.unsettled = true;
        throw undecided(job, intent, statement);
      }
      if (verdict === "done") {
        await connection.execute(
          `${begin()} ${parts.ownRole} ${parts.fence} ${sql.finishStatement(intent, author)}; commit`,
        );
        return;
      }
    }
    await clearLeftovers(connection, kind);
    const before = await snapshot(connection, kind);
    await connection.execute(
      `${begin()} ${parts.ownRole} ${parts.fence} ${sql.startStatement(intent, author, before)}; commit`,
    );
    job.unsettled = true;
    const since = commits ? await localTransaction(connection) : null;
    try {
      await sendStatement(job, statement, await effectiveText(connection, kind, text));
      await verify(connection, kind);
    } catch (error) {
      if (!connection.lost.aborted && (!commits || (await commitsOf(connection, since)) === 0)) {
        await failedOutside(job, statement, intent);
        job.unsettled = false;
      }
      throw error;
    }
    await connection.execute(
      `${begin()} ${parts.ownRole} ${parts.fence} ${sql.finishStatement(intent, author)}; commit`,
    );
    job.unsettled = false;
  }
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
  const frame = statementFrame(
    { ...parts, modes: statement.modes },
    work.ledger.sql.finishStatement(key, work.author),
  );
  const framed = (error: unknown) => {
    throw frameError(error, key.revision);
  };
  await work.connection.execute(`${frame.open} ${job.settings.join(" ")}`).catch(framed);
  await sendStatement(job, statement, statement.text);
  await work.connection.execute(frame.close).catch(framed);
}

/** The server counts from the start of what it was sent, people from the start of the file. */
async function sendStatement(
  { work, body }: Job,
  statement: SplitStatement,
  effective: string,
): Promise<void> {
  try {
    await work.connection.execute(asciiComments(effective));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw effective === statement.text
      ? error.movedBy(codePointOffset(body.text, statement.start))
      : error.withoutPosition();
  }
}

/** The server said that it failed: nothing is unknown, so the intent goes, and so does what it left lying about. */
async function failedOutside(
  { work, parts }: Job,
  { kind }: SplitStatement,
  key: StatementKey,
): Promise<void> {
  const { connection, ledger } = work;
  await clearLeftovers(connection, kind).catch(() => {});
  await connection.execute(
    `${begin()} ${parts.ownRole} ${parts.fence} ${ledger.sql.forgetStatements(key.revision, key.direction)} and position = ${key.position}; commit`,
  );
}

function runsInTransaction({ kind }: SplitStatement): boolean {
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
