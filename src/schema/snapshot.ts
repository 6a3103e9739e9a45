/**
 * The schema of a database as plain data: each object under its name, with what makes it what it is.
 *
 * Names stand for object ids. What changes without anybody changing the schema is left out: sizes, statistics, file
 * nodes, positions of dropped columns. Two databases with one schema have one snapshot, also where the second was
 * restored from a dump of the first.
 */
import type { Connection, Row } from "../database/connection.ts";
import { attached } from "./attached-sql.ts";
import { defaultPrivileges, ofDatabase } from "./database-sql.ts";
import { isOfUser, LABELS, type SnapshotQuery } from "./fragments.ts";
import { relations } from "./relations-sql.ts";
import { languages, routines } from "./routines-sql.ts";
import { textSearch, types } from "./types-sql.ts";

export type Attribute = string | number | boolean | null | readonly string[];

export interface SchemaObject {
  readonly kind: string;
  /** Qualified and quoted. With the kind it is the object's identity. */
  readonly name: string;
  /** The identities of what it comes and goes with. */
  readonly parents: readonly string[];
  /** An attribute that is left out has its default. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface SchemaSnapshot {
  readonly format: typeof SNAPSHOT_FORMAT;
  /** `server_version_num` of the server that was read. */
  readonly server: number;
  /** Ordered by identity. */
  readonly objects: readonly SchemaObject[];
}

/** Grows when an attribute is compared that older snapshots do not have. */
export const SNAPSHOT_FORMAT = 1;

export interface SnapshotOptions {
  /** The one schema to read. `null`: the schemas of users, and what is in no schema. */
  readonly schema: string | null;
  /** Of objects that are left out with all that belongs to them. What is in a schema does not go with it. */
  readonly isLeftOut?: (object: Pick<SchemaObject, "kind" | "name">) => boolean;
}

export function identity({ kind, name }: Pick<SchemaObject, "kind" | "name">): string {
  return `${kind} ${name}`;
}

/** Reads everything with one statement. Don't ask inside a transaction. */
export async function takeSnapshot(
  connection: Connection,
  { schema, isLeftOut }: SnapshotOptions,
): Promise<SchemaSnapshot> {
  const { version } = connection.server;
  const results = await connection.execute(snapshotSql({ version, schema }));
  const rows =
    results.find((result) => result.rows[0] !== undefined && "attributes" in result.rows[0])?.rows ?? [];
  const objects = (rows as readonly SnapshotRow[]).map(({ kind, name, parents, attributes }) => ({
    ...{ kind, name },
    parents: parse<readonly string[]>(parents),
    attributes: parse<SchemaObject["attributes"]>(attributes),
  }));
  const kept = isLeftOut === undefined ? objects : leaveOut(objects, isLeftOut);
  return { format: SNAPSHOT_FORMAT, server: version, objects: byIdentity(kept) };
}

/** One message: the settings hold until its end. */
export function snapshotSql(query: SnapshotQuery): string {
  const settings = [
    ["search_path", "pg_catalog, pg_temp"],
    ["jit", "off"],
    ["statement_timeout", "0"],
    // The text of a view waits for whoever locks a table of it.
    ["lock_timeout", "2s"],
    ["quote_all_identifiers", "off"],
    // A rehearsal turns them off for its session. Without them 500 tables take half a minute.
    ...["indexscan", "indexonlyscan", "bitmapscan"].map((name) => [`enable_${name}`, "on"]),
  ].map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', true)`);
  return `select ${settings.join(", ")};
${LABELS}
${branches(query).join("\nunion all\n")}`;
}

function branches(query: SnapshotQuery): readonly string[] {
  return [
    ...relations(query),
    ...attached(query),
    ...types(query),
    ...textSearch(query),
    ...routines(query),
    defaultPrivileges(query, isOfUser(query)),
    ...(query.schema === null ? [...ofDatabase(query), ...languages()] : []),
  ];
}

interface SnapshotRow extends Row {
  readonly kind: string;
  readonly name: string;
  readonly parents: unknown;
  readonly attributes: unknown;
}

/** A driver may have read JSON already. */
function parse<T>(value: unknown): T {
  return (typeof value === "string" ? JSON.parse(value) : value) as T;
}

function leaveOut(
  objects: readonly SchemaObject[],
  isLeftOut: NonNullable<SnapshotOptions["isLeftOut"]>,
): SchemaObject[] {
  const known = new Map(objects.map((object) => [identity(object), object]));
  const verdicts = new Map<string, boolean>();
  const isOut = (name: string): boolean => {
    const object = known.get(name);
    const decided = verdicts.get(name);
    if (object === undefined || decided !== undefined) return decided ?? false;
    const itself = isLeftOut(object);
    verdicts.set(name, itself); // ends a circle
    const verdict = itself || object.parents.some((one) => !one.startsWith("schema ") && isOut(one));
    verdicts.set(name, verdict);
    return verdict;
  };
  return objects.filter((object) => !isOut(identity(object)));
}

function byIdentity(objects: readonly SchemaObject[]): readonly SchemaObject[] {
  const keyed = objects.map((object) => ({ key: identity(object), object }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ object }) => object);
}
