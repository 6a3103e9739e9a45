/**
 * Puts files that belong together into groups. Values in, values out.
 *
 * The hashes see shades of grey, so colours are compared as well. Files that look the same and are far apart in colour
 * never share a group: they are a pair for review. So each member is near in colour to every other member. Where the
 * colours are not known (an image of an earlier release), the file joins, and the group names it as unsure.
 *
 * The oldest file that is in no group yet starts a new one, and everything that is the same as this file joins. A file
 * never joins because it is like another member, so groups do not drift along a chain. Files that a person called
 * "distinct" never share a group. What is close across two groups is a pair for review (`review.ts`): one for each two
 * groups, until a person has judged any pair between them.
 *
 * A group is shown until everything in it is decided (`decisions.ts`). "Keep this one" ties files together, and a file
 * that is tied to a kept one is no longer shown. So an old group with a new member shows the kept file and the new one.
 */
import {
  type Candidate,
  type CompareColours,
  classesOf,
  collect,
  type Link,
  neighboursOf,
  type Verdict,
} from "./candidates.ts";
import { isFar } from "./colours.ts";
import { type Decided, decisionsOf, openOf } from "./decisions.ts";
import { type Limits, MAX_SHOWN } from "./limits.ts";
import { pairsForReview, type Review } from "./review.ts";

export interface Group {
  /** The id of its oldest file. */
  readonly id: number;
  /** `exact`: all have the same bytes. */
  readonly kind: "exact" | "same";
  /** The ids of all members, the oldest first. */
  readonly members: readonly number[];
  /** How many files are exact copies of another member, not counting one for each content. */
  readonly copies: number;
  /** Ids of members whose colours could not be compared with those of the oldest. */
  readonly unsure: readonly number[];
  /** The members that need an answer. None is tied to a kept file, and there are at most `MAX_SHOWN`. */
  readonly shown: readonly number[];
  /** The members of `shown` that a person has kept. */
  readonly kept: readonly number[];
  /** Whether more members need an answer than `shown` has. */
  readonly truncated: boolean;
  /** Whether everything in it is decided. */
  readonly settled: boolean;
}

export interface Grouping {
  readonly groups: readonly Group[];
  readonly review: readonly Review[];
}

export interface GroupInput {
  readonly files: readonly Candidate[];
  readonly links: readonly Link[];
  readonly verdicts: readonly Verdict[];
  readonly limits: Limits;
  /** Default: no colours are known. */
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
    review: pairsForReview({ groupOf, byContent, byClass }, { links, verdicts, limits, compareColours }),
  };

  /** This file and all files that are the same, the oldest first. */
  function sameAs(oldest: Candidate): readonly Candidate[] {
    const found = new Map<number, Candidate>();
    const add = (some: readonly Candidate[] | undefined) => {
      for (const file of some ?? []) if (!groupOf.has(file.id)) found.set(file.id, file);
    };
    add(byContent.get(oldest.content));
    for (const own of classesOf(oldest)) {
      add(byClass.get(own));
      for (const link of near.get(own) ?? [])
        if (link.distance256 <= limits.same256) add(byClass.get(link.left === own ? link.right : link.left));
    }
    return [...found.values()].sort((left, right) => left.id - right.id);
  }

  /**
   * Whether a content is far from any of these in colour. Two contents near the oldest one may be far from each
   * other.
   */
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
}

/**
 * How many of the oldest contents a new one is compared with. Without a limit, thousands of contents would mean
 * millions of comparisons.
 */
const MOST_ASKED = 200;

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
