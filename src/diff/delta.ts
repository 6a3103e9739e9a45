/** Asks pg-delta for the statements between two databases. The package is loaded when it is first used. */
import { asciiComments } from "../core/sql/comments.ts";
import type { Connection } from "../database/connection.ts";
import { type FactGraph, factBaseOf, graphOf, type Key, without } from "./fact-graph.ts";
import { correctionsFor, saidTwice, VIRTUAL } from "./facts.ts";
import { withoutGiven } from "./given.ts";
import { related } from "./related.ts";
import type { DiffStatement } from "./statement.ts";

export interface DeltaOptions {
  /** Of what it owns no owner is said. */
  readonly owner: string;
  /** They are taken as given: they belong to the server. */
  readonly roles: readonly string[];
}

export async function deltaOf(
  present: FactGraph,
  desired: FactGraph,
  options: DeltaOptions,
): Promise<readonly DiffStatement[]> {
  try {
    return await planned(present, desired, { ...options, isMeant: await related(present, desired) });
  } catch {
    // It may have looked for a fact that was left out. What is wrong with all of them is told.
    return planned(present, desired, options);
  }
}

/** Of the facts that are meant. Default: of all. */
export async function planned(
  present: FactGraph,
  desired: FactGraph,
  { owner, roles, isMeant }: DeltaOptions & { readonly isMeant?: (key: Key) => boolean },
): Promise<readonly DiffStatement[]> {
  const { plan } = await import("@supabase/pg-delta/plan");
  const before = await factBaseOf(present, isMeant);
  const after = await factBaseOf(desired, isMeant);
  const { actions } = plan(before, await withoutGiven(after, before), {
    scope: "database",
    assumedRoles: [...roles],
    defaultOwner: owner,
  });
  return actions.map(({ sql, transactionality, dataLoss }) => ({
    text: sql.replaceAll(`${VIRTUAL}) STORED`, ") VIRTUAL"),
    transaction: TRANSACTIONS[transactionality],
    losesData: dataLoss === "destructive",
  }));
}

const TRANSACTIONS = { transactional: "any", commitBoundaryAfter: "own", nonTransactional: "none" } as const;

/** Reads in a transaction that can't write. */
export async function readFacts(connection: Connection): Promise<FactGraph> {
  const { extract } = await import("@supabase/pg-delta/extract");
  const { factBase } = await extract(poolOf(connection) as never);
  const graph = await graphOf(factBase, await correctionsFor(connection));
  return without(graph, saidTwice(graph));
}

/** As much of a pool of `pg` as pg-delta uses. Its comments have characters that not every encoding of a database has. */
function poolOf(connection: Connection) {
  const query = async (text: string, values: readonly never[] = []) =>
    connection.query(asciiComments(text), values);
  return { connect: async () => ({ query, release: () => undefined }) };
}

export async function rolesOf(connection: Connection): Promise<readonly string[]> {
  const { rows } = await connection.query<{ readonly name: string }>(
    "select rolname::text as name from pg_catalog.pg_roles",
  );
  return rows.map(({ name }) => name);
}
