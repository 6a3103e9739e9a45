/** What an unfinished statement left behind, and how the next attempt continues it. */
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
 * Removes what a killed or failed attempt of this statement left behind, so that the statement can run.
 * `before` is the snapshot that the attempt's intent holds.
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
      // With IF NOT EXISTS the server would take it for the wanted index, whether it is unique or not.
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
 * The leftovers of an index whose name the server chose: invalid indexes that are new and have the statement's
 * definition.
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

/** Whether a failed statement left something that only running it again finishes. */
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

/** The text to send. It names the objects that the statement meant at first, and finishes a half-done detachment. */
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

/** The name as a statement needs it. */
function quoted({ schema, name }: Name): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}
