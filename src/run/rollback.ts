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
import { goalOfRest } from "../core/rest-back.ts";
import type { PlanInput } from "../core/step.ts";
import {
  ConfigError,
  GodwitError,
  Interrupted,
  PlanRefused,
  type Problem,
  problemsOf,
  StepFailed,
} from "../errors.ts";
import { joinSentences } from "../std/sentences.ts";
import type { MigrateOptions } from "./plan.ts";
import type { Report, Rollback } from "./report/report.ts";
import type { RunContext } from "./session/target.ts";

export interface RollbackOptions {
  readonly context: RunContext;
  /** See `MigrateOptions`. */
  readonly projectFlags?: string | undefined;
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
      hint: `\`godwit up --rollback-on-failure --phase ${phases || "startup"}${options.projectFlags ?? ""}\` migrates without them; then \`godwit import\`.`,
      details: { imports: imports.map(({ name }) => name) },
    },
  ]);
}

/** The report of `error`, which then says what was taken back. Never throws. */
export async function takeBack(
  error: GodwitError,
  { context, revert, projectFlags = "" }: RollbackOptions,
): Promise<Report | undefined> {
  const report = error.report as Report | undefined;
  const applied = report?.steps.map(({ revision }) => revision) ?? [];
  const half = report?.failures.some(({ committed }) => committed !== "none") === true;
  if (report === undefined || (applied.length === 0 && !half)) return report;
  const rollback =
    error instanceof Interrupted
      ? notBegun(error, applied)
      : await revertAll(applied, { context, revert, projectFlags });
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
  { context, revert, projectFlags = "" }: RollbackOptions,
): Promise<Rollback> {
  const runId = randomUUID();
  context.observe({ kind: "rollback-started", revisions: applied.toReversed() });
  const gone = new Set<string>();
  let planned: PlanInput | undefined;
  const rest = () => {
    const goal = planned === undefined ? null : goalOfRest(planned, gone);
    return goal === null ? null : `\`godwit down ${goal}${projectFlags}\``;
  };
  const runAgain = () => {
    const command = rest();
    return command === null ? undefined : `run ${command}`;
  };
  const options: MigrateOptions = {
    goal: { direction: "down", to: "base", phases: PHASES },
    failure: "stop",
    outOfOrder: false,
    appliedBy: context.runId,
    onPlanned: (input) => {
      planned = input;
      gone.clear();
    },
    runAgain,
  };
  // The log tells what a run has done by its id, so the way back has one of its own.
  const own: RunContext = {
    ...context,
    runId,
    observe: (event) => {
      if (event.kind === "step-done") gone.add(event.step.revision);
      context.observe(event);
    },
  };
  try {
    const { steps } = await revert(options, own);
    return { outcome: "done", runId, reverted: steps.map(({ revision }) => revision), kept: [], unknown: [] };
  } catch (thrown) {
    const known = thrown instanceof GodwitError ? (thrown.report as Report | undefined) : undefined;
    const reverted = known?.steps.map(({ revision }) => revision) ?? [];
    const unknown =
      known?.failures.filter(({ committed }) => committed !== "none").map(({ revision }) => revision) ?? [];
    const left = new Set([...reverted, ...unknown]);
    return {
      outcome: thrown instanceof Interrupted ? "interrupted" : "failed",
      runId,
      reverted,
      kept: applied.filter((revision) => !left.has(revision)),
      unknown,
      problem: withRest(thrown, { rest: rest(), isOpen: unknown.length > 0 }),
    };
  }
}

/** To run again would go up again. A step that has failed, a refusal, and a step that a person must decide say the way themselves. */
function withRest(
  thrown: unknown,
  { rest, isOpen }: { readonly rest: string | null; readonly isOpen: boolean },
): Problem {
  const problem = problemsOf(thrown)[0] as Problem;
  if (isOpen || thrown instanceof StepFailed || thrown instanceof PlanRefused) return problem;
  const stays = "What is left of this run stays applied";
  const next =
    rest === null ? `${stays}, and \`godwit up\` goes on from there.` : `${stays}: ${rest} takes it back.`;
  // The hint of an interruption speaks of the command that was interrupted.
  return { ...problem, hint: thrown instanceof Interrupted ? next : joinSentences(problem.hint, next) };
}
