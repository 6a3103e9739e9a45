/**
 * What pg-delta has read of a database, as a graph: what belongs to what, and what needs what. Each fact has the key that pg-delta
 * gives it, so that no question has to write it again.
 */
import type { DependencyEdge, Fact, FactBase } from "@supabase/pg-delta";

export type Key = string;

export interface FactGraph {
  readonly facts: ReadonlyMap<Key, Fact>;
  readonly parents: ReadonlyMap<Key, Key>;
  readonly children: Relation;
  readonly edges: readonly FactEdge[];
  readonly needs: Relation;
  /** The edges of each fact, with their kinds. */
  readonly links: Relation;
  /** Without what is only owned, or a member of an extension. */
  readonly neededBy: Relation;
  readonly source: FactBase["source"];
  /** The same as pg-delta has it, which takes a while to be made again. `null`: something is corrected or gone. */
  readonly base: FactBase | null;
}

interface FactEdge {
  readonly edge: DependencyEdge;
  readonly from: Key;
  readonly to: Key;
}

/** A key may be of no fact. */
type Relation = ReadonlyMap<Key, readonly Key[]>;

export async function graphOf(base: FactBase, correct: (fact: Fact) => Fact): Promise<FactGraph> {
  const { encodeId } = await import("@supabase/pg-delta/core");
  // What pg-delta says of a fact is no matter here, but for edges that lead nowhere it would refuse to plan.
  let isCorrected = base.diagnostics.some(({ code }) => code !== "dangling_edge");
  const facts = new Map<Key, Fact>();
  const parents = new Map<Key, Key>();
  const children = new Map<Key, Key[]>();
  for (const fact of base.facts()) {
    const key = encodeId(fact.id);
    const corrected = correct(fact);
    if (corrected !== fact) isCorrected = true;
    facts.set(key, corrected);
    if (fact.parent === undefined) continue;
    const parent = encodeId(fact.parent);
    parents.set(key, parent);
    addTo(children, parent, key);
  }
  const edges = base.edges.map((edge) => ({ edge, from: encodeId(edge.from), to: encodeId(edge.to) }));
  const needs = new Map<Key, Key[]>();
  const links = new Map<Key, Key[]>();
  const neededBy = new Map<Key, Key[]>();
  for (const [key, fact] of facts) for (const id of namedBy(fact)) addTo(needs, key, encodeId(id));
  for (const { edge, from, to } of edges) {
    addTo(needs, from, to);
    addTo(links, from, `${edge.kind} ${to}`);
    if (edge.kind === "depends") addTo(neededBy, to, from);
  }
  const graph = { facts, parents, children, edges, needs, links, neededBy, source: base.source };
  return { ...graph, base: isCorrected ? null : base };
}

/** What a fact names, where pg-delta has no edge for it. */
function namedBy({ id, payload }: Fact): readonly Fact["id"][] {
  const { ownedBy, functionSchema, functionName } = payload as {
    readonly ownedBy?: { readonly schema: string; readonly table: string; readonly column: string } | null;
    readonly functionSchema?: string;
    readonly functionName?: string;
  };
  if (id.kind === "sequence" && ownedBy != null)
    return [{ kind: "column", schema: ownedBy.schema, table: ownedBy.table, name: ownedBy.column }];
  if (id.kind === "publicationRel") return [{ kind: "table", schema: id.schema, name: id.table }];
  if (id.kind === "eventTrigger" && functionSchema !== undefined && functionName !== undefined)
    return [{ kind: "function", schema: functionSchema, name: functionName, args: [] }];
  return [];
}

function addTo(relation: Map<Key, Key[]>, key: Key, value: Key): void {
  const list = relation.get(key);
  if (list === undefined) relation.set(key, [value]);
  else list.push(value);
}

/** The other facts. */
export function without(graph: FactGraph, gone: ReadonlySet<Key>): FactGraph {
  if (gone.size === 0) return graph;
  return { ...graph, facts: new Map([...graph.facts].filter(([key]) => !gone.has(key))), base: null };
}

/** These facts, and the edges between them, as pg-delta takes them. */
export async function factBaseOf(
  { facts, edges, source, base }: FactGraph,
  isMeant: (key: Key) => boolean = () => true,
): Promise<FactBase> {
  const { buildFactBase } = await import("@supabase/pg-delta/core");
  const meant = new Map([...facts].filter(([key]) => isMeant(key)));
  if (base !== null && meant.size === facts.size) return base;
  const between = edges.filter(({ from, to }) => meant.has(from) && meant.has(to));
  return buildFactBase(
    [...meant.values()],
    between.map(({ edge }) => edge),
    source,
  );
}

/** All that `next` leads to, and the beginnings. */
export function reachable(from: Iterable<Key>, next: (key: Key) => readonly Key[]): ReadonlySet<Key> {
  const found = new Set<Key>();
  const waiting = [...from];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    for (const one of next(key)) waiting.push(one);
  }
  return found;
}

/** What PostgreSQL drops with them. With `cascade` also what depends on them. */
export function belongingTo(
  graph: FactGraph,
  roots: readonly Key[],
  { cascade = false }: { readonly cascade?: boolean } = {},
): ReadonlySet<Key> {
  const besides = besidesTables(graph);
  return reachable(roots, (key) => {
    const id = graph.facts.get(key)?.id;
    if (id === undefined) return [];
    return [
      ...(graph.children.get(key) ?? []),
      ...(id.kind === "table" ? (besides.get(nameOf(id.schema, id.name)) ?? []) : []),
      ...(id.kind === "column" ? (besides.get(nameOf(id.schema, id.table, id.name)) ?? []) : []),
      ...(cascade ? (graph.neededBy.get(key) ?? []) : []),
    ];
  });
}

/** What goes with a table or a column, and is no child of it: a sequence that it owns, and its place in a publication. */
function besidesTables({ facts }: FactGraph): Relation {
  const found = new Map<string, Key[]>();
  for (const [key, { id, payload }] of facts) {
    if (id.kind === "publicationRel") addTo(found, nameOf(id.schema, id.table), key);
    if (id.kind !== "sequence") continue;
    const { ownedBy } = payload as { readonly ownedBy?: Readonly<Record<string, string>> | null };
    if (ownedBy != null) addTo(found, nameOf(ownedBy.schema, ownedBy.table, ownedBy.column), key);
  }
  return found;
}

function nameOf(...names: readonly (string | undefined)[]): string {
  return names.join("\0");
}
