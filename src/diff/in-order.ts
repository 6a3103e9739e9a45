/**
 * Puts columns into their order: PostgreSQL adds a column at the end and moves none, so the tables are made anew, and with them
 * what depends on them. For a database that holds no rows.
 */
import type { Connection } from "../database/connection.ts";
import { takeSnapshot } from "../schema/snapshot.ts";
import { type DiffInput, diffSchemas } from "./diff.ts";
import { correctedFacts } from "./facts.ts";
import { belongingTo, qualifiedParts } from "./leave-out.ts";
import type { SchemaReading } from "./reading.ts";

export interface OrderInput extends Pick<DiffInput, "compared" | "owner"> {
  /** It has the desired schema, but for the order of columns. */
  readonly copy: Connection;
  readonly desired: SchemaReading;
  /** The tables whose columns are in another order. */
  readonly tables: readonly string[];
}

/** `false`: the copy is now something else, and of no use. */
export async function putInOrder({ copy, desired, tables, ...options }: OrderInput): Promise<boolean> {
  const { facts, unknown } = await desired.facts();
  const roots = tables
    .map(qualifiedParts)
    .map(([schema = "", name = ""]) => facts.get({ kind: "table", schema, name }));
  const known = roots.filter((fact) => fact !== undefined);
  if (known.length < tables.length) return false;
  const { compared } = options;
  await copy.execute(`drop table ${tables.join(", ")} cascade`);
  const gone = belongingTo(facts, known, { cascade: true });
  const left = await correctedFacts(facts, [], gone);
  const present = {
    snapshot: await takeSnapshot(copy, compared),
    facts: async () => ({ facts: left, unknown }),
  };
  const made = await diffSchemas({ ...options, copy, desired, present });
  return made.refused === null && made.left.length === 0 && made.otherOrder.length === 0;
}
