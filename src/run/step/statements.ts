/**
 * Carries out a migration that can't run in one transaction, one statement after the other.
 *
 *   history row (partial) ─► for each statement ─► history row (applied)
 *
 * A statement that can run in a transaction does, together with its done row. It takes effect exactly once. The
 * few that can't:
 *
 *   (nothing) ── intent row, committed ──► started ── the statement, alone ──► done row
 *
 * What a crash leaves behind:
 *
 *   no row           nothing happened
 *   a `started` row  the catalog is asked whether the statement took effect (`catalog/took-effect.ts`)
 *   a `done` row     the statement never runs again
 *
 * A failure that the server reported removes the intent, because nothing happened. It stays in three cases: a
 * procedure that commits for itself may have done so, a statement succeeded but could not be marked done, or
 * something half-done stays. Nobody repeats the first two unasked. The third is finished by running it again.
 * When a run resumes, the done statements must still be those of the file.
 *
 * The session is reset before every statement. Then the settings that the file has made are set again, also
 * when a run resumes (`session-state.ts`). Temporary tables stay until the session ends, so a resumed run has
 * none.
 */

import type { Step } from "../../core/plan.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import { DatabaseError } from "../../errors.ts";
import type { RecordedStatement } from "../../ledger/ledger.ts";
import { presentBeside } from "../mirror/mirror.ts";
import { type Committed, NOTHING, UNASKED, UNASKED_OUTSIDE } from "../report/committed.ts";
import { guardOf } from "../session/settings.ts";
import { begin as ownBegin, rollback } from "../session/transaction.ts";
import { type Body, type SplitStatement, startOf, statementsOf } from "./body.ts";
import { ownSession, type StepContext, type StepOutcome, stepDone } from "./context.ts";
import { refuseRowsOutside } from "./expected-rows.ts";
import type { FileExecution } from "./file-execution.ts";
import { closing } from "./frame.ts";
import { closed, frameError } from "./frame-error.ts";
import { entryOf, frameParts } from "./frame-parts.ts";
import { setsLockTimeout } from "./own-lock-timeout.ts";
import type { Prepared } from "./prepared.ts";
import { checkUnchanged, openStatement } from "./resume.ts";
import { customNames, stateIn } from "./session-state.ts";
import { runStatement } from "./statement.ts";
import { keepGoing } from "./statement-session.ts";
import { failureOf, stepError } from "./step-error.ts";

export async function runStatements(
  context: StepContext,
  prepared: Prepared,
  index: number,
): Promise<StepOutcome> {
  const { step } = prepared;
  const startedAt = performance.now();
  const body = await prepared.load();
  if (body.kind !== "sql") throw new Error("Only SQL is run statement by statement.");
  context.observe({ kind: "step-started", step, index, count: context.count });
  const execution: FileExecution = {
    context,
    prepared,
    body,
    parts: frameParts(context, prepared, body),
    attempts: 1,
    settings: [],
    state: {},
    setsLockTimeout: setsLockTimeout(body.text),
    custom: context.kind.session ? customNames(body.text) : [],
    blockers: [],
    unsettled: false,
    begunBefore: false,
    closing: false,
    halfDone: false,
    leftBehind: null,
  };
  let position = 0;
  let done = 0;
  let begun = false;
  // What earlier runs have left is not known before the ledger is asked.
  let recorded: readonly RecordedStatement[] | null = step.reason === "resume" ? null : [];
  try {
    refuseRowsOutside(prepared, prepared.because ?? "PostgreSQL accepts it outside a transaction only");
    const statements = statementsOf(body);
    await ownSession(context);
    await begin(execution);
    begun = true;
    recorded = await context.ledger.statements(context.connection, step.revision, step.direction);
    checkUnchanged(execution, statements, recorded);
    const known = new Map(recorded.map((row) => [row.position, row]));
    for (const statement of statements) {
      position++;
      const earlier = known.get(position);
      execution.begunBefore = earlier?.state === "started";
      if (earlier?.state !== "done") {
        context.stop.throwIfAborted();
        const { text } = statement;
        context.observe({ kind: "statement-started", step, position, count: statements.length, text });
        await runStatement(execution, statement, position, earlier);
      }
      if (earlier?.state === "done") resume(execution, statement, earlier);
      else if (!context.kind.session) execution.settings.push(...settingsOf(statement));
      done++;
    }
    await closed(context, step, closing(execution.parts, step.direction, entryOf(prepared, body.revert)));
  } catch (error) {
    const { lost } = context.connection;
    const wasLost = lost.aborted;
    await rollback(context.connection);
    // A run that must end asks the ledger on another connection.
    if (wasLost || (lost.aborted && context.stop.aborted)) {
      context.lostAt?.(keptWhenLost(execution, { recorded, position, done }));
      throw lost.reason;
    }
    recorded ??= await recordedOf(context, step);
    if (recorded === null) throw error;
    const line =
      error instanceof DatabaseError && error.position === undefined
        ? statementLine(body, position)
        : undefined;
    const committed =
      position === 0 ? committedBefore(execution, recorded) : committedOf(execution, position, done);
    const problem = stepError(context, prepared, body, error, {
      line,
      blockers: execution.blockers,
      committed,
    });
    // The row of the step may have been dropped together with its schema.
    const gone = problem.code === "TARGET_SCHEMA_MISSING";
    if (begun && !gone && committed.extent === "none") await withdraw(execution);
    return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
  }
  return stepDone(context, step, index, { startedAt, attempts: execution.attempts, transactional: false });
}

interface Reached {
  readonly recorded: readonly RecordedStatement[] | null;
  readonly position: number;
  readonly done: number;
}

/** What is known of the file without asking the ledger. */
function keptWhenLost(execution: FileExecution, { recorded, position, done }: Reached): Committed {
  if (recorded === null) return UNASKED_OUTSIDE;
  if (position === 0) return committedBefore(execution, recorded);
  return execution.closing ? UNASKED : committedOf(execution, position, done);
}

/** What earlier runs committed, where this run has begun no statement. */
function committedBefore({ body }: FileExecution, recorded: readonly RecordedStatement[]): Committed {
  const [first] = recorded;
  if (first === undefined) return NOTHING;
  const done = recorded.filter(({ state }) => state === "done").length;
  const open = recorded.find(({ state }) => state === "started");
  if (open !== undefined) return openStatement(body, open.position);
  const parts = body.units === undefined ? "statements" : "transactions";
  return { extent: "some", done, count: statementsOf(body).length, line: undefined, parts };
}

/** The statements that earlier runs have begun. `null`: the ledger does not answer. */
function recordedOf(
  { ledger, connection }: StepContext,
  { revision, direction }: Step,
): Promise<readonly RecordedStatement[] | null> {
  return ledger.statements(connection, revision, direction).catch(() => null);
}

/** What was committed when the statement at `position` failed. */
function committedOf(
  { body, unsettled, begunBefore, halfDone }: FileExecution,
  position: number,
  done: number,
): Committed {
  const statement = statementsOf(body)[position - 1];
  const { line, column } = statement === undefined ? {} : startOf(body, statement);
  if (unsettled || begunBefore) return openStatement(body, position);
  if (done === 0 && !halfDone) return NOTHING;
  const parts = body.units === undefined ? "statements" : "transactions";
  const count = statementsOf(body).length;
  if (halfDone) return { extent: "some", done, count, line, parts, halfDone: position };
  if (done === count) return { extent: "some", done, count, line: undefined, parts };
  return { extent: "some", done, count, line, column, parts };
}

async function begin({ context, prepared, body, parts }: FileExecution): Promise<void> {
  const { step } = prepared;
  if (step.reason === "resume") {
    if (step.direction === "down" || parts.mirror.open === "") return;
    // The mirror's row was not written. If it is there, the other tool has run the step since.
    await context.connection
      .execute(`${ownBegin()} ${parts.ownRole} ${parts.fence} ${parts.mirror.open} commit`)
      .catch((error) => {
        throw presentBeside(error, step);
      });
    return;
  }
  const guard = guardOf(context.target.settings);
  if (step.direction === "down") {
    await context.connection
      .execute(
        `${ownBegin()} ${parts.ownRole} ${parts.fence} ${guard} ${parts.mirror.open} ${context.ledger.sql.startReverting(step.revision)}; commit`,
      )
      .catch((error) => {
        throw frameError(error, step.revision);
      });
    return;
  }
  const again = step.kind === "repeatable" || step.reason === "changed";
  const replace = again ? `${context.ledger.sql.remove(step.revision)};` : "";
  const row = context.ledger.sql.insert(entryOf(prepared, body.revert), context.author, "partial");
  await context.connection
    .execute(
      `${ownBegin()} ${parts.ownRole} ${parts.fence} ${guard} ${parts.mirror.open} ${replace} ${context.ledger.sql.forgetStatements(step.revision, step.direction)}; ${row}; commit`,
    )
    .catch((error) => {
      throw frameError(error, step.revision);
    });
}

/** Nothing of the step was done, so it becomes pending again. */
async function withdraw({ context, prepared, parts }: FileExecution): Promise<void> {
  const { revision, direction } = prepared.step;
  if (context.connection.lost.aborted) return;
  const sql = context.ledger.sql;
  if (direction === "down") {
    await context.connection.execute(
      `${ownBegin()} ${parts.ownRole} ${parts.fence} ${sql.markApplied(revision)}; commit`,
    );
    return;
  }
  await context.connection.execute(
    `${ownBegin()} ${parts.ownRole} ${parts.fence} ${sql.forgetStatements(revision, direction)}; ${sql.remove(revision)} and state = 'partial'; commit`,
  );
}

/** An earlier run has carried out the statement. The next one begins with the session that it left. */
function resume(execution: FileExecution, statement: SplitStatement, earlier: RecordedStatement): void {
  const state = execution.context.kind.session ? stateIn(earlier.before) : null;
  if (state === null) {
    execution.settings.push(...settingsOf(statement));
    return;
  }
  keepGoing(execution, state);
}

/** The settings that the text of a statement makes. They count behind a pooler, and for rows of an older Godwit. */
function settingsOf(statement: SplitStatement): readonly string[] {
  const texts = statement.several === true ? splitStatements(statement.text) : [statement];
  return texts.flatMap(({ text }) => (isSetting(text) ? [`${text};`] : []));
}

/** `SET` and `RESET` of the session. A setting of a transaction ends with the statement's own. */
function isSetting(text: string): boolean {
  return /^(set|reset)\s+(?!local\b|constraints\b|transaction\b)/i.test(text) || SET_CONFIG.test(text);
}

/** pg_dump writes `SELECT pg_catalog.set_config('search_path', '', false)`. */
const SET_CONFIG =
  /^select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'(?:[^']|'')*'\s*,\s*'(?:[^']|'')*'\s*,\s*false\s*\)$/i;

function statementLine(body: Body & { kind: "sql" }, position: number): number | undefined {
  return statementsOf(body)[position - 1]?.line;
}
