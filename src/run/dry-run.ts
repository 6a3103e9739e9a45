/**
 * `up --dry-run`: carries the plan out in one transaction, each step in a savepoint of its own, and rolls it back.
 *
 *   worked      its effects stay until the end, for the steps behind it
 *   failed      rolled back to its savepoint; the next one is tried. Where something before it is missing, or somebody
 *               was in its way, that may be the only reason: it is uncertain
 *   not tried   it cannot be in a transaction, or depends on one that failed
 *
 * What a transaction does not undo, a dry run does not either: numbers that sequences have given out, session advisory
 * locks until its connection is closed, and what functions do outside of the database (dblink, files, COPY … TO PROGRAM).
 */
import { plan } from "../core/plan.ts";
import { DatabaseError, Interrupted, type Problem, SourceError, StepFailed } from "../errors.ts";
import type { Listing } from "../source/source.ts";
import { joinSentences } from "../std/sentences.ts";
import { withAdopted } from "./adopt/adopted.ts";
import { lookAtTool } from "./adopt/adoption.ts";
import { unmirroredWarning } from "./adopt/unmirrored.ts";
import { invalidIndexes } from "./catalog/indexes.ts";
import { passBefore } from "./checks/checks.ts";
import { refusedImports } from "./doctor-imports.ts";
import { hasEnded, judge } from "./dry-run-failure.ts";
import type { Import } from "./import.ts";
import { beside, forPlanning, includesImports, type MigrateOptions, planInput } from "./plan.ts";
import { type DryRunReport, DryRunResults } from "./report/dry-run-report.ts";
import { sessionKind } from "./session/connect.ts";
import { asInterruption } from "./session/ending.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeign } from "./session/owner.ts";
import { CALM, resetSession, withinFile } from "./session/settings.ts";
import type { RunContext, Target } from "./session/target.ts";
import { rollback } from "./session/transaction.ts";
import type { StepContext } from "./step/context.ts";
import { asUnexpected } from "./step/frame-error.ts";
import { expectedOf } from "./step/frame-parts.ts";
import { interruptedDryRun, lostDryRun } from "./step/interruption.ts";
import { refusedIndexes } from "./step/leftover-indexes.ts";
import { lockTimeoutWarnings } from "./step/own-lock-timeout.ts";
import { prepareSteps } from "./step/prepare.ts";
import type { Prepared } from "./step/prepared.ts";
import { findingSchema, resumeRefusals } from "./step/resumable.ts";
import { watch } from "./step/watch.ts";

export interface DryRunOptions extends MigrateOptions {
  readonly imports: () => Promise<readonly Import[]>;
}

/** Throws as `up` would before its first step; what a step comes to is in the report. */
export async function dryRun(
  target: Target,
  options: DryRunOptions,
  context: RunContext,
): Promise<DryRunReport> {
  const results = new DryRunResults();
  let notImported: readonly string[] = [];
  try {
    const files = await target.source.list();
    const imports = includesImports(options.goal) ? await options.imports() : [];
    notImported = imports.map(({ name }) => name);
    await tryPlan(target, { options, context, files, results });
    results.importFailures = await refusedImports(target, imports, context);
  } catch (thrown) {
    const isEnded = asInterruption(thrown, context.signal) instanceof Interrupted;
    const isLost = thrown instanceof DatabaseError && thrown.code === "DATABASE_CONNECTION_LOST";
    if (!isEnded && !isLost) throw thrown;
    const error = isEnded
      ? interruptedDryRun(context.signal, results)
      : lostDryRun(thrown as DatabaseError, results);
    error.report = results.interrupted(target.name, notImported);
    throw error;
  }
  return results.report(target.name, notImported);
}

interface Trial {
  readonly options: DryRunOptions;
  readonly context: RunContext;
  readonly files: Listing;
  readonly results: DryRunResults;
}

async function tryPlan(target: Target, { options, context, files, results }: Trial): Promise<void> {
  await withLock(target, context, async (connection, lock) => {
    const known = { files, history: await target.ledger.read(connection) };
    refuseForeign(target, files, known.history);
    const { entries, passedOver, warnings, mirror, unmirrored } = await lookAtTool(target, connection, known);
    const adopted = withAdopted(known.history, entries, context);
    const history = await forPlanning(target, connection, { files, history: adopted });
    const decided = plan(beside(planInput(target, options, files, history), passedOver));
    context.observe({ kind: "planned", plan: decided });
    results.planned(decided.steps.map(({ revision }) => revision));
    await passBefore(target, options, { context, connection, steps: decided.steps });
    const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
    const steps = await prepareSteps({
      steps: decided.steps,
      migrations,
      source: target.source,
      history,
      signal: context.signal,
    });
    const stepContext: StepContext = {
      target,
      observe: context.observe,
      connection,
      lock,
      ledger: target.ledger,
      author: context,
      kind: sessionKind(connection, context),
      stop: AbortSignal.any([context.signal, lock.lost]),
      count: steps.length,
      warn: (problem) => {
        results.warnings.push(problem);
      },
    };
    const warning = unmirroredWarning(target, {
      ...{ steps: decided.steps, history, mirrored: mirror !== null, unmirrored },
    });
    results.warnings.push(
      ...[...warnings, ...decided.warnings, ...(warning === null ? [] : [warning])],
      ...(await lockTimeoutWarnings(steps, target.settings)),
    );
    const refused = await refusedIndexes(stepContext, steps, await invalidIndexes(connection));
    const finding = findingSchema(decided.steps, migrations);
    const stuck = await resumeRefusals(target, connection, steps, { context, finding });
    await connection.execute("begin isolation level read committed");
    try {
      await tryAll(stepContext, steps, { results, refused, stuck });
    } finally {
      await rollback(connection);
    }
  });
}

interface DryRunFindings {
  readonly results: DryRunResults;
  /** By revision: an index that stands in its way as things are now. */
  readonly refused: ReadonlyMap<string, Problem>;
  /** By revision: why a step that an earlier run has begun can't go on. */
  readonly stuck: ReadonlyMap<string, Problem>;
}

async function tryAll(
  context: StepContext,
  steps: readonly Prepared[],
  { results, refused, stuck }: DryRunFindings,
): Promise<void> {
  const left = new Set<string>();
  for (const [index, prepared] of steps.entries()) {
    const { step } = prepared;
    const { revision } = step;
    const missing = results.missing(step, left);
    if (missing !== undefined) {
      left.add(revision);
      results.notTried.push({ revision, because: `it depends on ${missing}` });
      continue;
    }
    const halfWay = stuck.get(revision);
    if (halfWay !== undefined) {
      results.failures.push({ revision, problem: halfWay, uncertain: false });
      left.add(revision);
      continue;
    }
    const problem = refused.get(revision);
    if (problem !== undefined) {
      // A step before it may take that away.
      const uncertain = index > 0;
      const hint = joinSentences(
        problem.hint,
        "This is uncertain: a migration before it may take that away.",
      );
      const unsure = { ...problem, hint };
      results.failures.push({ revision, problem: uncertain ? unsure : problem, uncertain });
      left.add(revision);
      continue;
    }
    if (prepared.problem === null && prepared.form.try === null) {
      if (await isRefused(context, prepared, results)) left.add(revision);
      else results.notTried.push({ revision, because: prepared.because ?? "it runs outside a transaction" });
      continue;
    }
    context.stop.throwIfAborted();
    context.observe({ kind: "step-started", step, index, count: steps.length });
    results.trying = revision;
    try {
      await attempt(context, prepared);
      results.tried.push(revision);
    } catch (error) {
      await judge(context, { prepared, error, results });
    }
    results.trying = undefined;
  }
}

/** Whether a step that cannot be tried would be refused before it begins, as far as that can be asked. */
async function isRefused(context: StepContext, prepared: Prepared, results: DryRunResults): Promise<boolean> {
  const { examine } = prepared.form;
  if (examine === null) return false;
  const { connection, kind, target } = context;
  const reset = resetSession(kind, target.settings, prepared.settings);
  await connection.execute(`savepoint godwit_dry_run; ${withinFile(reset)}`);
  try {
    await examine(context, prepared);
    await connection.execute("rollback to savepoint godwit_dry_run");
    return false;
  } catch (error) {
    await judge(context, { prepared, error, results });
    return true;
  }
}

async function attempt(context: StepContext, prepared: Prepared): Promise<void> {
  const { connection } = context;
  await connection.execute("savepoint godwit_dry_run");
  if (prepared.problem !== null) throw new SourceError([prepared.problem]);
  using _observed = watch(context, () => prepared.step, context.target.settings.lockTimeoutMs);
  await connection.execute(resetSession(context.kind, context.target.settings, prepared.settings));
  const expected = expectedOf(prepared);
  if (expected.before !== "") await connection.execute(expected.before);
  const first = await prepared.form.try?.(context, prepared);
  try {
    await connection.execute(`${CALM}; set constraints all immediate; ${expected.after}`);
  } catch (error) {
    // A statement failed, the module caught the error, and the transaction was lost all the same.
    throw (error as DatabaseError).sqlState === "25P02" && first !== undefined ? first : asUnexpected(error);
  }
  await refuseEnded(context, prepared);
}

/** Of a step that has ended the transaction nothing can be rolled back any more, nor of those before it. */
async function refuseEnded({ connection }: StepContext, { step }: Prepared): Promise<void> {
  try {
    await connection.execute("release savepoint godwit_dry_run; savepoint godwit_dry_run");
  } catch (error) {
    if (!hasEnded(error)) throw error;
    throw new StepFailed(
      {
        code: "STEP_ENDED_TRANSACTION",
        message: `${step.file} ended the transaction of the dry run: what it has committed, its own work and that of the steps before it, is in the database.`,
        hint: "Look at the database. A migration must not begin or end transactions itself.",
        place: { file: step.file },
      },
      { cause: error },
    );
  }
}
