/** Whether the ledger is that of these files: asked before anything is written into it. */
import { checkOwner } from "../core/checks.ts";
import { graphOf } from "../core/graph.ts";
import type { History } from "../core/history.ts";
import { PlanRefused } from "../errors.ts";
import type { Listing } from "../source/source.ts";
import type { Target } from "./target.ts";

/** Throws `PlanRefused` (`LEDGER_FOREIGN`). */
export function refuseForeign({ settings }: Target, files: Listing, history: History): void {
  const graph = graphOf(files.migrations, { order: settings.order });
  const foreign = checkOwner(graph, history, settings.project);
  if (foreign !== undefined) throw new PlanRefused([foreign]);
}
