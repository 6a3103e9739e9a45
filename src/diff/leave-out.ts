/**
 * What a comparison leaves out, taken out of what was read of a database that may not be changed. Pure.
 *
 * Where something that stays needs what goes, nobody can say what a DROP … CASCADE would do, so there is no answer.
 */
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";
import { bareName } from "./change.ts";
import { belongingTo, type FactGraph, type Key } from "./fact-graph.ts";

export interface LeftOut {
  /** With all that is in it. */
  readonly isSchema: (name: string) => boolean;
  readonly isTable: (schema: string, name: string) => boolean;
}

/** Without the objects, and without what belongs to them. */
export function snapshotWithout(snapshot: SchemaSnapshot, { isSchema, isTable }: LeftOut): SchemaSnapshot {
  const known = byIdentity(snapshot);
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
export function factsLeftOut(graph: FactGraph, { isSchema, isTable }: LeftOut): ReadonlySet<Key> | null {
  const roots = [...graph.facts]
    .filter(([, { id }]) => {
      if (id.kind === "schema") return isSchema(id.name);
      if (id.kind === "table" && isTable(id.schema, id.name)) return true;
      return "schema" in id && id.schema !== null && isSchema(id.schema);
    })
    .map(([key]) => key);
  if (roots.length === 0) return new Set();
  const gone = belongingTo(graph, roots);
  const isNeeded = [...gone].some((key) =>
    (graph.neededBy.get(key) ?? []).some((needing) => graph.facts.has(needing) && !gone.has(needing)),
  );
  return isNeeded ? null : gone;
}

/** Of `schema.name`, each without its quotes. */
export function qualifiedParts(text: string): readonly string[] {
  const parts = [...text.matchAll(/(?:^|\.)("(?:[^"]|"")+"|[^".]+)/gs)].map(([, part = ""]) =>
    bareName(part),
  );
  return parts.length === 2 ? parts : [];
}
