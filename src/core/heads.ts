/** What people ask about a graph: its order, its heads, and where a database stands on it. */
import { type Graph, graphOf } from "./graph.ts";
import type { History, HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import { compareNumbers, reach } from "./order.ts";

/** The total order, parents and dependencies first, repeatables last; the same for every listing order. */
export function ordered(
  migrations: readonly Migration[],
  order: readonly string[] = [],
): readonly Migration[] {
  return graphOf(migrations, { order }).order;
}

/** Ids that no migration names as its parent; in a line, the last one. */
export function headsOf(migrations: readonly Migration[], order: readonly string[] = []): readonly string[] {
  return graphOf(migrations, { order }).heads;
}

/** The tips of what is applied: revisions on which no other applied one stands. In a line, one at most. */
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

/** Entries of the line or graph, partial ones too, in the order in which they were applied. */
export function versioned(history: History): readonly HistoryEntry[] {
  return history.entries
    .filter((entry) => entry.kind !== "repeatable")
    .toSorted((left, right) => left.sequence - right.sequence);
}

/**
 * Applied revisions without a file that are newer than all that these files know: the mark of an older
 * release on a newer database. Repeatables do not count: they run again long after what came before them.
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
