/** What a statement that did not come to its end left lying about, and how the next attempt takes it up. */
import type { Name } from "../../core/sql/cursor.ts";
import { identifier } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import {
  beingBuilt,
  type CreateIndex,
  hasDefinitionOf,
  type IndexRow,
  indexesOn,
  reindexLeftovers,
} from "./indexes.ts";
import {
  identify,
  type JudgedStatement,
  partitionState,
  resolve,
  type Snapshot,
  stillThere,
} from "./snapshot.ts";

/**
 * Clears what a killed or failed predecessor of this statement left behind, so that it can run. `before` is what the
 * predecessor's intent remembers.
 */
export async function clearLeftovers(
  connection: Connection,
  { kind, text }: JudgedStatement,
  before: Snapshot | null,
): Promise<void> {
  if (kind.kind === "create-index-concurrently" && kind.index === null) {
    for (const index of await unnamedLeftovers(connection, { kind, text }, before)) {
      if (index.builder !== null) throw beingBuilt(index.name, index.builder);
      await connection.execute(`drop index concurrently if exists ${index.name}`);
    }
  }
  if (kind.kind === "create-index-concurrently" && kind.index !== null) {
    const table = await resolve(connection, kind.table);
    for (const index of table === null ? [] : await indexesOn(connection, kind, table.oid)) {
      // With IF NOT EXISTS the server would take it for the index that is wanted, unique or not.
      if (index.valid || (index.unique !== kind.unique && !kind.ifNotExists)) continue;
      if (index.builder !== null) throw beingBuilt(index.name, index.builder);
      await connection.execute(`drop index concurrently if exists ${index.name}`);
    }
  }
  if (
    kind.kind === "reindex-concurrently" &&
    kind.name !== null &&
    (kind.object === "index" || kind.object === "table")
  )
    for (const name of await reindexLeftovers(connection, kind.name))
      await connection.execute(`drop index concurrently if exists ${name}`);
}

/**
 * Where the server chooses the name: the invalid indexes that were not there before, and are what the statement builds.
 */
async function unnamedLeftovers(
  connection: Connection,
  { kind, text }: { kind: CreateIndex; text: string },
  before: Snapshot | null,
): Promise<readonly IndexRow[]> {
  const [meant] = before?.objects ?? [];
  const table = meant == null ? null : await identify(connection, meant.oid);
  if (table === null) return [];
  const known = new Set(before?.indexes ?? []);
  const found: IndexRow[] = [];
  for (const index of await indexesOn(connection, kind, table.oid)) {
    if (index.valid || known.has(index.oid)) continue;
    if (await hasDefinitionOf(connection, { oid: index.oid, table: table.name }, text)) found.push(index);
  }
  return found;
}

/** Whether a statement that failed left something that only its repetition finishes. */
export async function leftHalfDone(
  connection: Connection,
  { kind, text }: JudgedStatement,
  before: Snapshot | null,
): Promise<boolean> {
  switch (kind.kind) {
    case "create-index-concurrently": {
      if (kind.index === null) return (await unnamedLeftovers(connection, { kind, text }, before)).length > 0;
      const [table] = before?.objects ?? [];
      const known = new Set(before?.indexes ?? []);
      const found = table == null ? [] : await indexesOn(connection, kind, table.oid);
      return found.some((index) => !known.has(index.oid));
    }
    case "drop-index-concurrently":
      return (await stillThere(connection, kind, before)).some(({ valid }) => !valid);
    case "detach-partition-concurrently":
      return (await partitionState(connection, kind, before)) === "pending";
    default:
      return false;
  }
}

/** The statement to send: for the very objects that it meant; a half-done detachment is finished. */
export async function effectiveText(
  connection: Connection,
  { kind, text }: JudgedStatement,
  before: Snapshot | null,
  resumed: boolean,
): Promise<string> {
  if (kind.kind === "drop-index-concurrently" && resumed) {
    const left = await stillThere(connection, kind, before);
    return left.length === 0 ? text : `drop index concurrently ${left.map(({ name }) => name).join(", ")}`;
  }
  if (kind.kind !== "detach-partition-concurrently") return text;
  const pending = (await partitionState(connection, kind, before)) === "pending";
  if (!pending && !resumed) return text;
  const [table, partition] = before?.objects ?? [];
  return `alter table ${table?.name ?? quoted(kind.table)} detach partition ${partition?.name ?? quoted(kind.partition)} ${pending ? "finalize" : "concurrently"}`;
}

/** For a statement. */
function quoted({ schema, name }: Name): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}
