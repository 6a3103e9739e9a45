/**
 * What a comparison leaves out, taken out of what was read of a database that may not be changed. Pure.
 *
 * Where something that stays needs what goes, nobody can say what a DROP … CASCADE would do, so there is no answer.
 */
import type { Fact, FactBase } from "@supabase/pg-delta";
import { identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";
import { bareName } from "./change.ts";

export interface LeftOut {
  /** With all that is in it. */
  readonly isSchema: (name: string) => boolean;
  readonly isTable: (schema: string, name: string) => boolean;
}

/** Without the objects, and without what belongs to them. */
export function snapshotWithout(snapshot: SchemaSnapshot, { isSchema, isTable }: LeftOut): SchemaSnapshot {
  const known = new Map(snapshot.objects.map((object) => [identity(object), object]));
  const verdicts = new Map<string, boolean>();
  const isNamed = ({ kind, name }: SchemaObject) => {
    if (kind === "schema") return isSchema(bareName(name));
    const [schema, table] = kind === "table" ? qualifiedParts(name) : [];
    return schema !== undefined && table !== undefined && isTable(schema, table);
  };
  const isOut = (key: string): boolean => {
    const object = known.get(key);
    const decided = verdicts.get(key);
    if (object === undefined || decided !== undefined) return decided ?? false;
    verdicts.set(key, isNamed(object)); // ends a circle
    const verdict = isNamed(object) || object.parents.some(isOut);
    verdicts.set(key, verdict);
    return verdict;
  };
  return { ...snapshot, objects: snapshot.objects.filter((object) => !isOut(identity(object))) };
}

/** The facts that go. `null`: something that stays needs one of them. */
export function factsLeftOut(facts: FactBase, { isSchema, isTable }: LeftOut): ReadonlySet<Fact> | null {
  const roots = facts.facts().filter(({ id }) => {
    if (id.kind === "schema") return isSchema(id.name);
    if (id.kind === "table") return isTable(id.schema, id.name);
    return "schema" in id && id.schema !== null && isSchema(id.schema);
  });
  if (roots.length === 0) return new Set();
  const gone = belongingTo(facts, roots);
  const isNeeded = [...gone].some(({ id }) =>
    facts.incomingEdges(id).some(({ kind, from }) => {
      const needing = kind === "depends" ? facts.get(from) : undefined;
      return needing !== undefined && !gone.has(needing);
    }),
  );
  return isNeeded ? null : gone;
}

/** The facts, and what PostgreSQL drops with them. With `cascade` also what depends on them. */
export function belongingTo(
  facts: FactBase,
  roots: readonly Fact[],
  { cascade = false }: { readonly cascade?: boolean } = {},
): ReadonlySet<Fact> {
  const besides = besidesTables(facts);
  const gone = new Set<Fact>();
  const waiting = [...roots];
  for (let fact = waiting.pop(); fact !== undefined; fact = waiting.pop()) {
    if (gone.has(fact)) continue;
    gone.add(fact);
    const { id } = fact;
    waiting.push(...facts.childrenOf(id));
    if (id.kind === "table") waiting.push(...(besides.get(keyOf(id.schema, id.name)) ?? []));
    if (id.kind === "column") waiting.push(...(besides.get(keyOf(id.schema, id.table, id.name)) ?? []));
    if (!cascade) continue;
    for (const { kind, from } of facts.incomingEdges(id)) {
      const dependent = kind === "depends" ? facts.get(from) : undefined;
      if (dependent !== undefined) waiting.push(dependent);
    }
  }
  return gone;
}

/** What goes with a table or a column, and is no child of it: a sequence that it owns, and its place in a publication. */
function besidesTables(facts: FactBase): ReadonlyMap<string, readonly Fact[]> {
  const found = new Map<string, Fact[]>();
  const add = (key: string, fact: Fact) => found.set(key, [...(found.get(key) ?? []), fact]);
  for (const fact of facts.facts()) {
    const { id, payload } = fact;
    if (id.kind === "publicationRel") add(keyOf(id.schema, id.table), fact);
    const { ownedBy } = payload as { readonly ownedBy?: Readonly<Record<string, string>> | null };
    if (id.kind === "sequence" && ownedBy != null)
      add(keyOf(ownedBy.schema, ownedBy.table, ownedBy.column), fact);
  }
  return found;
}

function keyOf(...names: readonly (string | undefined)[]): string {
  return names.join("\0");
}

/** Of `schema.name`, each without its quotes. */
export function qualifiedParts(text: string): readonly string[] {
  const parts = [...text.matchAll(/(?:^|\.)("(?:[^"]|"")+"|[^".]+)/gs)].map(([, part = ""]) =>
    bareName(part),
  );
  return parts.length === 2 ? parts : [];
}
