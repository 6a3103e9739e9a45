/**
 * Carries out a migration that cannot run in one transaction: one statement after the other.
 *
 *   history row (partial) ─► for each statement ─► history row (applied)
 *
 * A statement that can run in a transaction does, with its done row in the same one: exactly once.
 * For the few that cannot:
 *
 *   (nothing) ── intent row, committed ──► started ── the statement, alone ──► done row
 *
 * What a crash leaves behind: no row, and nothing happened; a `started` row, and the catalog is asked whether
 * it took effect (`judge.ts`); a `done` row, and it is never run again. A failure that the server reported
 * takes the intent away, because then it is known that nothing happened: except of a procedure that commits for
 * itself, and of a statement that succeeded and could only not be called done. These keep their intent, and
 * nobody tries them again unasked. On resuming, the statements done must still be those of the file.
 *
 * The session is reset before every statement, so what the file itself has `SET` before is set again for each that
 * follows, on resuming too.
 */
import { createHash } from "node:crypto";
import type { Blocker } from "../database/connection.ts";
import { needsNoTransaction } from "../database/sqlstate.ts";
import { DatabaseError, type GodwitError, PlanRefused } from "../errors.ts";
import type { RecordedStatement } from "../ledger/ledger.ts";
import type { StatementKey } from "../ledger/sql.ts";
import { codePointOffset } from "../std/text.ts";
import { clearLeftovers, effectiveText, judge, snapshot, verify } from "./judge.ts";
import { frameError } from "./pipeline.ts";
import type { Body, Prepared, SplitStatement } from "./prepare.ts";
import { statementsOf } from "./prepare.ts";
import { closing, type FrameParts, resetSession, statementFrame } from "./script.ts";
import { watch } from "./watch.ts";
import {
  entryOf,
  failureOf,
  frameParts,
  isWorthRetrying,
  type Outcome,
  ownSession,
  pauseBeforeRetry,
  rollback,
  stepError,
  type Work,
} from "./work.ts";

export async function runStatements(work: Work, prepared: Prepared, index: number): Promise<Outcome> {
  const { step } = prepared;
  const startedAt = performance.now();
  const body = await prepared.load();
  if (body.kind !== "sql") throw new Error("Only SQL is run statement by statement.");
  work.context.observe({ kind: "step-started", step, index, count: work.count });
  const job: Job = {
    work,
    prepared,
    body,
    parts: frameParts(work, prepared),
    attempts: 1,
    settings: [],
    blockers: [],
    unsettled: false,
  };
  let position = 0;
  let done = 0;
  try {
    const statements = statementsOf(body);
    await ownSession(work);
    await begin(job);
    const recorded = await work.ledger.statements(work.connection, step.revision, step.direction);
    checkUnchanged(job, statements, recorded);
    const known = new Map(recorded.map((row) => [row.position, row]));
    for (const statement of statements) {
      position++;
      const earlier = known.get(position);
      if (earlier?.state !== "done") {
        work.stop.throwIfAborted();
        const { text } = statement;
        work.context.observe({ kind: "statement-started", step, position, count: statements.length, text });
        await runOne(job, statement, position, earlier);
      }
      if (isSetting(statement)) job.settings.push(`${statement.text};`);
      done++;
    }
    await work.connection.execute(closing(job.parts, step.direction, entryOf(prepared, body.revert)));
  } catch (error) {
    if (work.connection.lost.aborted) throw work.connection.lost.reason;
    await rollback(work.connection);
    const line =
      error instanceof DatabaseError && error.position === undefined
        ? statementLine(body, position)
        : undefined;
    const problem = stepError(work, prepared, body, error, { line, blockers: job.blockers });
    if (done === 0 && !job.unsettled && step.reason !== "resume") await withdraw(job);
    return {
      ok: false,
      failure: failureOf(step.revision, problem, job.unsettled ? "unknown" : done > 0 ? "some" : "none"),
      error: problem,
    };
  }
  const report = {
    revision: step.revision,
    direction: step.direction,
    phase: step.phase,
    durationMs: performance.now() - startedAt,
    attempts: job.attempts,
    transactional: false,
  };
  work.context.observe({ kind: "step-done", step, report, index, count: work.count });
  return { ok: true, report };
}

interface Job {
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

async function begin({ work, prepared, body, parts }: Job): Promise<void> {
  const { step } = prepared;
  if (step.reason === "resume") return;
  if (step.direction === "down") {
    await work.connection.execute(
      `begin; ${parts.ownRole} ${parts.fence} ${work.ledger.sql.startReverting(step.revision)}; commit`,
    );
    return;
  }
  const replace = step.kind === "repeatable" ? `${work.ledger.sql.remove(step.revision)};` : "";
  const row = work.ledger.sql.insert(entryOf(prepared, body.revert), work.author, "partial");
  await work.connection.execute(
    `begin; ${parts.ownRole} ${parts.fence} ${replace} ${work.ledger.sql.forgetStatements(step.revision, step.direction)}; ${row}; commit`,
  );
}

/** Nothing of it was done: it is as pending as before. */
async function withdraw({ work, prepared, parts }: Job): Promise<void> {
  const { revision, direction } = prepared.step;
  if (work.connection.lost.aborted) return;
  const sql = work.ledger.sql;
  if (direction === "down") {
    await work.connection.execute(
      `begin; ${parts.ownRole} ${parts.fence} ${sql.markApplied(revision)}; commit`,
    );
    return;
  }
  await work.connection.execute(
    `begin; ${parts.ownRole} ${parts.fence} ${sql.forgetStatements(revision, direction)}; ${sql.remove(revision)} and state = 'partial'; commit`,
  );
}

async function runOne(
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
      let commits = false;
      if (runsInTransaction(statement) && earlier?.state !== "started") {
        try {
          return await insideTransaction(job, statement, key);
        } catch (error) {
          if (!(error instanceof DatabaseError) || !needsNoTransaction(error.sqlState)) throw error;
          commits = error.sqlState === COMMITS_FOR_ITSELF;
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
        `${resetSession(work.kind, work.target.settings, patient)} ${job.settings.join(" ")}`,
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
          `begin; ${parts.ownRole} ${parts.fence} ${sql.finishStatement(intent, author)}; commit`,
        );
        return;
      }
    }
    await clearLeftovers(connection, kind);
    const before = await snapshot(connection, kind);
    await connection.execute(
      `begin; ${parts.ownRole} ${parts.fence} ${sql.startStatement(intent, author, before)}; commit`,
    );
    job.unsettled = true;
    try {
      await sendStatement(job, statement, await effectiveText(connection, kind, text));
      await verify(connection, kind);
    } catch (error) {
      if (!commits && !connection.lost.aborted) {
        await failedOutside(job, statement, intent);
        job.unsettled = false;
      }
      throw error;
    }
    await connection.execute(
      `begin; ${parts.ownRole} ${parts.fence} ${sql.finishStatement(intent, author)}; commit`,
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
  const frame = statementFrame(parts, work.ledger.sql.finishStatement(key, work.author));
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
    await work.connection.execute(effective);
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
    `begin; ${parts.ownRole} ${parts.fence} ${ledger.sql.forgetStatements(key.revision, key.direction)} and position = ${key.position}; commit`,
  );
}

/** `SET` and `RESET` of the session; what is only for a transaction ends with its statement's own. */
function isSetting({ text }: SplitStatement): boolean {
  return /^(set|reset)\s+(?!local\b|constraints\b|transaction\b)/i.test(text);
}

/** invalid_transaction_termination: a procedure or a DO block that commits, which no failure takes back. */
const COMMITS_FOR_ITSELF = "2D000";

function runsInTransaction({ kind }: SplitStatement): boolean {
  return kind.kind === "ordinary" || kind.kind === "add-enum-value";
}

function hashOf(statement: SplitStatement): string {
  return `sha256:${createHash("sha256").update(statement.text).digest("hex")}`;
}

function statementLine(body: Body & { kind: "sql" }, position: number): number | undefined {
  return statementsOf(body)[position - 1]?.line;
}

function checkUnchanged(
  { prepared }: Job,
  statements: readonly SplitStatement[],
  recorded: readonly RecordedStatement[],
): void {
  for (const row of recorded) {
    const statement = statements[row.position - 1];
    if (statement !== undefined && hashOf(statement) === row.hash) continue;
    const { revision, file } = prepared.step;
    throw new PlanRefused([
      {
        code: "PLAN_PARTIAL_EDITED",
        message: `Statement ${row.position} of ${file} was ${row.state === "done" ? "carried out" : "begun"} by an earlier run and has been changed since.`,
        hint: `Restore that statement and put the change into a later one; or look at the database and say: godwit repair --mark-done ${revision}`,
        place: { file, line: statement?.line },
      },
    ]);
  }
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
