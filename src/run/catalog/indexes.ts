/**
 * Questions about indexes: which are invalid, who may be building them, and whether one has the definition of a
 * text.
 */
import type { StatementKind } from "../../core/sql/classify.ts";
import { indexDefinition } from "../../core/sql/create-index.ts";
import type { Name } from "../../core/sql/cursor.ts";
import { identifier, literal, quotedName } from "../../core/sql/quote.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import { CATALOG_ONLY } from "../session/settings.ts";
import { begin, isWorthRetrying } from "../session/transaction.ts";
import { askCatalog, resolveName } from "./ask.ts";

export type CreateIndex = StatementKind & { readonly kind: "create-index-concurrently" };

/** Every invalid index of the database. */
export function invalidIndexes(connection: Connection): Promise<readonly InvalidIndex[]> {
  return askCatalog<InvalidIndex>(
    connection,
    `select c.oid::int8::float8 as oid, ${QUALIFIED} as name, c.relname::text as "bareName",
  n.nspname::text as schema, t.relname::text as "table", (${builder()} limit 1) as builder,
  case when c.relkind = 'I' then replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') end as "parted",
  exists (select from pg_inherits h join pg_index part on part.indexrelid = h.inhrelid
    where h.inhparent = c.oid and not part.indisvalid) as "brokenPart"
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where not i.indisvalid and c.relkind in ('i', 'I')`,
  );
}

/** The qualified name of `c` in `n`, quoted for a statement. */
const QUALIFIED = "format('%I.%I', n.nspname, c.relname)";

export interface InvalidIndex extends Row {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
  readonly bareName: string;
  readonly schema: string;
  readonly table: string;
  /** The process of another session that may be building it. */
  readonly builder: number | null;
  /**
   * The statement that makes the index of a partitioned table. That index is valid when each part has a valid
   * one.
   */
  readonly parted: string | null;
  /** The index of an attached partition is invalid. If this is false, the index only waits for its parts. */
  readonly brokenPart: boolean;
}

/**
 * Other sessions that hold the lock on the table under which indexes are built. `pg_stat_progress_create_index`
 * would be more exact, but hides what other roles build. `pg_locks` hides nothing. A vacuum of the table holds
 * the same lock.
 */
function builder(): string {
  return `select l.pid from pg_locks l where l.relation = i.indrelid and l.granted and l.pid <> pg_backend_pid()
    and l.mode = 'ShareUpdateExclusiveLock' and l.database = (select oid from pg_database where datname = current_database())`;
}

/** This error is worth a retry. The index may be valid by then, and must not be dropped now. */
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
  /** Qualified and quoted, like its table. */
  readonly name: string;
  readonly table: string;
  readonly valid: boolean;
  readonly unique: boolean;
  readonly builder: number | null;
}

/** The named index of the table. Without a name in the statement: every index of the table. */
export async function indexesOn(
  connection: Connection,
  kind: Pick<CreateIndex, "index">,
  tableOid: number,
): Promise<readonly IndexRow[]> {
  const named = kind.index === null ? "" : `and c.relname = ${literal(kind.index.name)}`;
  return askCatalog<IndexRow>(
    connection,
    `select c.oid::int8::float8 as oid, ${QUALIFIED} as name,
    (select format('%I.%I', tn.nspname, t.relname) from pg_class t join pg_namespace tn on tn.oid = t.relnamespace
      where t.oid = i.indrelid) as "table", i.indisvalid as valid, i.indisunique as unique, (${builder()} limit 1) as builder
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where i.indrelid = ${tableOid}::oid ${named}`,
  );
}

/** An object that has the name of the wanted index and is no index of its table. */
export interface Holder extends Row {
  /** `table`, `sequence`, and so on. For an index, with its table: `index on shop.orders`. */
  readonly what: string;
}

export async function holderOf(
  connection: Connection,
  index: string,
  tableOid: number,
): Promise<Holder | null> {
  const [holder] = await askCatalog<Holder>(
    connection,
    `select ${WHAT} as what from pg_class c left join pg_index i on i.indexrelid = c.oid
    where c.relname = ${literal(index)} and i.indrelid is distinct from ${tableOid}::oid
    and c.relnamespace = (select relnamespace from pg_class where oid = ${tableOid}::oid)`,
  );
  return holder ?? null;
}

/** Says in words what `c` is. `i` is its row in `pg_index`, if any. */
const WHAT = `case c.relkind when 'r' then 'table' when 'p' then 'table' when 'S' then 'sequence' when 'v' then 'view'
  when 'm' then 'materialized view' when 'c' then 'type' when 'f' then 'foreign table'
  else 'index on ' || coalesce((select format('%I.%I', tn.nspname, t.relname) from pg_class t
    join pg_namespace tn on tn.oid = t.relnamespace where t.oid = i.indrelid), '?') end`;

export async function reindexLeftovers(connection: Connection, name: Name): Promise<readonly string[]> {
  const target = `${(await resolveName(connection, name)) ?? 0}::oid`;
  const rows = await askCatalog<{ name: string }>(
    connection,
    `select ${QUALIFIED} as name from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
    and i.indrelid in (select ${target} union select indrelid from pg_index where indexrelid = ${target})
    and not exists (${builder()})`,
  );
  return rows.map((row) => row.name);
}

/**
 * Whether an index has the definition of the text. The server builds an index of the text on an empty table
 * with the same columns, compares the two, and rolls back. `null` means that the index can't be built.
 */
export async function hasDefinitionOf(
  connection: Connection,
  index: { readonly oid: number; readonly table: string },
  text: string,
): Promise<boolean | null> {
  const definition = indexDefinition(text);
  if (definition === null) return null;
  const [schema = ""] = await schemaOf(connection, index.oid);
  const name = `godwit_probe_${connection.server.backendPid}`;
  const probe = `${identifier(schema)}.${name}`;
  try {
    await connection.execute(`${begin()} set local statement_timeout = 0; set local lock_timeout = '3s';
      create table ${probe} (like ${index.table})`);
    await connection.execute(
      `create ${definition.unique ? "unique " : ""}index on ${probe} ${definition.rest}`,
    );
    await connection.execute(CATALOG_ONLY);
    const { rows } = await connection.query<{ same: boolean }>(
      `select count(distinct (${DEFINITION}))::int = 1 and count(*)::int = 2 as same from pg_index i
       join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace
       where i.indexrelid = ${index.oid}::oid or i.indrelid = to_regclass(${literal(`${quotedName(schema)}.${name}`)})::oid`,
    );
    return rows[0]?.same === true;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted || isWorthRetrying(error)) throw error;
    return null;
  } finally {
    if (!connection.lost.aborted) await connection.execute("rollback");
  }
}

/** The definition without the names of the index and the table. */
const DEFINITION = `i.indisunique || substr(replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '),
  length(format('CREATE %sINDEX %I ON %I.%I', case when i.indisunique then 'UNIQUE ' else '' end, c.relname, n.nspname, t.relname)) + 1)`;

async function schemaOf(connection: Connection, oid: number): Promise<readonly string[]> {
  const rows = await askCatalog<{ schema: string }>(
    connection,
    `select n.nspname::text as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}::oid`,
  );
  return rows.map(({ schema }) => schema);
}
