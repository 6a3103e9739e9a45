/** What is read of a database whose schema does not change, each once. */
import type { Connection } from "../database/connection.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../schema/snapshot.ts";
import { factsOf, type SchemaFacts } from "./delta.ts";

export interface SchemaReading {
  readonly snapshot: SchemaSnapshot;
  /** Read when they are first asked for. */
  facts(): Promise<SchemaFacts>;
}

export async function readSchema(connection: Connection, compared: SnapshotOptions): Promise<SchemaReading> {
  return readingOf(connection, await takeSnapshot(connection, compared));
}

/** Of a snapshot that says what the schema is now. */
export function readingOf(connection: Connection, snapshot: SchemaSnapshot): SchemaReading {
  let facts: Promise<SchemaFacts> | undefined;
  return {
    snapshot,
    facts() {
      facts ??= factsOf(connection);
      return facts;
    },
  };
}
