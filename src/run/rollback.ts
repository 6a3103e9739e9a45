/**
 * Takes back what a failed `up` has applied: a `down` of exactly the rows that the ledger has of that run, newest first,
 * under the lock.
 *
 *   up fails ─► its rows in the ledger ─► nothing of others above them? ─► down ─► the first error, with what became of it
 *
 * A signal or the deadline is no failure of a migration. Then nothing is taken back: what is applied is whole, and the next
 * run continues. A rollback that is interrupted, or fails, stops between two steps like any `down`, and names the rest.
 */
import { randomUUID } from "node:crypto";
import { PHASES } from "../core/migration.ts";
import { ConfigError, GodwitError, Interrupted, PlanRefused, type Problem, problemsOf } from "../errors.ts";
import type { MigrateOptions } from "./plan.ts";
import type { Report, Rollback } from "./report/report.ts";
import type { RunContext } from "./session/target.ts";

export interface RollbackOptions {
  readonly context: RunContext;
  /** Carries out a `down` with these options. */
  readonly revert: (options: MigrateOptions, context: RunContext) => Promise<Report>;
}

/** Throws `ConfigError` or `PlanRefused` where a run that must be able to go back can't be one. */
export function refuseRollback(options: MigrateOptions, imports: readonly { readonly name: string }[]): void {
  if (options.failure === "continue")
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "After a failure a run either goes on (onFailure: continue) or goes back (rollbackOnFailure).",
      hint: "Leave --on-failure out, or --rollback-on-failure (GODWIT_ROLLBACK_ON_FAILURE=false).",
      details: { options: ["onFailure", "rollbackOnFailure"] },
    });
  const [first] = imports;
  if (first === undefined) return;
  const names = imports.map(({ name }) => name).join(", ");
  const phases = options.goal.phases.filter((phase) => phase !== "import").join(" ");
  throw new PlanRefused([
    {
      code: "PLAN_NO_ROLLBACK",
      message: `A rollback could not take back imported files (${names}). Nothing was begun.`,
      hint: `\`godwit up --rollback-on-failure --phase ${phases || "startup"}\` migrates without them; then \`godwit import\`.`,
      details: { imports: imports.map(({ name }) => name) },
    },
  ]);
}

/** The report of `error`, which then says what was taken back. Never throws. */
export async function takeBack(
  error: GodwitError,
  { context, revert }: RollbackOptions,
): Promise<Report | undefined> {
  const report = error.report as Report | undefined;
  const applied = report?.steps.map(({ revision }) => revision) ?? [];
  const half = report?.failures.some(({ committed }) => committed !== "none") === true;
  if (report === undefined || (applied.length === 0 && !half)) return report;
  const rollback =
    error instanceof Interrupted ? notBegun(error, applied) : await revertAll(applied, { context, revert });
  context.observe({ kind: "rollback-done", rollback });
  return { ...report, rollback };
}

function notBegun({ code, message }: Interrupted, applied: readonly string[]): Rollback {
  return {
    ...{ outcome: "not begun", runId: null, reverted: [], kept: applied, unknown: [] },
    problem: {
      code,
      message: `Nothing was taken back, because the run was interrupted and has not failed: ${message}`,
      hint: "`godwit up` continues where it stopped.",
    },
  };
}

async function revertAll(
  applied: readonly string[],
  { context, revert }: RollbackOptions,
): Promise<Rollback> {
  const runId = randomUUID();
  context.observe({ kind: "rollback-started", revisions: applied.toReversed() });
  const options: MigrateOptions = {
    goal: { direction: "down", to: "base", phases: PHASES },
    failure: "stop",
    outOfOrder: false,
    appliedBy: context.runId,
  };
  // The log tells what a run has done by its id, so the way back has one of its own.
  const own = { ...context, runId };
  try {
    const { steps } = await revert(options, own);
    return { outcome: "done", runId, reverted: steps.map(({ revision }) => revision), kept: [], unknown: [] };
  } catch (thrown) {
    const known = thrown instanceof GodwitError ? (thrown.report as Report | undefined) : undefined;
    const reverted = known?.steps.map(({ revision }) => revision) ?? [];
    const unknown =
      known?.failures.filter(({ committed }) => committed !== "none").map(({ revision }) => revision) ?? [];
    const gone = new Set([...reverted, ...unknown]);
    return {
      outcome: thrown instanceof Interrupted ? "interrupted" : "failed",
      runId,
      reverted,
      kept: applied.filter((revision) => !gone.has(revision)),
      unknown,
      problem: problemsOf(thrown)[0] as Problem,
    };
  }
}
