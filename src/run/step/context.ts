/** What all the ways of carrying out a step share. */
import type { Step } from "../../core/plan.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import type { Blocker, Connection } from "../../database/connection.ts";
import { rememberQuoted } from "../../database/private-data.ts";
import { isRaised } from "../../database/sqlstate.ts";
import { DatabaseError, GodwitError, type Place, type Problem, StepFailed } from "../../errors.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Author, Entry } from "../../ledger/rows.ts";
import type { Lock } from "../../lock/lock.ts";
import { noTransactionMarker } from "../../source/layouts/no-transaction.ts";
import { backoffMs, delay } from "../../std/time.ts";
import { type Mirror, type MirrorSql, mirrorSqlOf } from "../mirror/mirror.ts";
import type { Advisory } from "../mirror/tool-lock.ts";
import { advisoryIn, type ToolWatch, watchedIn } from "../mirror/tool-watch.ts";
import { inTheWay } from "../report/blockers.ts";
import { advise, type Committed, NOTHING, whatWasKept } from "../report/committed.ts";
import type { StepFailure, StepReport } from "../report/report.ts";
import { asSchemaGone } from "../session/schema-gone.ts";
import { guardOf, leaveSession, ownRole, resetSession, type SessionKind } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import type { FrameParts } from "./frame.ts";
import { interruption, withKept } from "./interruption.ts";
import { outsideAdvice } from "./outside.ts";
import type { Body, Prepared } from "./prepare.ts";
import { placeOf, statementsOf } from "./prepare.ts";

export interface Work {
  readonly target: Target;
  readonly context: RunContext;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly ledger: Ledger;
  readonly author: Author;
  readonly kind: SessionKind;
  /** Aborts when work must stop: a signal, the deadline, or a lock that cannot be trusted any more. */
  readonly stop: AbortSignal;
  /** Number of steps in the plan, for progress. */
  readonly count: number;
  /** Puts a warning into the report. */
  readonly warn?: ((problem: Problem) => void) | undefined;
  /** Whether it is late if it fails, because those behind it are carried out all the same. */
  readonly isOvertaken?: ((revision: string) => boolean) | undefined;
  /** What a module left behind went on when its step was done. */
  readonly late?: ((error: GodwitError) => void) | undefined;
  /** What this run itself was doing when it lost its connection. */
  readonly cut?: { readonly revision: string; readonly error: DatabaseError } | undefined;
  /** Told each text that a module sends. */
  readonly sent?: ((revision: string, text: string) => void) | undefined;
  /** Another tool's history that is kept in step. */
  readonly mirror?: Mirror | null | undefined;
  /** A tool that is not told, and whose own work must not meet ours. */
  readonly watch?: ToolWatch | null | undefined;
  /** Another tool's lock, where the session cannot hold it. */
  readonly advisory?: Advisory | null | undefined;
}

/** How one step ended. `error` is set together with `failure`; connection loss is thrown instead. */
export type Outcome =
  | { readonly ok: true; readonly report: StepReport }
  | { readonly ok: false; readonly failure: StepFailure; readonly error: GodwitError };

export function frameParts(work: Work, prepared: Prepared, body: Body | null = null): FrameParts {
  return {
    ledger: work.ledger.sql,
    author: work.author,
    reset: resetSession(work.kind, work.target.settings, prepared.settings),
    fence: work.lock.fence,
    ownRole: ownRole(work.target.settings),
    leave: `${guardOf(work.target.settings)} ${leaveSession(work.kind)}`,
    modes: body?.kind === "sql" ? body.modes : undefined,
    indexes: body?.kind === "sql" ? indexGuard(body.text) : undefined,
    mirror: mirrorSqlBeside(work, prepared, body),
  };
}

/** What is said and asked beside another tool. */
function mirrorSqlBeside(
  { mirror, watch, advisory, ledger }: Work,
  prepared: Prepared,
  body: Body | null,
): MirrorSql {
  const { step, migration } = prepared;
  const text = body?.kind === "sql" ? (body.written ?? body.text) : null;
  const kept =
    watch == null
      ? mirrorSqlOf(mirror, { step, migration, text, sql: ledger.sql, live: true })
      : watchedIn(watch, { revision: step.revision, text });
  if (advisory == null) return kept;
  const locked = advisoryIn(advisory);
  return { ...kept, open: `${locked} ${kept.open}`, closing: `${locked} ${kept.closing}` };
}

export function entryOf(prepared: Prepared, revert: string | null): Entry {
  const { step, migration } = prepared;
  return {
    revision: step.revision,
    kind: step.kind,
    again: step.reason === "changed",
    phase: step.phase,
    number: migration?.number ?? null,
    parents: [...new Set([...(migration?.revises ?? []), ...(migration?.depends ?? [])])],
    file: step.file,
    checksum: step.checksum,
    fingerprint: migration?.fingerprint ?? null,
    revertScript: revert,
    minimumRevision: migration?.settings.minimumRevision ?? null,
  };
}

/** For what looks for places in a module's files. */
export function whereIs(work: Work, step: Step): { readonly folder: string; readonly file: string } {
  return { folder: work.target.source.folder, file: step.file };
}

/** Undoes what migrations did to the session, for what the run itself has to say and to ask between them. */
export async function ownSession(work: Work): Promise<void> {
  if (work.kind.session) await work.connection.execute(resetSession(work.kind, work.target.settings, {}));
}

/** Growing pauses between two tries of one step. */
export async function pauseBeforeRetry(
  work: Work,
  step: Step,
  attempt: number,
  error: GodwitError,
  blockers: readonly Blocker[],
): Promise<void> {
  const delayMs = backoffMs(attempt, { firstMs: 200, maxMs: 30_000 });
  const attempts = work.target.settings.lockAttempts;
  work.context.observe({
    kind: "step-retry",
    step,
    attempt,
    attempts,
    delayMs,
    problem: error.toProblem(),
    blockers,
  });
  await delay(delayMs, work.stop);
}

export interface Circumstances {
  readonly line?: number | undefined;
  readonly blockers?: readonly Blocker[];
  /** What of the step was kept; left out: nothing. */
  readonly committed?: Committed;
  /** Found in the stack of a module. */
  readonly place?: Place | undefined;
}

/** An error as the failure of this step: with its place, what of the step was kept, and what to do. */
export function stepError(
  work: Work,
  prepared: Prepared,
  body: Body | null,
  error: unknown,
  { line, blockers = [], committed = NOTHING, place: traced }: Circumstances = {},
): GodwitError {
  const { step } = prepared;
  // The file that ran: a layout may have one for each direction.
  const file = body?.file ?? step.file;
  const again = againOf(work, step);
  const whose = { ...step, file, again };
  if (work.stop.aborted) return interruption(work.stop, whose, committed);
  const gone = asSchemaGone(error);
  if (gone !== error) return gone as GodwitError;
  // The server's own trouble, whatever step it was in.
  if (error instanceof DatabaseError && error.code === "EMBEDDED_FAILED") return error;
  if (!(error instanceof DatabaseError)) {
    if (error instanceof GodwitError) return withKept(error, whose, committed);
    return new StepFailed(
      {
        code: "STEP_FAILED",
        message: `${file} failed: ${error instanceof Error ? error.message : String(error)}`,
        place: traced ?? { file },
        hint: join(hintOf(error), advise(committed, whose)),
      },
      { cause: error },
    );
  }
  // The server quotes what it does not understand.
  if (body?.kind === "sql") rememberQuoted(body.text, wordsOf(error));
  const place = body?.kind === "sql" ? placeOfError(body, error, line) : (traced ?? { file });
  const timeout = error.sqlState === "57014" && /statement timeout/.test(error.message);
  const marker =
    body?.kind === "sql" || step.kind !== "module"
      ? noTransactionMarker(work.target.source.layout)
      : "declare the module with transaction: false";
  const outside = !isInTransaction(prepared);
  const known = advice(error, { timeout, blockers, marker, outside });
  // What is known to help takes the place of the general advice, never of what was kept.
  const kept =
    known === undefined || committed.extent !== "none"
      ? advise(committed, whose)
      : `${whatWasKept(committed, whose)}${again === undefined ? "" : `; then ${again}`}.`;
  const hint = join(error.hint, known === error.hint ? undefined : known, kept);
  return new StepFailed(
    {
      code: timeout ? "STEP_TIMEOUT" : "STEP_FAILED",
      message: `${place.file}${place.line === undefined ? "" : `:${place.line}${place.column === undefined ? "" : `:${place.column}`}`}: ${error.message}`,
      place,
      hint,
      details: error.details,
    },
    { cause: error.again() },
  );
}

function isInTransaction({ form, settings }: Prepared): boolean {
  return (form === "transaction" || form === "module") && settings.transaction !== false;
}

/** How to run again after a failure of the step, where that takes more than the same command. */
export function againOf(work: Pick<Work, "isOvertaken">, { revision }: Step): string | undefined {
  return work.isOvertaken?.(revision) === true
    ? "run again with `godwit up --out-of-order`, because later ones are carried out all the same"
    : undefined;
}

function wordsOf({ message, hint, details }: DatabaseError): string {
  return [message, hint, ...Object.values(details ?? {})].join("\n");
}

/** The sentences of a hint. */
function join(...parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined && part !== "");
  return said.length === 0 ? undefined : said.join(" ");
}

/** A step that this run has begun and does not know the end of; `null`: an earlier run has. */
export function cutOff({ cut }: Pick<Work, "cut">, { revision }: Step, place: Place): StepFailed | null {
  if (cut?.revision !== revision) return null;
  const where = place.line === undefined ? place.file : `${place.file}:${place.line}`;
  return new StepFailed(
    {
      code: "STEP_FAILED",
      message: `${where}: the connection was lost while it was running outside a transaction: ${cut.error.message}`,
      hint: "Look into the server's log: a statement of it may crash the server or end its own session.",
      place,
    },
    { cause: cut.error },
  );
}

export function failureOf(revision: string, error: GodwitError, committed: Committed = NOTHING): StepFailure {
  return { revision, problem: error.toProblem(), committed: committed.extent };
}

function placeOfError(body: Body & { kind: "sql" }, error: DatabaseError, line: number | undefined) {
  if (error.position !== undefined) return placeOf(body, error.position);
  if (line !== undefined) return { file: body.file, line };
  const statement = statementsOf(body)[error.completed ?? 0];
  return statement === undefined ? { file: body.file } : { file: body.file, line: statement.line };
}

function advice(
  error: DatabaseError,
  {
    timeout,
    blockers,
    marker,
    outside,
  }: {
    timeout: boolean;
    blockers: readonly Blocker[];
    marker: string | null;
    /** The file has no transaction around it already. */
    outside: boolean;
  },
): string | undefined {
  if (isRaised(error.routine)) return undefined;
  const apart = outside ? undefined : outsideAdvice(error, marker);
  if (apart !== undefined) return apart;
  if (timeout)
    return "Give the migration more time (-- godwit: statement-timeout=…), or make it do less at once.";
  if (error.sqlState === "55P03")
    return (
      inTheWay(blockers) ??
      "Something holds a lock on its table: wait until it is done, or raise --lock-timeout."
    );
  if (/row-level security/.test(error.message))
    return "Row-level security would hide rows from this statement. Run it as a role with BYPASSRLS, or allow it with -- godwit: row-security=on";
  if (error.sqlState === "42501")
    return "Grant the missing privilege to the role that migrates, or use another role's URL.";
  return undefined;
}

/** What some errors of ours bring along. */
function hintOf(error: unknown): string | undefined {
  const hint = (error as { hint?: unknown } | null | undefined)?.hint;
  return typeof hint === "string" ? hint : undefined;
}
