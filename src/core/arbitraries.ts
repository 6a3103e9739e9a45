/** Random sources for the property tests beside this file. */
import fc from "fast-check";
import { migration } from "./fixtures.ts";
import type { Migration, Phase } from "./migration.ts";

const PHASES_HERE: readonly Phase[] = ["startup", "complex"];

interface Drawn {
  readonly below: readonly number[];
  readonly parents: readonly number[];
  readonly rank: number;
  readonly late: boolean;
}

const drawn = fc.record({
  below: fc.array(fc.nat(9), { maxLength: 2 }),
  parents: fc.array(fc.nat(9), { maxLength: 2 }),
  rank: fc.nat(),
  late: fc.boolean(),
});

/** An acyclic revision graph of one-letter revisions. The names say nothing about the edges. */
export const someGraph: fc.Arbitrary<readonly Migration[]> = fc
  .array(drawn, { minLength: 1, maxLength: 6 })
  .map((nodes) => {
    const names = namesFor(nodes, (letter) => letter);
    return nodes.map((node, index) =>
      migration(names[index] ?? "", {
        revises: earlier(node.parents, index, names),
        depends: earlier(node.below, index, names),
      }),
    );
  });

/** A revision graph that also contains a line of numbered files. */
export const someMixed: fc.Arbitrary<readonly Migration[]> = someGraph.map((files) =>
  files.map((file, index) => (index % 2 === 0 ? { ...file, number: `${index + 1}`, revises: null } : file)),
);

/** A line: some files have numbers and some do not, `depends` points at both kinds, and phases never run backwards. */
export const someLine: fc.Arbitrary<readonly Migration[]> = fc
  .array(fc.tuple(drawn, fc.boolean()), { minLength: 1, maxLength: 8 })
  .map((pairs) => {
    const nodes = pairs.map(([node]) => node);
    const names = namesFor(nodes, (letter, place) =>
      pairs[place]?.[1] ? `${String(place + 1).padStart(4, "0")}_${letter}` : letter,
    );
    const phases: number[] = [];
    return nodes.map((node, index) => {
      const depends = earlier(node.below, index, names);
      const least = Math.max(0, ...depends.map((id) => phases[names.indexOf(id)] ?? 0));
      phases.push(Math.max(least, node.late ? 1 : 0));
      return migration(names[index] ?? "", { depends, phase: PHASES_HERE[phases[index] ?? 0] ?? "startup" });
    });
  });

export function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

/** A file may only depend on files that were drawn before it. This makes the graph acyclic. */
function earlier(drawnIndexes: readonly number[], index: number, names: readonly string[]): string[] {
  return [...new Set(index === 0 ? [] : drawnIndexes.map((other) => names[other % index] ?? ""))];
}

function namesFor(nodes: readonly Drawn[], name: (letter: string, place: number) => string): string[] {
  const byRank = nodes.map((node, index) => ({ index, rank: node.rank })).sort((a, b) => a.rank - b.rank);
  const names: string[] = [];
  for (const [place, { index }] of byRank.entries()) names[index] = name("abcdefgh"[place] ?? "", place);
  return names;
}
