/** Orders of migrations. They depend on names and numbers only, never on how a folder was listed. */
import type { Migration } from "./migration.ts";

export interface Sorted {
  /** Every id exactly once. It is complete even if there are cycles. */
  readonly order: readonly string[];
  /** Each cycle as `[a, b, c]`: a depends on b, b on c, and c on a. */
  readonly cycles: readonly (readonly string[])[];
}

/** Puts every id after all of `below(id)`. Of the ids that are free, the smallest by `compare` comes first. */
export function sortTopologically(
  ids: Iterable<string>,
  below: (id: string) => readonly string[],
  compare: (left: string, right: string) => number,
): Sorted {
  const sorted = [...ids].sort(compare);
  const rank = new Map(sorted.map((id, index) => [id, index]));
  const waitsFor = new Map<string, Set<string>>();
  const above = new Map<string, string[]>();
  for (const id of sorted) {
    const known = new Set(below(id).filter((other) => rank.has(other)));
    waitsFor.set(id, known);
    for (const other of known) {
      const others = above.get(other);
      if (others === undefined) above.set(other, [id]);
      else others.push(id);
    }
  }

  const order: string[] = [];
  const cycles: string[][] = [];
  // Highest rank first, because the next one is taken from the end.
  const ready = sorted.filter((id) => waitsFor.get(id)?.size === 0).reverse();
  const emit = (id: string) => {
    order.push(id);
    waitsFor.delete(id);
    for (const other of above.get(id) ?? []) {
      const left = waitsFor.get(other);
      if (left?.delete(id) && left.size === 0) insert(ready, other, rank);
    }
  };
  while (waitsFor.size > 0) {
    const next = ready.pop();
    if (next !== undefined) {
      if (waitsFor.has(next)) emit(next);
      continue;
    }
    const cycle = findCycle(waitsFor, rank);
    cycles.push(cycle);
    for (const id of [...cycle].sort(byRank(rank))) emit(id);
  }
  return { order, cycles };
}

/** Everything that can be reached from `from` through `next`, including `from`. */
export function reach(from: Iterable<string>, next: (id: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set(from);
  // The set grows during the loop, and the loop still visits each member once.
  for (const id of seen) for (const other of next(id)) seen.add(other);
  return seen;
}

/**
 * Compares by the source's own positions, if it has them. Otherwise numbered files come first, by number. Those listed
 * in `order` follow, and then the rest by id.
 */
export function byPlace(order: readonly string[]): (left: Migration, right: Migration) => number {
  const position = new Map([...order].reverse().map((id, index) => [id, order.length - index]));
  const place = (migration: Migration) => position.get(migration.id) ?? Number.MAX_SAFE_INTEGER;
  return (left, right) => {
    if (left.position !== undefined && right.position !== undefined) return left.position - right.position;
    if (left.number !== null && right.number !== null) {
      return compareNumbers(left.number, right.number) || compareText(left.id, right.id);
    }
    if (left.number !== null) return -1;
    if (right.number !== null) return 1;
    return place(left) - place(right) || compareText(left.id, right.id);
  };
}

/** Compares digits without leading zeros as integers of any length. A timestamp with microseconds does not fit a double. */
export function compareNumbers(left: string, right: string): number {
  return left.length - right.length || compareText(left, right);
}

/** Compares by code units, which is the same on every machine. A locale's order is not. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function insert(ready: string[], id: string, rank: ReadonlyMap<string, number>): void {
  const own = rank.get(id) ?? 0;
  let [low, high] = [0, ready.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rank.get(ready[middle] ?? "") ?? 0) > own) low = middle + 1;
    else high = middle;
  }
  ready.splice(low, 0, id);
}

/** Finds a cycle when nothing is free. Following the edges from any id then leads back to an id already visited. */
function findCycle(
  waitsFor: ReadonlyMap<string, ReadonlySet<string>>,
  rank: ReadonlyMap<string, number>,
): string[] {
  const smallest = (ids: Iterable<string>) => [...ids].sort(byRank(rank))[0] ?? "";
  const walked: string[] = [];
  let here = smallest(waitsFor.keys());
  while (!walked.includes(here)) {
    walked.push(here);
    here = smallest(waitsFor.get(here) ?? []);
  }
  const cycle = walked.slice(walked.indexOf(here));
  const start = cycle.indexOf(smallest(cycle));
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}

function byRank(rank: ReadonlyMap<string, number>): (left: string, right: string) => number {
  return (left, right) => (rank.get(left) ?? 0) - (rank.get(right) ?? 0);
}
