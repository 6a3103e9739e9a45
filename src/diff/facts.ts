/** What pg-delta has read, corrected where it takes one thing for another. A rule for each. */
import type { Fact } from "@supabase/pg-delta";
import type { Connection } from "../database/connection.ts";
import { asReadAgain } from "../schema/lists.ts";
import { belongingTo, type FactGraph, type Key } from "./fact-graph.ts";

/** Stands in an expression until the statement is made: pg-delta knows stored columns only. */
export const VIRTUAL = "/*virtual*/";

/** What is said of a fact in place of what pg-delta says. */
export async function correctionsFor(connection: Connection): Promise<(fact: Fact) => Fact> {
  const incomplete = wholeIndexes(await invalidIndexes(connection));
  const generated = virtualColumns(await virtual(connection));
  return (fact) => generated(incomplete(lists(fact)));
}

/** Since 17 the NOT NULL of a domain is a constraint too. pg-delta would write both, which the server refuses. */
export function saidTwice(graph: FactGraph): ReadonlySet<Key> {
  const constraints = [...graph.facts].filter(
    ([, { id, parent, payload }]) =>
      id.kind === "constraint" &&
      parent?.kind === "domain" &&
      (payload as { readonly type?: unknown }).type === "n",
  );
  return belongingTo(
    graph,
    constraints.map(([key]) => key),
  );
}

/** The facts of a server of one version as one of another says them: since 17 there is one privilege more on a table. */
export function asOnServer(graph: FactGraph, from: number, to: number): FactGraph {
  const [knew, knows] = [from, to].map((version) => version >= SINCE_MAINTAIN);
  if (knew === knows) return graph;
  const facts = new Map([...graph.facts].map(([key, fact]) => [key, withMaintain(fact, knows === true)]));
  return { ...graph, facts, base: null };
}

const SINCE_MAINTAIN = 170_000;
const ON_TABLES = ["DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"];

/** Who has all privileges has this one too. */
function withMaintain(fact: Fact, known: boolean): Fact {
  if (fact.id.kind !== "acl") return fact;
  const payload = Object.entries(fact.payload as Readonly<Record<string, unknown>>).map(([name, list]) => {
    if (!Array.isArray(list)) return [name, list];
    const others = list.filter((one) => one !== "MAINTAIN");
    const isAll = ON_TABLES.every((one) => others.includes(one));
    return [name, known && isAll ? [...others, "MAINTAIN"].sort() : others];
  });
  return { ...fact, payload: Object.fromEntries(payload) };
}

type Rule = (fact: Fact) => Fact;

/** Whether a list was read again is no difference. */
const lists: Rule = (fact) => {
  const payload = eachText(fact.payload, asReadAgain);
  return payload === fact.payload ? fact : { ...fact, payload: payload as never };
};

/** The value itself where no text of it changes. */
function eachText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, eachText(one, change), one] as const);
  if (entries.every(([, changed, one]) => changed === one)) return value;
  return Array.isArray(value)
    ? entries.map(([, changed]) => changed)
    : Object.fromEntries(entries.map(([key, changed]) => [key, changed]));
}

/** An index of a partitioned table is read as one of the parent alone. It is that only while some partition lacks it. */
function wholeIndexes(incomplete: ReadonlySet<string>): Rule {
  return (fact) => {
    const { id, payload } = fact;
    if (id.kind !== "index" || incomplete.has(key(id.schema, id.name))) return fact;
    const { def } = payload as { readonly def?: unknown };
    if (typeof def !== "string") return fact;
    const whole = def.replace(" ON ONLY ", " ON ");
    return whole === def ? fact : { ...fact, payload: { ...(payload as object), def: whole } as never };
  };
}

function virtualColumns(columns: ReadonlySet<string>): Rule {
  return (fact) => {
    const { id, payload } = fact;
    if (id.kind !== "column" || !columns.has(key(id.schema, id.table, id.name))) return fact;
    const { generatedExpr } = payload as { readonly generatedExpr?: unknown };
    return {
      ...fact,
      payload: { ...(payload as object), generatedExpr: `${generatedExpr}${VIRTUAL}` } as never,
    };
  };
}

async function invalidIndexes(connection: Connection): Promise<ReadonlySet<string>> {
  return keys(
    connection,
    `select n.nspname::text as a, c.relname::text as b, '' as c from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'I' and not i.indisvalid`,
  );
}

async function virtual(connection: Connection): Promise<ReadonlySet<string>> {
  return keys(
    connection,
    `select n.nspname::text as a, c.relname::text as b, a.attname::text as c from pg_catalog.pg_attribute a
      join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where a.attgenerated = 'v' and not a.attisdropped`,
  );
}

async function keys(connection: Connection, select: string): Promise<ReadonlySet<string>> {
  const { rows } = await connection.query<Record<"a" | "b" | "c", string>>(select);
  return new Set(rows.map(({ a, b, c }) => key(a, b, ...(c === "" ? [] : [c]))));
}

function key(...names: readonly string[]): string {
  return names.join("\0");
}
