/** What is read of a database whose schema does not change, each once. */
import type { Connection } from "../database/connection.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../schema/snapshot.ts";
import { readFacts } from "./delta.ts";
import { type FactGraph, without } from "./fact-graph.ts";
import { asOnServer } from "./facts.ts";
import { factsLeftOut, type LeftOut, snapshotWithout } from "./leave-out.ts";

export interface SchemaReading {
  readonly snapshot: SchemaSnapshot;
  /** Read when they are first asked for. */
  facts(): Promise<FactGraph>;
}

export async function readSchema(connection: Connection, compared: SnapshotOptions): Promise<SchemaReading> {
  return readingOf(connection, await takeSnapshot(connection, compared));
}

/** Of a snapshot that says what the schema is now. */
export function readingOf(connection: Connection, snapshot: SchemaSnapshot): SchemaReading {
  let facts: Promise<FactGraph> | undefined;
  return {
    snapshot,
    facts() {
      facts ??= readFacts(connection);
      return facts;
    },
  };
}

/** What was read of a database that may not be changed. */
export interface LiveReading {
  readonly whole: SchemaReading;
  /** Without what is left out. `null`: something else needs it. */
  readonly rest: SchemaReading | null;
}

/** Everything is read at once. */
export async function readLive(
  connection: Connection,
  compared: SnapshotOptions,
  leftOut: LeftOut,
): Promise<LiveReading> {
  const snapshot = await takeSnapshot(connection, compared);
  const facts = await readFacts(connection);
  const whole = { snapshot, facts: async () => facts };
  const gone = factsLeftOut(facts, leftOut);
  if (gone === null) return { whole, rest: null };
  const others = without(facts, gone);
  return { whole, rest: { snapshot: snapshotWithout(snapshot, leftOut), facts: async () => others } };
}

/** By two sessions of one database at the same time, which are not needed afterwards. */
export async function readTogether(
  [first, second]: readonly [Connection, Connection],
  compared: SnapshotOptions,
): Promise<SchemaReading> {
  const [snapshot, facts] = await Promise.all([takeSnapshot(first, compared), readFacts(second)]);
  return { snapshot, facts: async () => facts };
}

/** What a server of another version says of the same schema, as far as it is known. */
export async function asReadBy(reading: SchemaReading, version: number): Promise<SchemaReading> {
  const facts = asOnServer(await reading.facts(), reading.snapshot.server, version);
  return { ...reading, facts: async () => facts };
}
