/**
 * `up` where files are imported too: what comes before the import, the import, what comes after it. Three runs in a
 * row, so that the migration lock is free while files are read for hours.
 *
 *   startup, import (migrations) ─► imports (files) ─► complex, contract
 *
 * Under `stop` a failure ends it there. Under `continue` the rest goes on, and it is a failure in the end.
 */
import type { Phase } from "../core/migration.ts";
import type { Connection } from "../database/connection.ts";
import { GodwitError, Interrupted } from "../errors.ts";
import type { ImportReport } from "../import/report.ts";
import { type Checking, runChecks } from "./checks/checks.ts";
import { type Import, runImport } from "./import.ts";
import type { Approval } from "./max-risk.ts";
import { migrate } from "./migrate.ts";
import { includesImports, type MigrateOptions } from "./plan.ts";
import type { Report } from "./report/report.ts";
import { together } from "./report/together.ts";
import { refuseRollback, takeBack } from "./rollback.ts";
import { asInterruption } from "./session/ending.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface UpOptions {
  readonly context: RunContext;
  /** Asked only where files are imported at all. */
  readonly imports: () => Promise<readonly Import[]>;
  /** What `maxRisk` is judged by. */
  readonly approval: Approval;
}

/**
 * `up`, for command and library alike. Throws the first failure, whose `report` is that of everything. Where that was
 * asked for, what this run has applied is taken back then.
 */
export async function migrateUp(
  target: Target,
  given: MigrateOptions,
  { context, imports, approval }: UpOptions,
): Promise<Report> {
  const { checks = [], ...asked } = given;
  const before = new BeforeChecks({ target, checks, context });
  const allowed = asked.maxRisk === undefined ? asked : await approval(asked, context);
  const options: MigrateOptions = { ...allowed, beforeSteps: (connection) => before.pass(connection) };
  const wanted = includesImports(options.goal) ? await imports() : [];
  const rollback = options.rollback === true;
  if (rollback) refuseRollback(options, wanted);
  const attempt = (around: RunContext) =>
    wanted.length === 0
      ? migrate(target, options, around)
      : // Files are imported whether or not a migration is pending.
        before
          .pass(null)
          .then(() => migrateEverything(target, options, { context: around, imports: wanted }));
  if (!rollback && checks.length === 0) return attempt(context);
  // Whoever watches is told of one end: of the run with its checks and its way back.
  const unended: RunContext = {
    ...context,
    observe: (event) => {
      if (event.kind !== "finished") context.observe(event);
    },
  };
  const ended = (report: Report) => context.observe({ kind: "finished", report });
  try {
    const report = await checked(await attempt(unended), { target, checks, context }, before.passed);
    ended(report);
    return report;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    const revert = (way: MigrateOptions, own: RunContext) => migrate(target, way, own);
    const report = rollback
      ? await takeBack(error, { context: unended, revert, projectFlags: options.projectFlags })
      : (error.report as Report | undefined);
    if (report !== undefined) {
      error.report = report;
      ended(report);
    }
    throw error;
  }
}

/** The checks before a run, which may be asked for by several parts of it, and are asked once. */
class BeforeChecks {
  readonly #checking: Checking;
  #asked: Promise<readonly string[]> | null = null;
  passed: readonly string[] = [];

  constructor(checking: Checking) {
    this.#checking = checking;
  }

  async pass(connection: Connection | null): Promise<void> {
    this.#asked ??= runChecks(this.#checking, "before", connection);
    this.passed = await this.#asked;
  }
}

/** The report with the names of the checks that have passed. Throws the error of the first that did not. */
async function checked(report: Report, checking: Checking, before: readonly string[]): Promise<Report> {
  const { checks, context } = checking;
  if (checks.length === 0) return report;
  try {
    return { ...report, checks: [...before, ...(await runChecks(checking, "after"))] };
  } catch (thrown) {
    const error = asInterruption(thrown, context.signal);
    if (error instanceof GodwitError)
      error.report = { ...report, outcome: error instanceof Interrupted ? "interrupted" : "failed" };
    throw error;
  }
}

async function migrateEverything(
  target: Target,
  options: MigrateOptions,
  { context, imports }: { readonly context: RunContext; readonly imports: readonly Import[] },
): Promise<Report> {
  const { phases } = options.goal;
  const before = phases.filter((phase) => BEFORE.has(phase));
  const after = phases.filter((phase) => !BEFORE.has(phase));
  const reports: Report[] = [];
  const around = warningOnce(context);
  const imported: ImportReport[] = [];
  let first: GodwitError | undefined;

  const attempt = async (work: () => Promise<void>, keep: (report: object) => void) => {
    if (first !== undefined && (options.failure === "stop" || first instanceof Interrupted)) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      first ??= error;
      if (error.report !== undefined) keep(error.report);
    }
  };
  const runPhases = (some: readonly Phase[]) =>
    attempt(
      async () =>
        void reports.push(
          await migrate(target, { ...options, goal: { ...options.goal, phases: some } }, around),
        ),
      (report) => reports.push(report as Report),
    );

  if (before.length > 0) await runPhases(before);
  const unbegun = new Set(imports.map(({ name }) => name));
  for (const wanted of imports)
    await attempt(
      async () => {
        unbegun.delete(wanted.name);
        imported.push(await runImport(target, wanted, context));
      },
      (report) => imported.push(report as ImportReport),
    );
  // All phases once more, so that what depends on a failure of the first run is named as what was not begun.
  if (after.length > 0) await runPhases(phases);
  // Nobody asked for phases at all but the import's, or what came first was interrupted.
  if (reports.length === 0 && first === undefined) await runPhases(phases);
  const report = together(reports);
  if (first === undefined) {
    if (report === undefined) throw new Error("Nothing was run.");
    return { ...report, imports: imported };
  }
  // The migrations may all be done: it is the run as a whole that is not.
  const outcome: Report["outcome"] = first instanceof Interrupted ? "interrupted" : "failed";
  const left = report === undefined ? {} : withoutHeld(report, phases);
  first.report = { ...left, outcome, imports: imported, importsRemaining: [...unbegun] };
  throw first;
}

/** Each of several runs in a row finds what is still so. */
function warningOnce(context: RunContext): RunContext {
  const told = new Set<string>();
  return {
    ...context,
    observe: (event) => {
      const size = told.size;
      if (event.kind === "warning") told.add(`${event.problem.code} ${event.problem.message}`);
      if (event.kind !== "warning" || told.size > size) context.observe(event);
    },
  };
}

/** What waits for a phase that was asked for is remaining. A run that ended before that phase calls it held. */
function withoutHeld(report: Report, phases: readonly Phase[]): Report {
  const later = report.held.filter(({ phase }) => phases.includes(phase));
  const held = report.held.filter((each) => !later.includes(each));
  const remaining = [...new Set([...report.remaining, ...later.map(({ revision }) => revision)])];
  return { ...report, remaining, held };
}

const BEFORE: ReadonlySet<Phase> = new Set(["startup", "import"]);
