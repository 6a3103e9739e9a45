/** Decides which command takes back what a rollback has left. */
import { graphOf } from "./graph.ts";
import { appliedIn, askedFor } from "./plan-down.ts";
import type { Expression } from "./revision.ts";
import type { PlanInput } from "./step.ts";

/**
 * Takes the input of the rollback's plan, and what of it has been reverted since. A revision or `base` is preferred: the
 * command then does no harm when others have applied more meanwhile, or when it is given twice. `null`: no command takes
 * back exactly that.
 */
export function goalOfRest(input: PlanInput, reverted: ReadonlySet<string>): string | null {
  const graph = graphOf(input.migrations, { order: input.order, applied: new Set() });
  const applied = appliedIn(input.history, graph);
  const only = new Set(input.goal.only);
  const own = new Set(
    applied.entries.map(({ revision }) => revision).filter((revision) => only.has(revision)),
  );
  const left = [...own].filter((revision) => !reverted.has(revision)).length;
  if (left === 0) return null;
  const isOwn = (expression: Expression) => {
    const asked = askedFor(applied, graph, expression);
    return asked.length === own.size && asked.every((revision) => own.has(revision));
  };
  const below = applied.entries.findLast(({ revision }) => !own.has(revision))?.revision;
  if (below === undefined) return "base";
  if (graph.byId.has(below) && isOwn({ kind: "revision", from: below, offset: 0 })) return below;
  return isOwn({ kind: "steps", count: -own.size }) ? `-${left}` : null;
}
