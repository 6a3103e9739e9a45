/** Asks pg-delta for the statements between two databases. The package is loaded when it is first used. */
import type { Fact, FactBase } from "@supabase/pg-delta";
import type { Connection } from "../database/connection.ts";
import { correctedFacts, correctionsFor, type Rule, VIRTUAL } from "./facts.ts";
import { withoutGiven } from "./given.ts";
import { relatedFacts } from "./related.ts";
import type { DiffStatement } from "./statement.ts";

export interface Delta {
  readonly statements: readonly DiffStatement[];
  /** What pg-delta does not know, of what is in one of the two databases. */
  readonly unknown: readonly string[];
}

/** Roles are taken as given: they belong to the server. Of what `owner` owns no owner is said. */
export async function deltaOf(
  present: SchemaFacts,
  desired: SchemaFacts,
  { owner, roles }: { readonly owner: string; readonly roles: readonly string[] },
): Promise<Delta> {
  const { plan } = await import("@supabase/pg-delta/plan");
  const [before, after] = await relatedFacts(present.facts, desired.facts);
  const { actions } = plan(before, await withoutGiven(after, before), {
    scope: "database",
    assumedRoles: [...roles],
    defaultOwner: owner,
  });
  return {
    statements: actions.map(({ sql, transactionality, dataLoss }) => ({
      text: sql.replaceAll(`${VIRTUAL}) STORED`, ") VIRTUAL"),
      transaction: TRANSACTIONS[transactionality],
      losesData: dataLoss === "destructive",
    })),
    unknown: [...new Set([...present.unknown, ...desired.unknown])].sort(),
  };
}

const TRANSACTIONS = { transactional: "any", commitBoundaryAfter: "own", nonTransactional: "none" } as const;

/** What pg-delta reads of a database. */
export interface SchemaFacts {
  readonly facts: FactBase;
  readonly unknown: readonly string[];
}

/** What pg-delta has read, and how it is corrected. */
export interface ReadFacts {
  readonly base: FactBase;
  readonly rules: readonly Rule[];
  readonly unknown: readonly string[];
}

/** Reads in a transaction that can't write. */
export async function readFacts(connection: Connection): Promise<ReadFacts> {
  const { extract } = await import("@supabase/pg-delta/extract");
  const { factBase, diagnostics } = await extract(poolOf(connection) as never);
  const unknown = diagnostics.filter(({ code }) => code === "unmodeled_kind").map(({ message }) => message);
  return { base: factBase, rules: await correctionsFor(connection), unknown };
}

export async function factsOf(
  { base, rules, unknown }: ReadFacts,
  gone?: ReadonlySet<Fact>,
): Promise<SchemaFacts> {
  return { facts: await correctedFacts(base, rules, gone), unknown };
}

/** As much of a pool of `pg` as pg-delta uses. */
function poolOf(connection: Connection) {
  const query = async (text: string, values: readonly never[] = []) => connection.query(text, values);
  return { connect: async () => ({ query, release: () => undefined }) };
}

export async function rolesOf(connection: Connection): Promise<readonly string[]> {
  const { rows } = await connection.query<{ readonly name: string }>(
    "select rolname::text as name from pg_catalog.pg_roles",
  );
  return rows.map(({ name }) => name);
}
