/**
 * Which files belong together. Values in, values out.
 *
 * The hashes see shades of grey; colours are looked at beside them. What looks the same and is far apart in colour never
 * shares a group: it is a pair for review. So each member is near in colour to each other one. Where colours are not known (an image of an earlier release), a file joins as
 * it did, and the group says that this is not sure.
 *
 * The oldest file that is in no group yet stands for a new one, and everything that is the same as *it* joins: nobody
 * joins for being like another member, so groups do not drift along a chain. Files between which a person has said
 * "distinct" never share a group. What is close across two groups is a pair for review, one for each two groups, until
 * a person has judged any pair between the two.
 *
 * A group is asked about as long as something in it is open. "Keep this one" ties files together; whoever is tied to a
 * kept file is no longer asked about, so that of an old group with a new member only the kept one and the new are shown.
 */
import { SAME_COLOURS } from "./colours.ts";
import { type Limits, MAX_SHOWN } from "./limits.ts";

export interface Candidate {
  /** Of the file; lower is older. */
  readonly id: number;
  /** The same for files with the same bytes. */
  readonly content: number;
  /** Its classes; `null` where there is none or where it says nothing. */
  readonly visual: number | null;
  readonly white: number | null;
}

export interface Link {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly distance256: number;
}

export interface Verdict {
  readonly left: number;
  readonly right: number;
  readonly verdict: "distinct" | "duplicate";
  readonly kept: number | null;
}

export interface Group {
  /** Id of its oldest file. */
  readonly id: number;
  /** `exact`: all have the same bytes. */
  readonly kind: "exact" | "same";
  /** All of them, the oldest first. */
  readonly members: readonly number[];
  /** Files beyond one of each content: exact copies of another member. */
  readonly copies: number;
  /** Members whose colours could not be compared with those of the oldest. */
  readonly unsure: readonly number[];
  /** Whom to ask about: without those tied to a kept one, and never more than `MAX_SHOWN`. */
  readonly shown: readonly number[];
  /** Of those in `shown`. */
  readonly kept: readonly number[];
  /** There are more to be asked about than shown. */
  readonly truncated: boolean;
  /** All is decided. */
  readonly settled: boolean;
}

export interface Review {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly distance256: number;
  /** How far apart in colour, in whole steps; `null` where that is not known. */
  readonly colours: number | null;
}

/** The distance of two contents in colour; `null` where it is not known. */
export type CompareColours = (left: number, right: number) => number | null;

export interface Grouping {
  readonly groups: readonly Group[];
  readonly review: readonly Review[];
}

export interface GroupInput {
  readonly files: readonly Candidate[];
  readonly links: readonly Link[];
  readonly verdicts: readonly Verdict[];
  readonly limits: Limits;
  /** Default: nothing is known of colours. */
  readonly compareColours?: CompareColours | undefined;
}

export function groupDuplicates({
  files,
  links,
  verdicts,
  limits,
  compareColours = () => null,
}: GroupInput): Grouping {
  const ordered = files.toSorted((left, right) => left.id - right.id);
  const near = neighboursOf(links.filter((link) => link.distance <= limits.radius));
  const decided = decisionsOf(verdicts);
  const byClass = collect(ordered, classesOf);
  const byContent = collect(ordered, (file) => [file.content]);

  const groupOf = new Map<number, number>();
  const groups: Candidate[][] = [];
  for (const oldest of ordered) {
    if (groupOf.has(oldest.id)) continue;
    const number = groups.length;
    const members: Candidate[] = [];
    const contents = new Set<number>();
    for (const file of sameAs(oldest)) {
      if (groupOf.has(file.id) || isDistinctFromAny(file, number)) continue;
      if (!contents.has(file.content) && isFarFromAny(file.content, contents)) continue;
      groupOf.set(file.id, number);
      members.push(file);
      contents.add(file.content);
    }
    groups.push(members);
  }
  return {
    groups: groups
      .filter((members) => members.length > 1)
      .map((members) => describe(members, { decided, compareColours }))
      .sort(
        (left, right) => Number(left.kind === "same") - Number(right.kind === "same") || left.id - right.id,
      ),
    review: reviewOf(),
  };

  /** Itself first, then what is the same, the oldest first. */
  function sameAs(oldest: Candidate): readonly Candidate[] {
    const found = new Map<number, Candidate>();
    const add = (some: readonly Candidate[] | undefined) => {
      for (const file of some ?? []) if (!groupOf.has(file.id)) found.set(file.id, file);
    };
    add(byContent.get(oldest.content));
    for (const own of classesOf(oldest)) {
      add(byClass.get(own));
      for (const link of near.get(own) ?? [])
        if (link.distance256 <= limits.same256) add(byClass.get(other(link, own)));
    }
    return [...found.values()].sort((left, right) => left.id - right.id);
  }

  /** Two members that are near to the oldest one may be far from each other. */
  function isFarFromAny(content: number, contents: ReadonlySet<number>): boolean {
    let asked = 0;
    for (const member of contents) {
      if (isFar(compareColours(member, content))) return true;
      if (++asked === MOST_ASKED) break;
    }
    return false;
  }

  function isDistinctFromAny(file: Candidate, group: number): boolean {
    for (const [id, verdict] of decided.get(file.id) ?? [])
      if (verdict.verdict === "distinct" && groupOf.get(id) === group) return true;
    return false;
  }

  function reviewOf(): readonly Review[] {
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
    const spokesmen = (some: readonly Candidate[] | undefined) => onePerGroup(some ?? []);
    // Equal ones stand in different groups where a person parted them, or their colours.
    for (const some of [...byContent.values(), ...byClass.values()])
      offerAll(spokesmen(some), undefined, 0, 0);
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

  /** The oldest of each group; `some` is ordered by age. */
  function onePerGroup(some: readonly Candidate[]): readonly Candidate[] {
    if (some.length < 2) return some;
    const first = new Map<number, Candidate>();
    for (const file of some) {
      const group = groupOf.get(file.id) ?? -1;
      if (!first.has(group)) first.set(group, file);
    }
    return [...first.values()];
  }
}

/** Thousands of colours of one look would be millions of pairs: beyond `MOST_PAIRS`, each is paired with the oldest. */
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

/** Thousands of contents of one group would be millions of comparisons: a new one is held against the oldest of them. */
const MOST_ASKED = 200;

export function isFar(colours: number | null): boolean {
  return colours !== null && colours > SAME_COLOURS;
}

type Decided = ReadonlyMap<number, ReadonlyMap<number, Verdict>>;

function describe(
  members: readonly Candidate[],
  { decided, compareColours }: { readonly decided: Decided; readonly compareColours: CompareColours },
): Group {
  const oldest = members[0]?.content ?? 0;
  const unsure = members.filter(
    ({ content }) => content !== oldest && compareColours(oldest, content) === null,
  );
  const ids = members.map(({ id }) => id);
  const { open, kept } = openOf(ids, decided);
  return {
    id: ids[0] ?? 0,
    kind: members.every(({ content }) => content === members[0]?.content) ? "exact" : "same",
    members: ids,
    copies: ids.length - new Set(members.map(({ content }) => content)).size,
    unsure: unsure.map(({ id }) => id),
    shown: open.slice(0, MAX_SHOWN),
    kept: open.slice(0, MAX_SHOWN).filter((id) => kept.has(id)),
    truncated: open.length > MAX_SHOWN,
    settled: open.length < 2,
  };
}

/** One of each bundle of files that are tied together: the kept one where it is still there. Kept ones come first. */
function openOf(
  ids: readonly number[],
  decided: Decided,
): { readonly open: readonly number[]; readonly kept: ReadonlySet<number> } {
  const here = new Set(ids);
  const kept = new Set<number>();
  const seen = new Set<number>();
  const open: number[] = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    const bundle = [id];
    let keeper: number | undefined;
    seen.add(id);
    for (let at = 0; at < bundle.length; at++)
      for (const [other, verdict] of decided.get(bundle[at] ?? 0) ?? []) {
        if (verdict.verdict !== "duplicate" || !here.has(other)) continue;
        if (verdict.kept !== null && here.has(verdict.kept))
          keeper = Math.min(keeper ?? Infinity, verdict.kept);
        if (seen.has(other)) continue;
        seen.add(other);
        bundle.push(other);
      }
    if (keeper !== undefined) kept.add(keeper);
    open.push(keeper ?? id);
  }
  open.sort((left, right) => Number(kept.has(right)) - Number(kept.has(left)) || left - right);
  return { open, kept };
}

function classesOf({ visual, white }: Candidate): readonly number[] {
  return [visual, white].filter((one, at, all): one is number => one !== null && all.indexOf(one) === at);
}

function collect(files: readonly Candidate[], keys: (file: Candidate) => readonly number[]) {
  const found = new Map<number, Candidate[]>();
  for (const file of files)
    for (const key of keys(file)) {
      const some = found.get(key);
      if (some === undefined) found.set(key, [file]);
      else some.push(file);
    }
  return found;
}

function neighboursOf(links: readonly Link[]): ReadonlyMap<number, readonly Link[]> {
  const found = new Map<number, Link[]>();
  for (const link of links)
    for (const end of [link.left, link.right]) {
      const some = found.get(end);
      if (some === undefined) found.set(end, [link]);
      else some.push(link);
    }
  return found;
}

function decisionsOf(verdicts: readonly Verdict[]): Decided {
  const found = new Map<number, Map<number, Verdict>>();
  for (const verdict of verdicts)
    for (const [own, partner] of [
      [verdict.left, verdict.right],
      [verdict.right, verdict.left],
    ] as const) {
      let some = found.get(own);
      if (some === undefined) {
        some = new Map();
        found.set(own, some);
      }
      some.set(partner, verdict);
    }
  return found;
}

function other(link: Link, own: number): number {
  return link.left === own ? link.right : link.left;
}

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
