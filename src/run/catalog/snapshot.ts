/**
 * What a statement's names mean before it runs, as its intent row remembers it.
 *
 * A name can mean another object later: an index of that name in the next schema of the path, or one that
 * somebody has made since. So the intent holds the objects themselves, and the judgement asks for those.
 */
import type { StatementKind } from "../../core/sql/classify.ts";
import type { Name } from "../../core/sql/cursor.ts";
import { literal } from "../../core/sql/quote.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { askCatalog, resolveName } from "./ask.ts";
import { indexesOn } from "./indexes.ts";

export interface Identity {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
}

/** The snapshot in an intent row. A row of an older Godwit has `indexes` at most. */
export interface Snapshot {
  /** The objects that the statement's names mean, in their order; `null` where there is none. */
  readonly objects?: readonly (Identity | null)[];
  /** The indexes of the table before the statement: those of the name that it gives, or all where it gives none. */
  readonly indexes?: readonly number[];
  /** The object id of the database, tablespace or subscription, or `null` if there was none. */
  readonly existing?: number | null;
}

/** What a question about a statement needs of it. */
export interface JudgedStatement {
  readonly kind: StatementKind;
  readonly text: string;
}

/** Takes the snapshot before the statement begins, with the settings that hold for the statement. */
export async function snapshot(connection: Connection, kind: StatementKind): Promise<Snapshot | null> {
  if (kind.kind === "outside") return { existing: await oidOutside(connection, kind) };
  const names = namesOf(kind);
  if (names.length === 0) return null;
  const objects = await Promise.all(names.map((name) => resolve(connection, name)));
  if (kind.kind !== "create-index-concurrently") return { objects };
  const [table] = objects;
  const found = table == null ? [] : await indexesOn(connection, kind, table.oid);
  return { objects, indexes: found.map((index) => index.oid) };
}

function namesOf(kind: StatementKind): readonly Name[] {
  switch (kind.kind) {
    case "create-index-concurrently":
      return [kind.table];
    case "drop-index-concurrently":
      return kind.indexes;
    case "detach-partition-concurrently":
    case "detach-partition-finalize":
      return [kind.table, kind.partition];
    case "reindex-concurrently":
      return kind.name === null || (kind.object !== "index" && kind.object !== "table") ? [] : [kind.name];
    default:
      return [];
  }
}

export async function resolve(connection: Connection, name: Name): Promise<Identity | null> {
  const oid = await resolveName(connection, name);
  return oid === null ? null : identify(connection, oid);
}

export async function identify(connection: Connection, oid: number): Promise<Identity | null> {
  const [found] = await askCatalog<Identity & Row>(
    connection,
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}::oid`,
  );
  return found ?? null;
}

/** The indexes to drop that still exist, under their current names. */
export async function stillThere(
  connection: Connection,
  kind: StatementKind & { kind: "drop-index-concurrently" },
  before: Snapshot | null,
): Promise<readonly (Identity & { valid: boolean })[]> {
  const objects =
    before?.objects ?? (await Promise.all(kind.indexes.map((name) => resolve(connection, name))));
  const oids = objects.flatMap((object) => (object === null ? [] : [object.oid]));
  if (oids.length === 0) return [];
  return askCatalog<Identity & Row & { valid: boolean }>(
    connection,
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as name, i.indisvalid as valid
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where c.oid in (${oids.map((oid) => `${oid}::oid`).join(", ")})`,
  );
}

export async function partitionState(
  connection: Connection,
  kind: { table: Name; partition: Name },
  before: Snapshot | null,
): Promise<"attached" | "pending" | "detached"> {
  const [table, partition] = before?.objects ?? [];
  const oidOf = async (object: Identity | null | undefined, name: Name) =>
    `${object?.oid ?? (await resolveName(connection, name)) ?? 0}::oid`;
  const [row] = await askCatalog<{ pending: boolean }>(
    connection,
    `select coalesce((to_jsonb(h) ->> 'inhdetachpending')::boolean, false) as pending
    from pg_inherits h where inhparent = ${await oidOf(table, kind.table)}
    and inhrelid = ${await oidOf(partition, kind.partition)}`,
  );
  return row === undefined ? "detached" : row.pending ? "pending" : "attached";
}

export type Outside = StatementKind & { readonly kind: "outside" };

export function catalogOf({ verb, name }: Outside): string | null {
  if (name === null) return null;
  const [, object] = /^(?:CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)$/.exec(verb) ?? [];
  if (object === undefined) return null;
  const of = literal(name.name);
  return {
    DATABASE: `pg_database where datname = ${of}`,
    TABLESPACE: `pg_tablespace where spcname = ${of}`,
    SUBSCRIPTION: `pg_subscription where subname = ${of} and subdbid = (select oid from pg_database where datname = current_database())`,
  }[object as "DATABASE" | "TABLESPACE" | "SUBSCRIPTION"];
}

export async function oidOutside(connection: Connection, kind: Outside): Promise<number | null> {
  const catalog = catalogOf(kind);
  if (catalog === null) return null;
  const [found] = await askCatalog<{ oid: number }>(
    connection,
    `select oid::int8::float8 as oid from ${catalog}`,
  );
  return found?.oid ?? null;
}
