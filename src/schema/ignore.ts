/** Patterns of objects whose differences are nobody's business. `*` stands for any characters. */
import { identity, type SchemaObject, type SchemaSnapshot } from "./snapshot.ts";

/**
 * Whether a pattern means the object, or something that it belongs to: `table public.spatial_ref_sys`, `*.audit_*`. A
 * pattern without a space is about names, and one with a kind in front about objects of that kind.
 */
export function ignoredBy(
  patterns: readonly string[],
  snapshots: readonly SchemaSnapshot[],
): (object: Pick<SchemaObject, "kind" | "name">) => boolean {
  if (patterns.length === 0) return () => false;
  const known = new Map(snapshots.flatMap(({ objects }) => objects.map((one) => [identity(one), one])));
  const isMeant = ({ kind, name }: Pick<SchemaObject, "kind" | "name">) =>
    patterns.some((pattern) => means(pattern, { kind, name }));
  const isIgnored = (object: Pick<SchemaObject, "kind" | "name">, depth = 0): boolean =>
    isMeant(object) ||
    (depth < 8 &&
      (known.get(identity(object))?.parents ?? []).some((name) => {
        const parent = known.get(name);
        return parent !== undefined && isIgnored(parent, depth + 1);
      }));
  return isIgnored;
}

/** Those that mean none of the objects, as a mistyped one does. */
export function unmatchedOf(
  patterns: readonly string[],
  snapshots: readonly SchemaSnapshot[],
): readonly string[] {
  return patterns.filter(
    (pattern) => !snapshots.some(({ objects }) => objects.some((one) => means(pattern, one))),
  );
}

function means(pattern: string, { kind, name }: Pick<SchemaObject, "kind" | "name">): boolean {
  return isLike(name, pattern) || (pattern.includes(" ") && isLike(`${kind} ${name}`, pattern));
}

function isLike(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return text === pattern;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
