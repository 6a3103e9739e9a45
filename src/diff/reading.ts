/** What is read of a database whose schema does not change, each once. */
import type { Connection } from "../database/connection.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../schema/snapshot.ts";
import { factsOf, readFacts, type SchemaFacts } from "./delta.ts";
import { factsLeftOut, type LeftOut, snapshotWithout } from "./leave-out.ts";

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
      facts ??= readFacts(connection).then((read) => factsOf(read));
      return facts;
    },
  };
}

/** Of a database that may not be changed. Everything is read at once. `null`: something needs what is to be left out. */
export async function readWithout(
  connection: Connection,
  compared: SnapshotOptions,
  leftOut: LeftOut,
): Promise<SchemaReading | null> {
  const snapshot = await takeSnapshot(connection, compared);
  const read = await readFacts(connection);
  const gone = factsLeftOut(read.base, leftOut);
  if (gone === null) return null;
  const facts = await factsOf(read, gone);
  return { snapshot: snapshotWithout(snapshot, leftOut), facts: async () => facts };
}
