/** Pairs of files that are close and in different groups. A person is asked about each. Values in, values out. */
import type { Candidate, CompareColours, Link, Verdict } from "./candidates.ts";
import type { Limits } from "./limits.ts";

export interface Review {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly distance256: number;
  /** The distance in colour, in whole steps. `null`: it is not known. */
  readonly colours: number | null;
}

/** The results of grouping. */
export interface Grouped {
  /** The number of the group of each file. */
  readonly groupOf: ReadonlyMap<number, number>;
  readonly byContent: ReadonlyMap<number, readonly Candidate[]>;
  readonly byClass: ReadonlyMap<number, readonly Candidate[]>;
}

export interface ReviewInput {
  readonly links: readonly Link[];
  readonly verdicts: readonly Verdict[];
  readonly limits: Limits;
  readonly compareColours: CompareColours;
}

/**
 * The closest pair of every two groups, the closest first. Two groups have no pair if a person has judged one between
 * them.
 */
export function pairsForReview(
  { groupOf, byContent, byClass }: Grouped,
  { links, verdicts, limits, compareColours }: ReviewInput,
): readonly Review[] {
  const judged = new Set<string>();
  for (const { left, right } of verdicts) {
    const [one, another] = [groupOf.get(left), groupOf.get(right)];
    if (one !== undefined && another !== undefined) judged.add(keyOf(one, another));
  }
  const closest = new Map<string, Review>();
  const offer = (one: Candidate, another: Candidate, distance: number, distance256: number) => {
    const [a, b] = [groupOf.get(one.id) ?? -1, groupOf.get(another.id) ?? -1];
    if (a === b) return;
    const key = keyOf(a, b);
    if (judged.has(key)) return;
    const [left, right] = one.id < another.id ? [one.id, another.id] : [another.id, one.id];
    const colours = one.content === another.content ? 0 : compareColours(one.content, another.content);
    const pair = { left, right, distance, distance256, colours: colours && Math.round(colours) };
    const known = closest.get(key);
    if (known === undefined || compareReviews(pair, known) < 0) closest.set(key, pair);
  };
  const spokesmen = (some: readonly Candidate[] | undefined) => onePerGroup(some ?? [], groupOf);
  // Equal files are in different groups if a person or their colours separated them.
  for (const some of [...byContent.values(), ...byClass.values()]) offerAll(spokesmen(some), undefined, 0, 0);
  for (const link of links) {
    if (link.distance > limits.radius || link.distance256 > limits.review256) continue;
    offerAll(
      spokesmen(byClass.get(link.left)),
      spokesmen(byClass.get(link.right)),
      link.distance,
      link.distance256,
    );
  }
  return [...closest.values()].sort(compareReviews);

  function offerAll(
    some: readonly Candidate[],
    others: readonly Candidate[] | undefined,
    ...[distance, distance256]: [number, number]
  ): void {
    if (others === undefined && some.length < 2) return;
    for (const [one, another] of pairsOf(some, others ?? some)) offer(one, another, distance, distance256);
  }
}

/** The oldest file of each group. `some` is ordered by age. */
function onePerGroup(some: readonly Candidate[], groupOf: ReadonlyMap<number, number>): readonly Candidate[] {
  if (some.length < 2) return some;
  const first = new Map<number, Candidate>();
  for (const file of some) {
    const group = groupOf.get(file.id) ?? -1;
    if (!first.has(group)) first.set(group, file);
  }
  return [...first.values()];
}

/**
 * The pairs among some files. Beyond `MOST_PAIRS` each file is paired with the oldest only, because thousands of
 * colours of one look would mean millions of pairs.
 */
function* pairsOf(
  some: readonly Candidate[],
  others: readonly Candidate[],
): Generator<readonly [Candidate, Candidate]> {
  const [first, another] = [some[0], others[0]];
  if (first === undefined || another === undefined) return;
  if (some.length * others.length <= MOST_PAIRS) {
    for (const one of some) for (const other of others) yield [one, other];
    return;
  }
  for (const other of others) yield [first, other];
  for (const one of some) yield [one, another];
}

const MOST_PAIRS = 2_500;

function keyOf(one: number, another: number): string {
  return one < another ? `${one} ${another}` : `${another} ${one}`;
}

function compareReviews(one: Review, another: Review): number {
  return (
    one.distance256 - another.distance256 ||
    one.distance - another.distance ||
    one.left - another.left ||
    one.right - another.right
  );
}
