/** The error of a failed step: where it happened, what of the step was kept, and what to do. */
import type { Step } from "../../core/plan.ts";
import type { Blocker } from "../../database/connection.ts";
import { withoutDataOf } from "../../database/private-data.ts";
import { type Missing, missingPrivilege } from "../../database/privilege.ts";
import { rememberQuoted } from "../../database/sent.ts";
import { isRaised } from "../../database/sqlstate.ts";
import { isStatementTimeout } from "../../database/statement-timeout.ts";
import { DatabaseError, GodwitError, type Place, StepFailed } from "../../errors.ts";
import { joinSentences } from "../../std/sentences.ts";
import { inTheWay } from "../report/blockers.ts";
import { advise, type Committed, NOTHING, whatWasKept } from "../report/committed.ts";
import type { StepFailure } from "../report/report.ts";
import { schemaOfOurs } from "../session/own-tables.ts";
import { asSchemaGone } from "../session/schema-gone.ts";
import { isWorthRetrying } from "../session/transaction.ts";
import { type Body, placeOf, statementsOf } from "./body.ts";
import type { StepContext } from "./context.ts";
import { interruption, withKept } from "./interruption.ts";
import { outsideAdvice } from "./outside.ts";
import type { Prepared } from "./prepared.ts";

export interface Circumstances {
  readonly line?: number | undefined;
  readonly blockers?: readonly Blocker[];
  /** What of the step was kept. The default is nothing. */
  readonly committed?: Committed;
  /** The place that the stack of a module shows. */
  readonly place?: Place | undefined;
}

/** Adds the place, what was kept and what to do to an error of the step. */
export function stepError(
  context: StepContext,
  prepared: Prepared,
  body: Body | null,
  thrown: unknown,
  { line, blockers = [], committed = NOTHING, place: traced }: Circumstances = {},
): GodwitError {
  const { step } = prepared;
  const isOfText = thrown instanceof DatabaseError && body?.kind === "sql";
  const error = isOfText ? withoutDataOf(thrown, body.text) : thrown;
  // A layout may have a file for each direction. This is the one that ran.
  const file = body?.file ?? step.file;
  const again = context.runAgain?.();
  const rerun = again ?? howToRerun(context, step);
  const program = prepared.form.sends === "program";
  const failed = { ...step, file, rerun, again, program, oldValues: body?.kind === "undo" };
  if (context.stop.aborted) return interruption(context.stop, failed, committed);
  const gone = asSchemaGone(error);
  if (gone !== error) return gone as GodwitError;
  // This failure is about the server, not about the step.
  if (error instanceof DatabaseError && error.code === "EMBEDDED_FAILED") return error;
  if (!(error instanceof DatabaseError)) {
    if (error instanceof GodwitError) return withKept(error, failed, committed);
    return new StepFailed(
      {
        code: "STEP_FAILED",
        message: `${file} failed: ${error instanceof Error ? error.message : String(error)}`,
        place: traced ?? { file },
        hint: joinSentences(hintOf(error), advise(committed, failed)),
      },
      { cause: error },
    );
  }
  // The server quotes what it does not understand.
  if (body?.kind === "sql") rememberQuoted(body.text, wordsOf(error));
  const place = body?.kind === "sql" ? placeOfError(body, error, line) : (traced ?? { file });
  const timeout = isStatementTimeout(error, limitOf(context, prepared, body));
  const marker = prepared.form.advise(context.target.source.layout);
  const outside = !prepared.form.transactional;
  const granted = { role: context.connection.server.user, schemaOf: schemaOfOurs(context.target) };
  const known = advice(error, { timeout, blockers, marker, outside, granted });
  // A specific advice replaces the general one, but never the sentence about what was kept.
  const kept =
    known === undefined || committed.extent !== "none"
      ? advise(committed, failed)
      : `${whatWasKept(committed, failed)}${rerun === undefined ? "" : `; then ${rerun}`}.`;
  // The hint of the connection does not know the role.
  const general = error.hint === missingPrivilege(error.message) ? undefined : error.hint;
  const hint = joinSentences(general, known, kept);
  return new StepFailed(
    {
      code: timeout ? "STEP_TIMEOUT" : "STEP_FAILED",
      message: `${place.file}${place.line === undefined ? "" : `:${place.line}${place.column === undefined ? "" : `:${place.column}`}`}: ${error.message}`,
      place,
      hint,
      // The last of its tries: a lock that others hold, or a deadlock. PostgreSQL has no objection to the text.
      details: isWorthRetrying(error) ? { ...error.details, passing: true } : error.details,
    },
    { cause: error.again() },
  );
}

/** `null`: the text may have set one. */
export function limitOf(
  { target }: Pick<StepContext, "target">,
  { settings }: Pick<Prepared, "settings">,
  body: Body | null,
): number | null {
  if (body?.kind === "sql" && /statement_timeout/i.test(body.text)) return null;
  return settings.statementTimeoutMs ?? target.settings.statementTimeoutMs;
}

/** How to run again after the step has failed, where the same command is not enough. */
export function howToRerun(
  context: Pick<StepContext, "isOvertaken">,
  { revision }: Step,
): string | undefined {
  return context.isOvertaken?.(revision) === true
    ? "run again with `godwit up --out-of-order`, because later ones are carried out all the same"
    : undefined;
}

function wordsOf({ message, hint, details }: DatabaseError): string {
  return [message, hint, ...Object.values(details ?? {})].join("\n");
}

/**
 * The error of a step that this run has begun, without knowing its end. `null` means that an earlier run has
 * begun it.
 */
export function cutOff(
  { cut }: Pick<StepContext, "cut">,
  { revision }: Step,
  place: Place,
): StepFailed | null {
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
    granted,
  }: {
    timeout: boolean;
    blockers: readonly Blocker[];
    marker: string | null;
    /** The step runs without a transaction already. */
    outside: boolean;
    granted: Missing;
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
      "Another session holds a lock in its way: wait until that is done, or raise --lock-timeout."
    );
  if (error.routine === "check_enable_rls" || /row-level security/.test(error.message))
    return "Row-level security would hide rows from this statement. Run it as a role with BYPASSRLS, or allow it with -- godwit: row-security=on";
  if (error.sqlState === "42501") return missingPrivilege(error.message, granted);
  return undefined;
}

/** Some errors bring a hint along. */
function hintOf(error: unknown): string | undefined {
  const hint = (error as { hint?: unknown } | null | undefined)?.hint;
  return typeof hint === "string" ? hint : undefined;
}
