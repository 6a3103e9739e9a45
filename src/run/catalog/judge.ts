/**
 * What the catalog says about a statement that cannot run in a transaction: whether an interrupted one took
 * effect, what it left lying about, and whether it really worked.
 *
 * A name can mean another object later: the index of that name in the next schema of the path, or one that somebody
 * has made since. So the intent holds which objects the names meant (`Before`), and the judgement asks for those.
 */
import type { StatementKind } from "../../core/sql/classify.ts";
import type { Name } from "../../core/sql/cursor.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { type Problem, StepFailed } from "../../errors.ts";
import { askCatalog, resolveName } from "./ask.ts";
import {
  beingBuilt,
  type CreateIndex,
  hasDefinitionOf,
  holderOf,
  type IndexRow,
  indexesOn,
  reindexLeftovers,
} from "./indexes.ts";

/** `again`: it had no effect, or repeating it does no harm. `unknown`: a person must look. */
export type Verdict = "done" | "again" | "unknown";

interface Identity {
  readonly oid: number;
  /** With its schema, quoted. */
  readonly name: string;
}

/** What is remembered with the intent. A row of an older Godwit has at most `indexes`. */
export interface Before {
  /** What the statement's names meant, in their order; `null` where there was no such object. */
  readonly objects?: readonly (Identity | null)[];
  /** The indexes that were there already, of those that the statement might have made. */
  readonly indexes?: readonly number[];
  /** Of a database, a tablespace, a subscription or an enum's value: whether it was there. */
  readonly existing?: number | null;
}

/** A statement as the judgement needs it. */
export interface Judged {
  readonly kind: StatementKind;
  readonly text: string;
}

/** Asks with the settings in force at the statement, before it is begun. */
export async function snapshot(connection: Connection, kind: StatementKind): Promise<Before | null> {
  if (kind.kind === "outside") return { existing: await oidOutside(connection, kind) };
  const names = namesOf(kind);
  if (names.length === 0) return null;
  const objects = await Promise.all(names.map((name) => resolve(connection, name)));
  if (kind.kind !== "create-index-concurrently") return { objects };
  const [table] = objects;
  const found = table == null ? [] : await indexesOn(connection, kind, table.oid);
  return { objects, indexes: found.map((index) => index.oid) };
}

/** Judges a statement whose intent was recorded and whose end was not. */
export async function judge(
  connection: Connection,
  { kind, text }: Judged,
  before: Before | null,
): Promise<Verdict> {
  switch (kind.kind) {
    case "create-index-concurrently":
      return judgeCreateIndex(connection, { kind, text }, before);
    case "drop-index-concurrently": {
      const left = await stillThere(connection, kind, before);
      return left.length > 0 || (nothingFound(before) && !kind.ifExists) ? "again" : "done";
    }
    case "detach-partition-concurrently":
    case "detach-partition-finalize":
      return (await partitionState(connection, kind, before)) === "detached" ? "done" : "again";
    case "reindex-concurrently": {
      const [was] = before?.objects ?? [];
      const now = kind.name === null || was == null ? null : await resolve(connection, kind.name);
      return now !== null && now.name !== was?.name ? "unknown" : "again";
    }
    case "add-enum-value":
      return (await hasEnumValue(connection, kind)) ? "done" : "again";
    case "repeatable-outside":
      return "again";
    case "outside":
      return judgeOutside(connection, kind, before);
    default:
      return "unknown";
  }
}

/**
 * Clears what a killed or failed predecessor of this statement left behind, so that it can run. `before` is what the
 * predecessor's intent remembers.
 */
export async function clearLeftovers(
  connection: Connection,
  { kind, text }: Judged,
  before: Before | null,
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
  before: Before | null,
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
  { kind, text }: Judged,
  before: Before | null,
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
  { kind, text }: Judged,
  before: Before | null,
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

/**
 * Throws `StepFailed` unless the statement that the server called done left a valid index. Returns a warning where
 * IF NOT EXISTS has kept another one.
 */
export async function verify(
  connection: Connection,
  { kind, text }: Judged,
  before: Before | null,
): Promise<Problem | null> {
  if (kind.kind !== "create-index-concurrently" || kind.index === null) return null;
  const table = await resolve(connection, kind.table);
  const { name } = kind.index;
  const found = table === null ? [] : await indexesOn(connection, kind, table.oid);
  const valid = found.find((index) => index.valid);
  if (valid === undefined || table === null) {
    const holder = table === null || found.length > 0 ? null : await holderOf(connection, name, table.oid);
    throw holder === null
      ? invalidAfter(name)
      : nameIsTaken(name, holder.what, table?.name ?? kind.table.name);
  }
  const skipped = kind.ifNotExists && before?.indexes?.includes(valid.oid) === true;
  if (!skipped) return null;
  const same = await hasDefinitionOf(connection, { oid: valid.oid, table: table.name }, text);
  return same === false ? keptOther(valid.name) : null;
}

/** A warning. */
export function keptOther(name: string): Problem {
  return {
    code: "STEP_INDEX_KEPT",
    message: `Index ${name} was there already with another definition, and IF NOT EXISTS has kept it.`,
    hint: `If the new one is wanted: drop index concurrently ${name}; and create it in a migration of its own.`,
  };
}

function invalidAfter(name: string): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `Index ${name} is not valid after CREATE INDEX CONCURRENTLY.`,
    hint: "Run again: the invalid index is dropped and built once more.",
  });
}

export function nameIsTaken(name: string, what: string, table: string): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `The name ${name} belongs to a${/^i/.test(what) ? "n" : ""} ${what}, so IF NOT EXISTS has made no index on ${table}.`,
    hint: "Give the index of this migration another name, then run again.",
  });
}

async function judgeCreateIndex(
  connection: Connection,
  { kind, text }: { kind: CreateIndex; text: string },
  before: Before | null,
): Promise<Verdict> {
  const now = await resolve(connection, kind.table);
  const [meant] = before?.objects ?? [];
  const table = meant == null ? now : await identify(connection, meant.oid);
  // The table is gone, and what was built on it: the text is for the one that has its name now.
  if (table === null) return "again";
  const known = new Set(before?.indexes ?? []);
  const made = (await indexesOn(connection, kind, table.oid)).filter(
    (index) => index.valid && !known.has(index.oid),
  );
  for (const { oid } of made)
    if (await hasDefinitionOf(connection, { oid, table: table.name }, text)) return "done";
  // Somebody else has made an index of that name, or the name of the table means another one by now.
  if (made.length > 0 && kind.index !== null) return "unknown";
  return now?.oid === table.oid ? "again" : "unknown";
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

async function resolve(connection: Connection, name: Name): Promise<Identity | null> {
  const oid = await resolveName(connection, name);
  return oid === null ? null : identify(connection, oid);
}

async function identify(connection: Connection, oid: number): Promise<Identity | null> {
  const [found] = await askCatalog<Identity & Row>(
    connection,
    `select c.oid::int8::float8 as oid, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}::oid`,
  );
  return found ?? null;
}

/** The intent remembers that none of the names meant anything. */
function nothingFound(before: Before | null): boolean {
  return before?.objects?.every((object) => object === null) ?? false;
}

/** Of the indexes to drop those that are there, under the names that they have now. */
async function stillThere(
  connection: Connection,
  kind: StatementKind & { kind: "drop-index-concurrently" },
  before: Before | null,
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

async function partitionState(
  connection: Connection,
  kind: { table: Name; partition: Name },
  before: Before | null,
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

async function hasEnumValue(
  connection: Connection,
  kind: StatementKind & { kind: "add-enum-value" },
): Promise<boolean> {
  const type = await resolveName(connection, kind.type, "regtype");
  const rows = await askCatalog(
    connection,
    `select 1 as found from pg_enum where enumtypid = ${type ?? 0}::oid and enumlabel = ${literal(kind.value)}`,
  );
  return rows.length > 0;
}

type Outside = StatementKind & { readonly kind: "outside" };

async function judgeOutside(connection: Connection, kind: Outside, before: Before | null): Promise<Verdict> {
  if (REPEATABLE.has(kind.verb)) return "again";
  const creates = kind.verb.startsWith("CREATE ");
  if (catalogOf(kind) === null || !(creates || kind.verb.startsWith("DROP "))) return "unknown";
  const oid = await oidOutside(connection, kind);
  const was = before?.existing;
  if (creates) return oid === null || oid === was ? "again" : "done";
  return oid === null || (typeof was === "number" && oid !== was) ? "done" : "again";
}

/** They ask for a state: once it is there, they do nothing. */
const REPEATABLE: ReadonlySet<string> = new Set([
  "ALTER DATABASE SET TABLESPACE",
  "ALTER SUBSCRIPTION REFRESH",
  "ALTER SUBSCRIPTION SET PUBLICATION",
  "ALTER SUBSCRIPTION SET",
]);

function catalogOf({ verb, name }: Outside): string | null {
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

async function oidOutside(connection: Connection, kind: Outside): Promise<number | null> {
  const catalog = catalogOf(kind);
  if (catalog === null) return null;
  const [found] = await askCatalog<{ oid: number }>(
    connection,
    `select oid::int8::float8 as oid from ${catalog}`,
  );
  return found?.oid ?? null;
}

/** For a statement. */
function quoted({ schema, name }: Name): string {
  return schema === null ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}
