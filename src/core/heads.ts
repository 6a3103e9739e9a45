/** Answers what people ask about a graph: its order, its heads, and where a database stands in it. */
import { type Graph, graphOf } from "./graph.ts";
import type { History, HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import { compareNumbers, reach } from "./order.ts";

/** The total order: parents and dependencies first, repeatables last. It does not depend on how the files were listed. */
export function ordered(
  migrations: readonly Migration[],
  order: readonly string[] = [],
): readonly Migration[] {
  return graphOf(migrations, { order }).order;
}

/** Ids that no migration names as its parent. In a line, this is the last one. */
export function headsOf(migrations: readonly Migration[], order: readonly string[] = []): readonly string[] {
  return graphOf(migrations, { order }).heads;
}

/** The tips of the applied set: revisions that no other applied revision has as its parent. A line has at most one. */
export function currentOf(
  migrations: readonly Migration[],
  history: History,
  order: readonly string[] = [],
): readonly string[] {
  const graph = graphOf(migrations, { order });
  const applied = versioned(history).filter((entry) => entry.state === "applied");
  const ledgerParents = new Map(applied.map((entry) => [entry.revision, entry.parents]));
  const parents = (id: string) => (graph.byId.has(id) ? graph.parents(id) : (ledgerParents.get(id) ?? []));
  if (graph.shape === "line") {
    const ahead = aheadOf(graph, history);
    const last =
      applied.findLast((entry) => ahead.has(entry.revision) && !entry.baseline)?.revision ??
      graph.order.findLast((migration) => ledgerParents.has(migration.id))?.id ??
      applied.at(-1)?.revision;
    return last === undefined ? [] : [last];
  }
  const below = reach(
    applied.flatMap((entry) => parents(entry.revision)),
    parents,
  );
  const tips = applied.map((entry) => entry.revision).filter((id) => !below.has(id));
  const place = new Map(graph.order.map((migration, index) => [migration.id, index]));
  return tips.sort((left, right) => (place.get(left) ?? place.size) - (place.get(right) ?? place.size));
}

/** Entries that belong to the line or graph, including partial ones, in the order in which they were applied. */
export function versioned(history: History): readonly HistoryEntry[] {
  return history.entries
    .filter((entry) => entry.kind !== "repeatable")
    .toSorted((left, right) => left.sequence - right.sequence);
}

/**
 * Applied revisions that have no file and are newer than all that the files know. They show that an older release meets
 * a newer database. Repeatables do not count, because they run again long after the migrations before them.
 */
export function aheadOf(graph: Graph, history: History): ReadonlySet<string> {
  const entries = versioned(history);
  const newestKnown = entries.findLast((entry) => graph.byId.has(entry.revision))?.sequence ?? -1;
  const greatest = graph.order
    .flatMap(({ kind, number }) => (kind === "repeatable" ? [] : (number ?? [])))
    .reduce((best, number) => (compareNumbers(number, best) > 0 ? number : best), "");
  const isAhead = ({ revision, number, sequence }: HistoryEntry) => {
    if (graph.byId.has(revision)) return false;
    return graph.shape === "line" && number !== null
      ? greatest === "" || compareNumbers(number, greatest) > 0
      : sequence > newestKnown;
  };
  return new Set(entries.filter(isAhead).map((entry) => entry.revision));
}
