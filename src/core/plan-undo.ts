/** Decides what `godwit backfill undo` does: one backfill gives back what it changed, whatever depends on it, unless that requires it. */
import { ConfigError } from "../errors.ts";
import { runningAmong } from "./background.ts";
import { requiredByApplied } from "./gates.ts";
import type { Graph } from "./graph.ts";
import { type Expression, walk } from "./revision.ts";
import type { Draft, PlanInput, Step } from "./step.ts";

/** Throws `ConfigError` if it is not in the ledger, neither applied nor half done. */
export function planUndo({ goal, history }: PlanInput, graph: Graph, expression: Expression): Draft {
  const revision = expression.kind === "revision" ? walk(expression, graph) : goal.to;
  const entry = history.entries.find((one) => one.revision === revision);
  if (entry === undefined)
    throw new ConfigError({
      code: "REVISION_UNKNOWN",
      message: `${revision} is not applied to this database, so it has no old values to bring back.`,
      hint: "`godwit status` shows what is applied.",
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
