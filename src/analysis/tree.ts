/** The tree that PostgreSQL's own parser makes of a statement. */
import type { Node, RangeVar } from "libpg-query";

type KeyOf<One> = One extends unknown ? keyof One : never;

/** A node under the name of its kind: exactly one key is there. */
export type Tree = { readonly [Key in KeyOf<Node>]?: Extract<Node, Record<Key, unknown>>[Key] };

/** `{}` for a node that is not there. */
export function treeOf(node: Node | undefined): Tree {
  return (node ?? {}) as Tree;
}

/** Texts of a list of names: `{"String": {"sval": "a"}}` becomes `a`. */
export function namesOf(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).map((node) => treeOf(node).String?.sval ?? "");
}

/** For messages, as an author writes it. */
export function relationName({ schemaname, relname }: RangeVar): string {
  return schemaname === undefined ? (relname ?? "") : `${schemaname}.${relname}`;
}

/** Whether two names may mean the same relation. A name without a schema may be in any. */
export function mayBeSame(one: RangeVar, other: RangeVar): boolean {
  if (one.relname !== other.relname) return false;
  return (
    one.schemaname === undefined || other.schemaname === undefined || one.schemaname === other.schemaname
  );
}

/** The names that DROP lists, as relations. */
export function droppedRelations(objects: readonly Node[] | undefined): readonly RangeVar[] {
  return (objects ?? []).map((object) => {
    const path = namesOf(treeOf(object).List?.items);
    const relname = path.at(-1) ?? "";
    const schemaname = path.at(-2);
    return schemaname === undefined ? { relname } : { relname, schemaname };
  });
}

/** Calls `visit` for each node of a tree, with the name of its kind. */
export function walk(value: unknown, visit: (kind: string, node: Readonly<Record<string, unknown>>) => void) {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== "object" || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (typeof inner !== "object" || inner === null) continue;
      if (/^[A-Z]/.test(key)) visit(key, inner as Readonly<Record<string, unknown>>);
      left.push(inner);
    }
  }
}
