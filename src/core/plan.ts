/** Decides what a run does, from values to values. `godwit up` executes exactly what `godwit plan` prints. */
import { ConfigError, ERROR_CODES, PlanRefused, type Problem, SourceError } from "../errors.ts";
import { checkApplied, checkOwner } from "./checks.ts";
import { type Graph, graphOf, severalHeads } from "./graph.ts";
import { late } from "./numbers.ts";
import { planDown } from "./plan-down.ts";
import { planUndo } from "./plan-undo.ts";
import { planUp } from "./plan-up.ts";
import { type Expression, parseExpression } from "./revision.ts";
import type { Plan, PlanInput, Step } from "./step.ts";

export type { Goal, Held, Plan, PlanInput, Policy, Step } from "./step.ts";

/**
 * Makes the plan that leads to the goal. It does not depend on the order in which the files were listed.
 * Throws `ConfigError` if the goal cannot be understood, `SourceError` if files are wrong, and `PlanRefused` if a person
 * must decide. The latter two carry everything that was found.
 */
export function plan(input: PlanInput): Plan {
  const { goal, history, policy } = input;
  const applied = new Set(
    history.entries.filter((entry) => entry.state === "applied").map((entry) => entry.revision),
  );
  const graph = graphOf(input.migrations, { order: input.order, applied });
  const owner = checkOwner(graph, history, policy.project);
  if (owner !== undefined) throw refusal([owner]);

  const expression = parseExpression(goal.to, { graph, history, direction: goal.direction });
  const problems: Problem[] = [...graph.problems, ...headProblem(graph, expression)];
  const warnings: Problem[] = [...(input.notes ?? [])];
  // A broken file cannot be named, so it cannot be reverted either. On the way down it stops nothing.
  const strict = goal.direction === "up" && policy.failure === "stop";
  (strict ? problems : warnings).push(...input.problems);
  if (goal.direction === "up") {
    const findings = checkApplied(graph, history);
    problems.push(...findings.problems);
    warnings.push(...findings.warnings);
  }

  const draft = draftOf(input, { graph, expression, problems });
  problems.push(...draft.problems);
  if (problems.length > 0) {
    // A refused run also lists the broken files that alone would not have stopped it.
    const tolerated = goal.direction === "up" && !strict ? [...input.problems, ...draft.warnings] : [];
    throw refusal([...problems, ...tolerated.filter(({ code }) => code === "PLAN_BROKEN_FILE")]);
  }
  return {
    direction: goal.direction,
    goal: goal.to,
    steps: draft.steps,
    held: draft.held,
    ...(draft.waiting === undefined || draft.waiting.length === 0 ? {} : { waiting: draft.waiting }),
    warnings: [...warnings, ...draft.warnings],
  };
}

/** Whether a step that fails will be late in the next run. This happens because steps that do not depend on it go on. */
export function isOvertakenIn(input: PlanInput, steps: readonly Step[], revision: string): boolean {
  const graph = graphOf(input.migrations, { order: input.order, applied: new Set() });
  const own = graph.byId.get(revision);
  const step = steps.find((one) => one.revision === revision);
  if (own === undefined || step?.reason !== "pending" || step.kind === "repeatable") return false;
  const blocked = new Set([revision]);
  for (const one of steps) if (one.after.some((other) => blocked.has(other))) blocked.add(one.revision);
  const others = steps.flatMap((one) =>
    blocked.has(one.revision) ? [] : (graph.byId.get(one.revision) ?? []),
  );
  const entries = others.map(({ id, ...other }) => ({ ...other, revision: id, state: "applied" as const }));
  return late([own], graph, { entries }).length > 0;
}

type ResolvedGoal = { graph: Graph; expression: Expression; problems: readonly Problem[] };

function draftOf(input: PlanInput, { graph, expression, problems }: ResolvedGoal): ReturnType<typeof planUp> {
  try {
    if (input.goal.undo === true) return planUndo(input, graph, expression);
    return (input.goal.direction === "up" ? planUp : planDown)(input, graph, expression);
  } catch (error) {
    // If files are wrong, an unreachable goal is a consequence. Report the files, because they are what you must fix.
    if (error instanceof ConfigError && problems.length > 0) throw refusal(problems);
    throw error;
  }
}

function headProblem(graph: Graph, expression: Expression): readonly Problem[] {
  const theHead =
    expression.kind === "head" ||
    (expression.kind === "steps" && expression.count > 0) ||
    (expression.kind === "revision" && expression.from === "head");
  const problem = theHead ? severalHeads(graph) : undefined;
  return problem === undefined ? [] : [problem];
}

/** Makes one error of all findings. Wrong files come first, because they may be the cause of the rest. */
function refusal(problems: readonly Problem[]): SourceError | PlanRefused {
  const [first, ...others] = problems;
  if (first === undefined) throw new TypeError("A refusal without a problem.");
  const isSource = ERROR_CODES[first.code] === "SourceError";
  return isSource ? new SourceError([first, ...others]) : new PlanRefused([first, ...others]);
}
