/**
 * The facts that a plan needs: those that differ with what belongs to them, what depends on these, and what all of them need.
 * pg-delta hashes and compares every fact that it is given, several times, and of two schemas that are alike few facts differ.
 */
import type { DependencyEdge, Fact, FactBase } from "@supabase/pg-delta";

type Key = string;

interface Side {
  readonly base: FactBase;
  readonly facts: ReadonlyMap<Key, Fact>;
  readonly parents: ReadonlyMap<Key, Key>;
  readonly children: ReadonlyMap<Key, readonly Key[]>;
  readonly edges: readonly { readonly edge: DependencyEdge; readonly from: Key; readonly to: Key }[];
  /** What each needs, as `kind key`. */
  readonly links: ReadonlyMap<Key, ReadonlySet<string>>;
  readonly needs: ReadonlyMap<Key, readonly Key[]>;
  readonly neededBy: ReadonlyMap<Key, readonly Key[]>;
}

export type Sides = readonly [present: FactBase, desired: FactBase];

/** The same part of both; or all of both where most is needed. */
export async function relatedFacts(present: FactBase, desired: FactBase): Promise<Sides> {
  const core = await import("@supabase/pg-delta/core");
  const here = sideOf(present, core.encodeId);
  const there = sideOf(desired, core.encodeId);
  const isSame = (key: Key) => {
    const [before, after] = [here.facts.get(key), there.facts.get(key)];
    return (
      before !== undefined &&
      after !== undefined &&
      core.contentHash(before.payload) === core.contentHash(after.payload) &&
      isSameSet(here.links.get(key), there.links.get(key))
    );
  };
  const all = new Set([...here.facts.keys(), ...there.facts.keys()]);
  const changed = [...all].filter((key) => !isSame(key));
  const global = [...all].filter((key) => isGlobal(here.facts.get(key) ?? there.facts.get(key)));
  const sides = [here, there];
  const touched = reached(changed, (key) =>
    sides.flatMap(({ children, neededBy }) => [...(children.get(key) ?? []), ...(neededBy.get(key) ?? [])]),
  );
  // What is altered is looked at as a whole: a column with its table.
  const whole = reached(
    [...touched].map((key) => objectOf(key, sides)),
    (key) => sides.flatMap(({ children }) => children.get(key) ?? []),
  );
  const needed = reached([...global, ...whole], (key) =>
    sides.flatMap(({ parents, needs, children }) =>
      [
        parents.get(key) ?? [],
        needs.get(key) ?? [],
        // What a domain checks is carried out where a value of it is stored.
        key.startsWith("domain:") ? (children.get(key) ?? []) : [],
      ].flat(),
    ),
  );
  if (needed.size * 2 > all.size) return [present, desired];
  const part = ({ base, facts, edges }: Side) =>
    core.buildFactBase(
      [...facts].filter(([key]) => needed.has(key)).map(([, fact]) => fact),
      edges.filter(({ from, to }) => needed.has(from) && needed.has(to)).map(({ edge }) => edge),
      base.source,
    );
  return [part(here), part(there)];
}

const SIDES = new WeakMap<FactBase, Side>();

function sideOf(base: FactBase, keyOf: (id: Fact["id"]) => Key): Side {
  const known = SIDES.get(base);
  if (known !== undefined) return known;
  const facts = new Map<Key, Fact>();
  const parents = new Map<Key, Key>();
  const children = new Map<Key, Key[]>();
  for (const fact of base.facts()) {
    const key = keyOf(fact.id);
    facts.set(key, fact);
    if (fact.parent === undefined) continue;
    const parent = keyOf(fact.parent);
    parents.set(key, parent);
    addTo(children, parent, key);
  }
  const edges = base.edges.map((edge) => ({ edge, from: keyOf(edge.from), to: keyOf(edge.to) }));
  const [links, needs, neededBy] = [
    new Map<Key, Set<string>>(),
    new Map<Key, Key[]>(),
    new Map<Key, Key[]>(),
  ];
  for (const { edge, from, to } of edges) {
    links.set(from, (links.get(from) ?? new Set()).add(`${edge.kind} ${to}`));
    addTo(needs, from, to);
    if (edge.kind === "depends") addTo(neededBy, to, from);
  }
  const side = { base, facts, parents, children, edges, links, needs, neededBy };
  SIDES.set(base, side);
  return side;
}

function addTo(map: Map<Key, Key[]>, key: Key, value: Key): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function isSameSet(a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.size === b.size && [...a].every((one) => b.has(one));
}

/** In no schema: there are few, and each may matter to all others. */
function isGlobal(fact: Fact | undefined): boolean {
  return fact !== undefined && fact.parent === undefined;
}

/** What stands in a schema, of which the fact is a part. */
function objectOf(key: Key, sides: readonly Side[]): Key {
  let object = key;
  for (let at: Key | undefined = key; at !== undefined && !at.startsWith("schema:"); ) {
    object = at;
    const current: Key = at;
    at = sides.map(({ parents }) => parents.get(current)).find((parent) => parent !== undefined);
  }
  return object;
}

function reached(from: readonly Key[], next: (key: Key) => readonly Key[]): ReadonlySet<Key> {
  const found = new Set<Key>();
  const waiting = [...from];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    waiting.push(...next(key));
  }
  return found;
}
