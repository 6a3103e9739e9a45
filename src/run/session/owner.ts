/** Whether the ledger belongs to these files. This is asked before anything is written into it. */
import { checkOwner, isReplaced } from "../../core/checks.ts";
import { graphOf } from "../../core/graph.ts";
import { versioned } from "../../core/heads.ts";
import { type History, type HistoryEntry, hasHadFile } from "../../core/history.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import type { Target } from "./target.ts";

/** The migrations applied from a file that these files replace, where a person has declared that. Throws like `refuseForeign`. */
export function replacedBy(target: Target, files: Listing, history: History): readonly HistoryEntry[] {
  const graph = graphOf(files.migrations, { order: target.settings.order });
  if (!isReplaced(graph, history) || graph.heads.length === 0) {
    refuseForeign(target, files, history);
    return [];
  }
  // Another project name is refused even then.
  refuseForeign(target, { ...files, migrations: [] }, history);
  const old = versioned(history).filter(hasHadFile);
  const open = old.find(({ state }) => state !== "applied");
  if (open !== undefined)
    throw new PlanRefused([
      {
        code: "BASELINE_CONFLICT",
        message: `${open.revision} stands half-way, and its file ${open.file} is gone.`,
        hint: "Restore the old files, complete it with `godwit up` or `godwit down -1`, then declare what replaces them.",
        details: { revision: open.revision },
      },
    ]);
  return old;
}

/** Throws `PlanRefused` (`LEDGER_FOREIGN`; `PLAN_VANISHED` where the ledger holds one revision, whose file is gone). */
export function refuseForeign(target: Target, files: Listing, history: History): void {
  const foreign = foreignTo(target, files, history);
  if (foreign !== undefined) throw new PlanRefused([foreign]);
}

/** As `refuseForeign`, for what corrects the ledger: a single revision whose file is gone can be forgotten. */
export function refuseForeignRepair(target: Target, files: Listing, history: History): void {
  const foreign = foreignTo(target, files, history);
  if (foreign?.code === "LEDGER_FOREIGN") throw new PlanRefused([foreign]);
}

function foreignTo({ settings }: Target, files: Listing, history: History): Problem | undefined {
  const graph = graphOf(files.migrations, { order: settings.order });
  return checkOwner(graph, history, settings.project);
}

/**
 * Applied migrations whose files are gone, and which stand before `last`. Their effect is in its file now, or in one before it,
 * once a person says so.
 */
export function squashedInto(
  { settings }: Target,
  last: string | undefined,
  { files, history }: { readonly files: Listing; readonly history: History },
): readonly string[] {
  const graph = graphOf(files.migrations, { order: settings.order });
  const entries = versioned(history);
  const end = entries.find(({ revision }) => revision === last)?.sequence ?? -1;
  const isGone = ({ revision, state, sequence }: HistoryEntry) =>
    state === "applied" && sequence < end && !graph.byId.has(revision);
  return entries.filter((entry) => isGone(entry) && hasHadFile(entry)).map(({ revision }) => revision);
}
