/**
 * Puts columns into their order: PostgreSQL adds a column at the end and moves none, so the tables are made anew, and with them
 * what depends on them. For a database that holds no rows.
 */
import type { Connection } from "../database/connection.ts";
import { type DiffInput, diffSchemas } from "./diff.ts";
import { belongingTo, without } from "./fact-graph.ts";
import { qualifiedParts, snapshotWithout } from "./leave-out.ts";
import type { SchemaReading } from "./reading.ts";

export interface OrderInput extends Pick<DiffInput, "compared" | "owner" | "isInTransaction"> {
  /** It has the desired schema, but for the order of columns. */
  readonly copy: Connection;
  readonly desired: SchemaReading;
  /** The tables whose columns are in another order. */
  readonly tables: readonly string[];
}

/** `false`: the copy is now something else, and of no use. */
export async function putInOrder({ copy, desired, tables, ...options }: OrderInput): Promise<boolean> {
  const facts = await desired.facts();
  const names = new Set(tables.map((table) => qualifiedParts(table).join("\0")));
  const isTable = (schema: string, name: string) => names.has(`${schema}\0${name}`);
  const roots = [...facts.facts].filter(([, { id }]) => id.kind === "table" && isTable(id.schema, id.name));
  if (roots.length < tables.length) return false;
  await copy.execute(`drop table ${tables.join(", ")} cascade`);
  const gone = belongingTo(
    facts,
    roots.map(([key]) => key),
    { cascade: true },
  );
  const present = {
    // Of what depends on the tables it may say too much. Whether the order is reached is seen at the end.
    snapshot: snapshotWithout(desired.snapshot, { isSchema: () => false, isTable }),
    facts: async () => without(facts, gone),
  };
  const made = await diffSchemas({ ...options, copy, desired, present });
  return made.refused === null && made.left.length === 0 && made.otherOrder.length === 0;
}
