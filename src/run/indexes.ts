/** What the catalog says about indexes: which are invalid, who may be building them, and whether one is what a text asks for. */
import { indexDefinition, type StatementKind } from "../core/sql/classify.ts";
import type { Name } from "../core/sql/cursor.ts";
import { identifier, literal, quotedName } from "../core/sql/quote.ts";
import type { Connection, Row } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import { isWorthRetrying } from "./work.ts";

export type CreateIndex = StatementKind & { readonly kind: "create-index-concurrently" };

/**
 * All invalid indexes; an index of a partitioned table waits for its parts. `builder` is a session that may be
 * building it.
 */
export const INVALID_INDEXES = `select i.indexrelid::regclass::text as name, c.relname as "bareName",
  n.nspname as schema, t.relname as "table", (${builder()} limit 1) as builder
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where not i.indisvalid and c.relkind = 'i'`;

export interface InvalidIndex extends Row {
  readonly name: string;
  readonly bareName: string;
  readonly schema: string;
  readonly table: string;
  readonly builder: number | null;
}

/**
 * Other sessions that hold the lock on the table under which indexes are built. `pg_stat_progress_create_index` would
 * say it more exactly, but hides what other roles build; `pg_locks` hides nothing. A vacuum of the table looks the same.
 */
function builder(): string {
  return `select l.pid from pg_locks l where l.relation = i.indrelid and l.granted and l.pid <> pg_backend_pid()
    and l.mode operator(pg_catalog.=) 'ShareUpdateExclusiveLock' and l.database = (select oid from pg_database where datname = current_database())`;
}

/** Worth waiting for: by then the index may be valid, and is none of ours to drop. */
export function beingBuilt(index: string, pid: number): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_ERROR",
      message: `Index ${index} is invalid, and process ${pid} is working on its table: it may be building it.`,
      hint: "Wait until that process is done, then run again.",
      details: { pid },
    },
    { sqlState: "55P03" },
  );
}

export interface IndexRow extends Row {
  readonly oid: number;
  readonly name: string;
  readonly valid: boolean;
  readonly unique: boolean;
  readonly builder: number | null;
}

/** The named index on its table, or every index of the table where the statement leaves the name to the server. */
export async function indexesOn(
  connection: Connection,
  kind: CreateIndex,
  tableOid: number,
): Promise<readonly IndexRow[]> {
  const named = kind.index === null ? "" : `and c.relname = ${literal(kind.index.name)}`;
  const { rows } =
    await connection.query<IndexRow>(`select c.oid::int8::float8 as oid, i.indexrelid::regclass::text as name,
    i.indisvalid as valid, i.indisunique as unique, (${builder()} limit 1) as builder
    from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = ${tableOid}::oid ${named}`);
  return rows;
}

/** The table whose index has the name that the statement wants for its own table; `null` where there is none. */
export async function tableOfIndex(
  connection: Connection,
  index: string,
  tableOid: number,
): Promise<string | null> {
  const { rows } = await connection.query<{ table: string }>(`select i.indrelid::regclass::text as "table"
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relname = ${literal(index)} and i.indrelid <> ${tableOid}::oid
    and c.relnamespace = (select relnamespace from pg_class where oid = ${tableOid}::oid)`);
  return rows[0]?.table ?? null;
}

export async function reindexLeftovers(connection: Connection, name: Name): Promise<readonly string[]> {
  const target = `to_regclass(${literal(written(name))})::oid`;
  const { rows } = await connection.query<{
    name: string;
  }>(`select i.indexrelid::regclass::text as name from pg_index i
    join pg_class c on c.oid = i.indexrelid
    where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
    and i.indrelid in (select ${target} union select indrelid from pg_index where indexrelid = ${target})
    and not exists (${builder()})`);
  return rows.map((row) => row.name);
}

/**
 * Whether an index is what the statement's text asks for. The server says it: an index of that text is made on an
 * empty table of the same columns, compared, and rolled back.
 */
export async function hasDefinitionOf(
  connection: Connection,
  index: { readonly oid: number; readonly table: string },
  text: string,
): Promise<boolean> {
  const definition = indexDefinition(text);
  if (definition === null) return false;
  const [schema = ""] = await schemaOf(connection, index.oid);
  const name = `godwit_probe_${connection.server.backendPid}`;
  const probe = `${identifier(schema)}.${name}`;
  try {
    await connection.execute(`begin isolation level read committed read write; set local lock_timeout = '3s';
      create table ${probe} (like ${index.table})`);
    await connection.execute(
      `create ${definition.unique ? "unique " : ""}index on ${probe} ${definition.rest}`,
    );
    const { rows } = await connection.query<{ same: boolean }>(
      `select count(distinct (${DEFINITION}))::int = 1 and count(*)::int = 2 as same from pg_index i
       join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace
       where i.indexrelid = ${index.oid}::oid or i.indrelid = to_regclass(${literal(`${quotedName(schema)}.${name}`)})::oid`,
    );
    return rows[0]?.same === true;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted || isWorthRetrying(error)) throw error;
    return false;
  } finally {
    if (!connection.lost.aborted) await connection.execute("rollback");
  }
}

/** Without the names of index and table. */
const DEFINITION = `i.indisunique || substr(pg_get_indexdef(i.indexrelid),
  length(format('CREATE %sINDEX %I ON %I.%I', case when i.indisunique then 'UNIQUE ' else '' end, c.relname, n.nspname, t.relname)) + 1)`;

async function schemaOf(connection: Connection, oid: number): Promise<readonly string[]> {
  const { rows } = await connection.query<{ schema: string }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}::oid`,
  );
  return rows.map(({ schema }) => schema);
}

/** A name for `to_regclass`. */
export function written({ schema, name }: Name): string {
  return schema === null ? quotedName(name) : `${quotedName(schema)}.${quotedName(name)}`;
}
