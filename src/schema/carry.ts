/** What was changed by hand before a run is still a change by hand after it. Pure. */
import { sameAttribute } from "./compare.ts";
import { type Attribute, identity, type SchemaObject, type SchemaSnapshot } from "./snapshot.ts";

export interface Carrying {
  /** As the last run has left it. */
  readonly kept: SchemaSnapshot;
  /** As this run has found it. */
  readonly start: SchemaSnapshot;
  /** As this run leaves it. */
  readonly end: SchemaSnapshot;
}

/**
 * The schema to keep: a three-way merge. What the run has changed is taken from its end. What differed at its start and was
 * not touched by it stays as it was kept, so it differs still.
 */
export function carryDrift({ kept, start, end }: Carrying): SchemaSnapshot {
  const [were, found, left] = [byName(kept), byName(start), byName(end)];
  const isKept = sameAttribute(kept, start);
  const isUntouched = sameAttribute(start, end);
  const objects: SchemaObject[] = [];
  for (const [name, now] of left) {
    const [was, before] = [were.get(name), found.get(name)];
    if (before === undefined) objects.push(now);
    else if (was !== undefined) objects.push({ ...now, attributes: merged({ was, before, now }) });
    else if (
      !names(before, now).every((each) => isUntouched(each, valueIn(before, each), valueIn(now, each)))
    )
      objects.push(now);
  }
  const isStillGone = (object: SchemaObject, depth = 0): boolean =>
    depth < 8 &&
    object.parents.every((name) => {
      const parent = were.get(name);
      if (parent === undefined || left.has(name)) return true;
      return !found.has(name) && isStillGone(parent, depth + 1);
    });
  for (const [name, was] of were)
    if (!found.has(name) && !left.has(name) && isStillGone(was)) objects.push(was);
  return { ...end, objects: objects.sort(byIdentity) };

  function merged({ was, before, now }: Record<"was" | "before" | "now", SchemaObject>) {
    const attributes: Record<string, Attribute> = {};
    for (const each of names(was, before, now)) {
      const [a, b, c] = [valueIn(was, each), valueIn(before, each), valueIn(now, each)];
      const value = !isKept(each, a, b) && isUntouched(each, b, c) ? a : c;
      if (value !== null) attributes[each] = value;
    }
    return attributes;
  }
}

function byName({ objects }: SchemaSnapshot): ReadonlyMap<string, SchemaObject> {
  return new Map(objects.map((object) => [identity(object), object]));
}

function names(...objects: readonly SchemaObject[]): readonly string[] {
  return [...new Set(objects.flatMap(({ attributes }) => Object.keys(attributes)))];
}

function valueIn({ attributes }: SchemaObject, name: string): Attribute {
  return attributes[name] ?? null;
}

function byIdentity(one: SchemaObject, other: SchemaObject): number {
  const [a, b] = [identity(one), identity(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}
