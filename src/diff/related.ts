/**
 * The facts that a plan needs: those that differ with what belongs to them, what depends on these, and what all of them need.
 * pg-delta hashes and compares every fact that it is given, several times, and of two schemas that are alike few facts differ. Pure,
 * but for the package that hashes.
 */
import type { Fact } from "@supabase/pg-delta";
import { type FactGraph, type Key, reachable } from "./fact-graph.ts";

/** Of a fact of either side. */
export async function related(present: FactGraph, desired: FactGraph): Promise<(key: Key) => boolean> {
  const { contentHash } = await import("@supabase/pg-delta/core");
  const sides = [present, desired];
  const isSame = (key: Key) => {
    const [before, after] = [present.facts.get(key), desired.facts.get(key)];
    return (
      before !== undefined &&
      after !== undefined &&
      contentHash(before.payload) === contentHash(after.payload) &&
      isSameSet(linksOf(key, present), linksOf(key, desired))
    );
  };
  const all = new Set([...present.facts.keys(), ...desired.facts.keys()]);
  const changed = [...all].filter((key) => !isSame(key));
  const touched = reachable(changed, (key) =>
    sides.flatMap(({ children, neededBy }) => [...(children.get(key) ?? []), ...(neededBy.get(key) ?? [])]),
  );
  // What is altered is looked at as a whole: a column with its table.
  const objects = [...touched].map((key) => objectOf(key, sides));
  const whole = reachable(objects, (key) => sides.flatMap(({ children }) => children.get(key) ?? []));
  const global = [...all].filter((key) => isGlobal(present.facts.get(key) ?? desired.facts.get(key)));
  const needed = reachable([...global, ...whole], (key) =>
    sides.flatMap(({ parents, needs, children }) => [
      ...(needs.get(key) ?? []),
      ...[parents.get(key) ?? []].flat(),
      // What a domain checks is carried out where a value of it is stored.
      ...(key.startsWith("domain:") ? (children.get(key) ?? []) : []),
    ]),
  );
  return (key) => needed.has(key);
}

/** What a fact needs or belongs to, and in which way. */
function linksOf(key: Key, graph: FactGraph): readonly Key[] {
  return graph.links.get(key) ?? NONE;
}

const NONE: readonly Key[] = [];

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((one, at) => one === b[at])) return true;
  const others = new Set(b);
  return a.every((one) => others.has(one));
}

/** In no schema: there are few, and each may matter to all others. */
function isGlobal(fact: Fact | undefined): boolean {
  return fact !== undefined && fact.parent === undefined;
}

/** What stands in a schema, of which the fact is a part. */
function objectOf(key: Key, sides: readonly FactGraph[]): Key {
  let object = key;
  for (let at: Key | undefined = key; at !== undefined && !at.startsWith("schema:"); ) {
    object = at;
    const current: Key = at;
    at = sides.map(({ parents }) => parents.get(current)).find((parent) => parent !== undefined);
  }
  return object;
}
