/** Decides what `godwit backfill undo` does: one backfill gives back what it changed, whatever depends on it, unless that requires it. */
import { ConfigError } from "../errors.ts";
import { keepsOldValues } from "./backfill.ts";
import { runningAmong } from "./background.ts";
import { requiredByApplied } from "./gates.ts";
import type { Graph } from "./graph.ts";
import type { Migration } from "./migration.ts";
import { type Expression, walk } from "./revision.ts";
import type { Draft, PlanInput, Step } from "./step.ts";

/** Throws `ConfigError` if it is not in the ledger, neither applied nor half done. */
export function planUndo({ goal, history }: PlanInput, graph: Graph, expression: Expression): Draft {
  const revision = expression.kind === "revision" ? walk(expression, graph) : goal.to;
  const entry = history.entries.find((one) => one.revision === revision);
  if (entry === undefined)
    throw new ConfigError({
      code: "REVISION_UNKNOWN",
      message: `${revision} is not applied to this database, neither whole nor in part.`,
      hint: hintOf(graph.byId.get(revision)),
      details: { revision },
    });
  const migration = graph.byId.get(revision);
  const step: Step = {
    revision,
    kind: entry.kind,
    direction: "down",
    phase: entry.phase,
    file: migration?.file ?? entry.file,
    checksum: migration?.checksum ?? entry.checksum,
    reason: entry.state === "reverting" ? "resume" : "asked",
    undo: true,
    after: [],
  };
  // One that is half-way back must be able to go on.
  const required = entry.state === "reverting" ? [] : requiredByApplied(revision, { graph, history });
  const problems = [...runningAmong([revision], history), ...required];
  return { steps: [step], held: [], problems, warnings: [] };
}

/** Old values of an earlier attempt stay where the ledger has forgotten it, or shall try it again. */
function hintOf(migration: Migration | undefined): string {
  const applied = "`godwit status` shows what is applied.";
  if (migration === undefined || !keepsOldValues(migration)) return applied;
  const { id } = migration;
  return `${applied} If an earlier attempt has kept old values, the next one goes on with them: \`godwit up ${id}\`, then \`godwit backfill undo ${id}\` brings back what both have changed. Or \`godwit backfill forget ${id}\` drops them.`;
}
