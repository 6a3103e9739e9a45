/** Snapshots of a test's database, and a change between two of them. */
import { parseAddress } from "../../src/database/address/address.ts";
import type { Connection } from "../../src/database/connection.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import { compareSchemas, describeDifference } from "../../src/schema/compare.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../../src/schema/snapshot.ts";
import type { SchemaChange } from "./change.ts";

export const ALL: SnapshotOptions = { schema: null };

export async function connectionTo(url: string): Promise<Connection> {
  const signal = new AbortController().signal;
  return openPostgres(parseAddress({ url, environment: {} }), {
    applicationName: "godwit test",
    signal,
  });
}

export async function snapshotOf(url: string, options: SnapshotOptions = ALL): Promise<SchemaSnapshot> {
  await using connection = await connectionTo(url);
  return await takeSnapshot(connection, options);
}

export function described(from: SchemaSnapshot, to: SchemaSnapshot): readonly string[] {
  return compareSchemas(from, to).map((one) => describeDifference(one));
}

/** Before and after the change. Nothing of it stays. */
export async function around(
  connection: Connection,
  { setup, change }: Pick<SchemaChange, "setup" | "change">,
): Promise<readonly [SchemaSnapshot, SchemaSnapshot]> {
  try {
    await connection.execute(`begin; create schema s; set local search_path = s; ${setup}`);
    const before = await takeSnapshot(connection, ALL);
    await connection.execute(`set local search_path = s; ${change}`);
    return [before, await takeSnapshot(connection, ALL)];
  } finally {
    await connection.execute("rollback");
  }
}
