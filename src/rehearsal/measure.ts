/** From what was there before a statement and after it to what it has done. Values in, values out. */
import { accept } from "../core/sql/cursor.ts";
import type { HeldLock, Relation, Relations } from "./catalog.ts";
import type { SeenLock, SeenRelation, SeenStatement } from "./seen.ts";

export interface Observations {
  /** The relations before the step: what is made by the step itself is in nobody's way. */
  readonly first: Relations;
  /** The relations before the statement. */
  readonly before: Relations;
  /** Those that it may have changed, as they are now. */
  readonly after: Relations;
  /** The locks of the session before the statement and after it. */
  readonly had: readonly HeldLock[];
  readonly has: readonly HeldLock[];
  readonly heldUntil: SeenLock["heldUntil"];
  /** `false`: the session's counters of scans have gone with its transactions. */
  readonly countsScans: boolean;
}

type Effects = Pick<SeenStatement, "locks" | "held" | "rewrites" | "scans" | "builds" | "invalid">;

export function effectsOf(
  text: string,
  { first, before, after, had, has, heldUntil, countsScans }: Observations,
): Effects {
  const known = (oid: string) => before.get(oid) ?? after.get(oid);
  const isOld = (oid: string) => first.has(oid);
  const seen = (locks: readonly HeldLock[]) =>
    locks.flatMap(({ oid, mode }): readonly SeenLock[] => {
      const relation = known(oid);
      return relation === undefined || relation.isToast || !isOld(oid)
        ? []
        : [{ ...shown(relation), mode, heldUntil }];
    });
  const hadBefore = new Set(had.map(keyOf));
  const isQuery = isQueryText(text);
  const isTruncate = accept({ text, at: 0 }, "truncate");
  const rewritten = new Map<string, SeenRelation>();
  const scanned: SeenRelation[] = [];
  const builds: SeenRelation[] = [];
  const invalid: SeenRelation[] = [];
  const built = new Map<string, SeenRelation>();
  for (const relation of after.values()) {
    const { oid, owner, kind } = relation;
    const past = before.get(oid);
    const changed = past !== undefined && past.file !== relation.file && relation.file !== "0";
    if (changed && isOld(oid) && !isTruncate) {
      const whole = relation.isToast && owner !== null ? (after.get(owner) ?? relation) : relation;
      if (!whole.isToast && isOld(whole.oid)) rewritten.set(whole.oid, shown(whole));
    }
    const read = relation.scans - (past?.scans ?? 0);
    if (read > 0 && isOld(oid) && !isQuery && !isTruncate) scanned.push(shown(relation));
    const isNewIndex = kind === "index" && past === undefined && !relation.isToast;
    if (isNewIndex && owner !== null && isOld(owner)) {
      builds.push(shown(relation));
      const table = after.get(owner);
      if (!countsScans && table !== undefined) built.set(owner, shown(table));
    }
    if (!relation.valid && past?.valid !== false) invalid.push(shown(relation));
  }
  // The indexes of a table that is written anew are too.
  for (const [oid, { table }] of rewritten) {
    const owner = after.get(oid)?.owner ?? null;
    if (table !== null && owner !== null && rewritten.has(owner)) rewritten.delete(oid);
  }
  return {
    locks: inOrder(seen(has.filter((lock) => !hadBefore.has(keyOf(lock))))),
    held: inOrder(seen(had)),
    rewrites: inOrder([...rewritten.values()]),
    scans: inOrder([...scanned, ...built.values()]),
    builds: inOrder(builds),
    invalid: inOrder(invalid),
  };
}

/** A query reads what it reads: that is its purpose, and its plan on empty tables says nothing. */
function isQueryText(text: string): boolean {
  return [
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "with",
    "table",
    "values",
    "copy",
    "do",
    "call",
  ].some((word) => accept({ text, at: 0 }, word));
}

function keyOf({ oid, mode }: HeldLock): string {
  return `${oid} ${mode}`;
}

function shown({ schema, name, kind, table }: Relation): SeenRelation {
  return { schema, name, kind, table };
}

function inOrder<T extends SeenRelation>(found: readonly T[]): readonly T[] {
  const key = ({ schema, name }: T) => `${schema}.${name}`;
  return [...found].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
