/**
 * What the catalog says about a statement that cannot run in a transaction: whether an interrupted one took
 * effect, what it left lying about, and whether it really worked.
 */
import type { StatementKind } from "../core/sql/classify.ts";
import type { Name } from "../core/sql/cursor.ts";
import { identifier, literal, quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, StepFailed } from "../errors.ts";

/** `again`: it had no effect, or repeating it does no harm. `unknown`: a person must look. */
export type Verdict = "done" | "again" | "unknown";

/** What is remembered with the intent, to tell later whether it was our statement that made the difference. */
export async function snapshot(connection: Connection, kind: StatementKind): Promise<unknown> {
  if (kind.kind !== "create-index-concurrently") return null;
  const found = await indexesOf(connection, kind);
  return { indexes: found.map((index) => index.oid) };
}

/** Judges a statement whose intent was recorded and whose end was not. */
export async function judge(connection: Connection, kind: StatementKind, before: unknown): Promise<Verdict> {
  switch (kind.kind) {
    case "create-index-concurrently": {
      const known = new Set((before as { indexes?: number[] } | null)?.indexes ?? []);
      const found = await indexesOf(connection, kind);
      return found.some((index) => index.valid && !known.has(index.oid)) ? "done" : "again";
    }
    case "drop-index-concurrently":
      for (const name of kind.indexes) if (await exists(connection, name)) return "again";
      return "done";
    case "detach-partition-concurrently":
    case "detach-partition-finalize":
      return (await partitionState(connection, kind)) === "detached" ? "done" : "again";
    case "reindex-concurrently":
    case "repeatable-outside":
      return "again";
    case "outside":
      return judgeOutside(connection, kind);
    default:
      return "unknown";
  }
}

/** Clears what a killed or failed predecessor of this statement left behind, so that it can run. */
export async function clearLeftovers(connection: Connection, kind: StatementKind): Promise<void> {
  if (kind.kind === "create-index-concurrently") {
    const leftovers = (await indexesOf(connection, kind)).filter(
      (index) => !index.valid && (kind.index !== null || index.named),
    );
    for (const index of leftovers) {
      if (kind.index === null || index.unique !== kind.unique) continue;
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

/** The statement to send; a half-done detachment is finished rather than begun again. */
export async function effectiveText(
  connection: Connection,
  kind: StatementKind,
  text: string,
): Promise<string> {
  if (kind.kind !== "detach-partition-concurrently") return text;
  if ((await partitionState(connection, kind)) !== "pending") return text;
  return `alter table ${quoted(kind.table)} detach partition ${quoted(kind.partition)} finalize`;
}

/** Throws `StepFailed` unless the statement that the server called done left a valid index. */
export async function verify(connection: Connection, kind: StatementKind): Promise<void> {
  if (kind.kind !== "create-index-concurrently" || kind.index === null) return;
  const found = await indexesOf(connection, kind);
  if (found.some((index) => index.valid)) return;
  throw new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `Index ${kind.index.name} is not valid after CREATE INDEX CONCURRENTLY.`,
    hint: "Run again: the invalid index is dropped and built once more.",
  });
}

/** Names of all invalid indexes that nobody is building; an index of a partitioned table waits for its parts. */
export const INVALID_INDEXES = `select i.indexrelid::regclass::text as name from pg_index i
  join pg_class c on c.oid = i.indexrelid
  where not i.indisvalid and c.relkind = 'i' and not exists (${builder()})`;

/**
 * Other sessions that hold the lock on the table under which indexes are built. `pg_stat_progress_create_index` would
 * say it more exactly, but hides what other roles build; `pg_locks` hides nothing. A vacuum of the table looks the same.
 */
function builder(): string {
  return `select l.pid from pg_locks l where l.relation = i.indrelid and l.granted and l.pid <> pg_backend_pid()
    and l.mode = 'ShareUpdateExclusiveLock' and l.database = (select oid from pg_database where datname = current_database())`;
}

/** Worth waiting for: by then the index may be valid, and is none of ours to drop. */
function beingBuilt(index: string, pid: number): DatabaseError {
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

interface IndexRow {
  readonly oid: number;
  readonly name: string;
  readonly valid: boolean;
  readonly unique: boolean;
  readonly named: boolean;
  readonly builder: number | null;
  readonly [column: string]: unknown;
}

/** The named index on its table, or every index of the table where the statement leaves the name to the server. */
async function indexesOf(
  connection: Connection,
  kind: StatementKind & { kind: "create-index-concurrently" },
): Promise<readonly IndexRow[]> {
  const named = kind.index === null ? "false" : `c.relname = ${literal(kind.index.name)}`;
  const { rows } =
    await connection.query<IndexRow>(`select c.oid::int8::float8 as oid, i.indexrelid::regclass::text as name,
    i.indisvalid as valid, i.indisunique as unique, ${named} as named,
    (${builder()} limit 1) as builder
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = to_regclass(${literal(written(kind.table))})::oid ${kind.index === null ? "" : `and ${named}`}`);
  return rows;
}

async function reindexLeftovers(connection: Connection, name: Name): Promise<readonly string[]> {
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

async function exists(connection: Connection, name: Name): Promise<boolean> {
  const { rows } = await connection.query<{ found: boolean }>(
    `select to_regclass(${literal(written(name))}) is not null as found`,
  );
  return rows[0]?.found === true;
}

async function partitionState(
  connection: Connection,
  kind: { table: Name; partition: Name },
): Promise<"attached" | "pending" | "detached"> {
  const { rows } = await connection.query<{
    pending: boolean;
  }>(`select coalesce((to_jsonb(h) ->> 'inhdetachpending')::boolean, false) as pending
    from pg_inherits h where inhparent = to_regclass(${literal(written(kind.table))})::oid
    and inhrelid = to_regclass(${literal(written(kind.partition))})::oid`);
  const [row] = rows;
  return row === undefined ? "detached" : row.pending ? "pending" : "attached";
}

async function judgeOutside(
  connection: Connection,
  kind: StatementKind & { kind: "outside" },
): Promise<Verdict> {
  const catalog = /DATABASE$/.test(kind.verb)
    ? "pg_database where datname"
    : /TABLESPACE$/.test(kind.verb)
      ? "pg_tablespace where spcname"
      : /SUBSCRIPTION$/.test(kind.verb)
        ? "pg_subscription where subname"
        : null;
  const creates = kind.verb.startsWith("CREATE ");
  if (catalog === null || kind.name === null || !(creates || kind.verb.startsWith("DROP "))) return "unknown";
  const { rows } = await connection.query(`select from ${catalog} = ${literal(kind.name.name)}`);
  return rows.length > 0 === creates ? "done" : "again";
}

/** For a statement. */
function quoted({ schema, name }: Name): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

/** For `to_regclass`. */
function written({ schema, name }: Name): string {
  return schema === null ? quotedName(name) : `${quotedName(schema)}.${quotedName(name)}`;
}
