/** Groups do not drift, do not depend on order, and do not argue with people. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Candidate, Link, Verdict } from "./candidates.ts";
import { type GroupInput, groupDuplicates } from "./group.ts";
import { DEFAULT_LIMITS, MAX_SHOWN } from "./limits.ts";

const FILES = 14;

const inputs: fc.Arbitrary<GroupInput> = fc
  .record({
    contents: fc.array(
      fc.record({
        visual: fc.option(fc.integer({ min: 1, max: 8 })),
        white: fc.option(fc.integer({ min: 1, max: 8 })),
      }),
      { minLength: 8, maxLength: 8 },
    ),
    files: fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 1, max: FILES }), content: fc.integer({ min: 0, max: 7 }) }),
      { selector: ({ id }) => id, maxLength: FILES },
    ),
    links: fc.uniqueArray(
      fc.record({
        left: fc.integer({ min: 1, max: 7 }),
        over: fc.integer({ min: 1, max: 7 }),
        distance: fc.integer({ min: 0, max: 7 }),
        distance256: fc.constantFrom(3, 24, 25, 40, 41, 64),
      }),
      { selector: ({ left, over }) => `${left} ${over}`, maxLength: 16 },
    ),
    verdicts: fc.uniqueArray(
      fc.record({
        left: fc.integer({ min: 1, max: FILES - 1 }),
        over: fc.integer({ min: 1, max: FILES - 1 }),
        verdict: fc.constantFrom("distinct" as const, "duplicate" as const),
        keepLeft: fc.boolean(),
      }),
      { selector: ({ left, over }) => `${left} ${over}`, maxLength: 10 },
    ),
  })
  .map(({ contents, files, links, verdicts }) => ({
    files: files.map(({ id, content }) => {
      const look = contents[content] ?? { visual: null, white: null };
      return { id, content, visual: look.visual, white: look.white };
    }),
    links: links.map(({ left, over, ...distances }) => ({ left, right: left + over, ...distances })),
    verdicts: verdicts.map(({ left, over, verdict, keepLeft }) => ({
      left,
      right: left + over,
      verdict,
      kept: verdict === "distinct" ? null : keepLeft ? left : left + over,
    })),
    limits: DEFAULT_LIMITS,
  }));

describe("laws", () => {
  test("every member is the same as the oldest one, and each file is in one group at most", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const byId = new Map(input.files.map((file) => [file.id, file]));
        const seen = new Set<number>();
        for (const { id, members } of groupDuplicates(input).groups) {
          expect(members[0]).toBe(id);
          expect(members).toEqual(members.toSorted((a, b) => a - b));
          for (const member of members) {
            expect(seen.has(member)).toBe(false);
            seen.add(member);
            expect(closeness(byId.get(id), byId.get(member), input.links)).toBeLessThanOrEqual(24);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("the order in which things are listed does not matter", () => {
    fc.assert(
      fc.property(
        inputs.chain((input) =>
          fc.record({
            input: fc.constant(input),
            shuffled: fc.record({
              files: shuffle(input.files),
              links: shuffle(input.links),
              verdicts: shuffle(input.verdicts),
              limits: fc.constant(input.limits),
            }),
          }),
        ),
        ({ input, shuffled }) => {
          expect(groupDuplicates(shuffled)).toEqual(groupDuplicates(input));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("what a person called distinct is never together, neither in a group nor for review", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { groups, review } = groupDuplicates(input);
        for (const { left, right, verdict } of input.verdicts) {
          if (verdict === "distinct")
            for (const { members } of groups)
              expect(members.includes(left) && members.includes(right)).toBe(false);
          expect(review.some((pair) => pair.left === left && pair.right === right)).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("two that are close are in one group, up for review, or judged", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { groups, review } = groupDuplicates(input);
        const groupOf = (id: number) => groups.find(({ members }) => members.includes(id))?.id ?? id;
        const judged = pairsOf(input.verdicts, groupOf);
        const asked = pairsOf(review, groupOf);
        expect(asked.size).toBe(review.length);
        for (const one of input.files)
          for (const another of input.files) {
            if (one.id >= another.id || closeness(one, another, input.links) > 40) continue;
            const key = [groupOf(one.id), groupOf(another.id)].toSorted((a, b) => a - b).join(" ");
            if (groupOf(one.id) !== groupOf(another.id)) expect(asked.has(key) || judged.has(key)).toBe(true);
          }
        for (const pair of review) {
          const [left, right] = [pair.left, pair.right].map((id) =>
            input.files.find((file) => file.id === id),
          );
          expect(closeness(left, right, input.links)).toBe(pair.distance256);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("keeping one settles its group, and a new member opens it with the kept one beside it", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const [group] = groupDuplicates({ ...input, verdicts: [] }).groups;
        if (group === undefined) return;
        const kept = group.members.at(-1) ?? 0;
        const verdicts = group.members
          .filter((id) => id !== kept)
          .map(
            (id): Verdict => ({
              left: Math.min(id, kept),
              right: Math.max(id, kept),
              verdict: "duplicate",
              kept,
            }),
          );
        const settled = groupDuplicates({ ...input, verdicts }).groups.find(({ id }) => id === group.id);
        expect(settled).toMatchObject({ settled: true, members: group.members });
        const oldest = input.files.find(({ id }) => id === group.id) as Candidate;
        const files = [...input.files, { ...oldest, id: 99 }];
        const open = groupDuplicates({ ...input, files, verdicts }).groups.find(({ id }) => id === group.id);
        expect(open).toMatchObject({ settled: false, shown: [kept, 99], kept: [kept] });
      }),
      { numRuns: 1000 },
    );
  });
});

test("a chain does not drift: the far end is up for review instead", () => {
  const files = [1, 2, 3].map((id) => ({ id, content: id, visual: id * 10, white: null }));
  const links = [
    { left: 10, right: 20, distance: 5, distance256: 20 },
    { left: 20, right: 30, distance: 5, distance256: 20 },
  ];
  expect(groupDuplicates({ files, links, verdicts: [], limits: DEFAULT_LIMITS })).toMatchObject({
    groups: [{ id: 1, kind: "same", members: [1, 2] }],
    review: [{ left: 2, right: 3, distance256: 20 }],
  });
});

test("two that are near in colour to the oldest and far from each other are in two groups, and a pair for review", () => {
  const files = [10, 22, 24].map((id) => ({ id, content: id, visual: 1, white: null }));
  const compareColours = (left: number, right: number) =>
    left + right === 46 ? 30 : left === right ? 0 : 12;
  expect(
    groupDuplicates({ files, links: [], verdicts: [], limits: DEFAULT_LIMITS, compareColours }),
  ).toMatchObject({
    groups: [{ id: 10, members: [10, 22] }],
    review: [{ left: 10, right: 24, colours: 12 }],
  });
});

test("of 5,000 copies of a blank picture 200 are shown, and it says so", () => {
  const files = Array.from({ length: 5000 }, (_, at) => ({
    id: at + 1,
    content: 1,
    visual: null,
    white: null,
  }));
  const [group] = groupDuplicates({ files, links: [], verdicts: [], limits: DEFAULT_LIMITS }).groups;
  expect(group).toMatchObject({ kind: "exact", truncated: true, settled: false });
  expect(group?.members).toHaveLength(5000);
  expect(group?.shown).toHaveLength(MAX_SHOWN);
});

/** Bits of 256 that differ at best; more than any limit where they are not close. */
function closeness(
  one: Candidate | undefined,
  another: Candidate | undefined,
  links: readonly Link[],
): number {
  if (one === undefined || another === undefined) return 999;
  if (one.content === another.content) return 0;
  const classes = (file: Candidate) => [file.visual, file.white].filter((value) => value !== null);
  const found = classes(one).flatMap((left) =>
    classes(another).map((right) =>
      left === right
        ? 0
        : (links.find(
            (link) =>
              (link.left === left && link.right === right) || (link.left === right && link.right === left),
          )?.distance256 ?? 999),
    ),
  );
  return Math.min(999, ...found);
}

function pairsOf(
  pairs: readonly { readonly left: number; readonly right: number }[],
  groupOf: (id: number) => number,
): ReadonlySet<string> {
  return new Set(
    pairs.map(({ left, right }) => [groupOf(left), groupOf(right)].toSorted((a, b) => a - b).join(" ")),
  );
}

function shuffle<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length });
}
