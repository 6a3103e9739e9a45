/** What is asked of a plan: from the options of a run, the files and the ledger to the input of `core/plan.ts`. */
import type { History } from "../core/history.ts";
import type { Direction } from "../core/migration.ts";
import type { Goal, plan } from "../core/plan.ts";
import { SourceError } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import type { Target } from "./session/target.ts";

export interface MigrateOptions {
  readonly goal: Goal;
  readonly failure: "stop" | "continue";
  readonly outOfOrder: boolean;
  /** `up`: what this run has applied is reverted if it fails. A plan without a way back is refused. */
  readonly rollback?: boolean | undefined;
  /** `down`: exactly what the run with this id has applied. */
  readonly appliedBy?: string | undefined;
}

/** Whether this is all there is, files included: `up`, `up heads`, and `up head`, as Alembic calls it. */
export function includesImports({ direction, to, phases }: Goal): boolean {
  return direction === "up" && (to === "head" || to === "heads") && phases.includes("import");
}

/** What a plan of this goal does: `base` and `-1` say how far to go back. */
export function directionOf(to: string): Direction {
  return to === "base" || /^-\d+$/.test(to) ? "down" : "up";
}

/** With what another tool takes for applied. */
export function beside(
  input: ReturnType<typeof planInput>,
  passedOver: ReadonlyMap<string, string>,
): ReturnType<typeof planInput> {
  return { ...input, policy: { ...input.policy, passedOver } };
}

export function planInput(
  target: Target,
  options: MigrateOptions,
  files: Listing,
  history: History,
): Parameters<typeof plan>[0] {
  return {
    migrations: files.migrations,
    problems: files.problems,
    order: target.settings.order,
    history,
    goal: options.goal,
    policy: { outOfOrder: options.outOfOrder, failure: options.failure, project: target.settings.project },
  };
}

/** The goal of a rollback: what the ledger says its run applied. What it adopted or declared was there before. */
export function ownGoal(goal: Goal, runId: string | undefined, { entries }: RecordedHistory): Goal {
  if (runId === undefined) return goal;
  const own = entries.filter((entry) => entry.runId === runId && !entry.baseline);
  return { ...goal, only: own.map(({ revision }) => revision) };
}

/** Under `continue` they stopped nobody, but what they were meant for is not done. */
export function refuseUnusable({ problems: [first, ...others] }: Listing): void {
  if (first !== undefined) throw new SourceError([first, ...others]);
}

/** Of a goal that counts steps, what is left of it; `null`: nothing. */
export function goalLeft(goal: Goal, done: number): Goal | null {
  const [, sign, count] = /^([+-])(\d+)$/.exec(goal.to) ?? [];
  if (sign === undefined || done === 0) return goal;
  const left = Number(count) - done;
  return left > 0 ? { ...goal, to: `${sign}${left}` } : null;
}
