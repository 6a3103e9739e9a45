/** What the catalog says of the table of a backfill: its name, the columns of its key, and about how many rows it has. */
import type { Backfill } from "../core/backfill.ts";
import { identifier, quotedName } from "../core/sql/quote.ts";
import { regclass, regclassText } from "../core/sql/regclass.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, type Problem, SourceError } from "../errors.ts";
import type { KeyColumn } from "./key.ts";
import { COLLATION, KEY_INDEXES, MADE_BY, ORDERED_BY, ofKeyColumns, SIGNATURE } from "./key-index.ts";

export interface BackfillTable {
  /** The quoted name, with its schema. */
  readonly name: string;
  /** The same for people. */
  readonly shown: string;
  readonly key: readonly KeyColumn[];
  /** `null`: the table was never analysed. */
  readonly estimatedRows: number | null;
  /** Whether a rule, or a trigger before the write, may give a row another key than the statement does. */
  readonly rewrites: boolean;
}

/** One that the catalog has. */
export interface FoundTable extends BackfillTable {
  /** Stays where the table is renamed. Another table of its name has another one. */
  readonly oid: string;
  /** Each column of the key with its type and collation, as the guard of a window compares them. */
  readonly keyColumns: readonly string[];
  /** The numbers of the columns of its index, also of those that it only includes. */
  readonly keyIndex: string;
  /** For each column of the key, the version of the library that orders it. Empty: none is known. */
  readonly keyOrder: readonly string[];
}

/**
 * Finds the table and its key, as the search path of the session sees them. Throws `SourceError` (`BACKFILL_TABLE`,
 * `BACKFILL_KEY`) where no window could be told apart from the next.
 */
export async function readTable(
  connection: Pick<Connection, "query">,
  backfill: Backfill,
  file: string,
): Promise<FoundTable> {
  const { table } = backfill;
  const found = await connection.query<TableRow>(TABLE, [regclassText(table)]).catch((error: unknown) => {
    // 42602, 42601: it is no name at all. 0A000: it names another database.
    if (!(error instanceof DatabaseError) || !NO_NAME.has(error.sqlState ?? "")) throw error;
    throw refused(file, {
      code: "BACKFILL_TABLE",
      message: `${file} is a backfill of ${table}, which is not the name of a table.`,
      hint: 'Write it as in SQL: products, shop.products, "Order".',
    });
  });
  const [row] = found.rows;
  if (row === undefined)
    throw refused(file, {
      code: "BACKFILL_TABLE",
      message: `${file} is a backfill of ${table}, which does not exist.`,
      hint: "Name a table that an earlier migration creates, with its schema if the search path does not have it.",
    });
  const shown = `${row.schema}.${row.name}`;
  if (row.kind !== "r" && row.kind !== "p")
    throw refused(file, {
      code: "BACKFILL_TABLE",
      message: `${file} is a backfill of ${shown}, which is ${KINDS[row.kind] ?? "not a table"}.`,
      hint: "Name the table whose rows it changes.",
    });
  const { rows: indexes } = await connection.query<IndexRow>(INDEXES, [row.oid]);
  const { index, key } = chooseKey(indexes, { backfill, shown, file });
  return {
    oid: row.oid,
    name: `${identifier(row.schema)}.${identifier(row.name)}`,
    shown,
    key,
    keyColumns: index.signatures,
    keyIndex: index.numbers,
    keyOrder: index.orderedBy,
    estimatedRows: row.estimate < 0 ? null : row.estimate,
    rewrites: row.rewrites,
  };
}

/**
 * Throws `SourceError` (`BACKFILL_TABLE`) where the statement changes another table by the keys of this one: the rows
 * beyond them would be left, and nothing would show it. A view may be one on this table.
 */
export async function refuseOtherTable(
  connection: Pick<Connection, "execute">,
  table: BackfillTable,
  { changed, file }: { readonly changed: string | null; readonly file: string },
): Promise<void> {
  if (changed === null) return;
  const [answer] = await connection.execute(`select n.nspname || '.' || c.relname as shown
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = ${regclass(changed)} and c.oid <> ${regclass(table.name)}
  and c.relkind in ('r', 'p', 'f')`);
  const other = answer?.rows[0]?.shown;
  if (other === undefined) return;
  throw refused(file, {
    code: "BACKFILL_TABLE",
    message: `${file} is a backfill of ${table.shown}, and its statement changes ${other} in windows of its own keys: those beyond the last key of ${table.shown} would be left.`,
    hint: `Write table=${other}. If its rows belong to those of ${table.shown}, join both, and put the alias of ${table.shown} into the window: :window(p).`,
  });
}

/** `id integer`: another type or collation may order the same keys in another way. */
export function typesOf({ key }: BackfillTable): readonly string[] {
  return key.map(
    ({ name, type, collation }) => `${name} ${type}${collation === null ? "" : ` ${collation}`}`,
  );
}

type TableRow = {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly estimate: number;
  readonly rewrites: boolean;
};

type IndexRow = {
  readonly primary: boolean;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly index: string;
  readonly collations: readonly (string | null)[];
  readonly signatures: readonly string[];
  readonly numbers: string;
  readonly orderedBy: readonly string[];
  readonly madeBy: readonly string[];
  readonly nullable: readonly boolean[];
};

const DEFAULT_COLLATION = 'pg_catalog."default"';

const NO_NAME = new Set(["42602", "42601", "0A000"]);
const KINDS: Readonly<Record<string, string>> = {
  v: "a view",
  m: "a materialized view",
  f: "a foreign table",
  S: "a sequence",
  i: "an index",
  I: "an index",
  c: "a type",
};

/** `pg_trigger.tgtype`: for each row (1), before the event (2). */
const ROW_BEFORE = 3;

/** Before PostgreSQL 14 a table that was never analysed counts 0 rows, and later ones keep the 0 of a table that was empty. */
function estimateOf(relation: string): string {
  return `case when ${relation}.reltuples = 0 and pg_catalog.pg_relation_size(${relation}.oid) > 0 then -1
      else ${relation}.reltuples::pg_catalog.float8 end`;
}

const TABLE = `select c.oid::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as name,
  c.relkind::pg_catalog.text as kind,
  case when c.relkind = 'p' then (select case when pg_catalog.bool_or(part.estimate < 0 and part.size > 0) then -1
      else coalesce(pg_catalog.sum(greatest(part.estimate, 0)), -1) end::pg_catalog.float8 from (select ${estimateOf("leaf")} as estimate,
        pg_catalog.pg_relation_size(leaf.oid) as size
      from pg_catalog.pg_partition_tree(c.oid) t join pg_catalog.pg_class leaf on leaf.oid = t.relid where t.isleaf) part)
    else ${estimateOf("c")} end as estimate,
  exists (select from pg_catalog.pg_class part left join pg_catalog.pg_trigger t on t.tgrelid = part.oid and not t.tgisinternal
      and t.tgtype & ${ROW_BEFORE}::pg_catalog.int2 = ${ROW_BEFORE}
    where (part.oid = c.oid or part.oid in (select relid from pg_catalog.pg_partition_tree(c.oid)))
      and (t.oid is not null or part.relhasrules or part.relkind = 'r' and part.relhassubclass)) as rewrites
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = pg_catalog.to_regclass($1)`;

const INDEXES = `select i.indisprimary as primary, x.relname::pg_catalog.text as index, i.indkey::pg_catalog.text as numbers,
  ${ofKeyColumns("a.attname::pg_catalog.text")} as columns,
  ${ofKeyColumns("pg_catalog.format_type(a.atttypid, a.atttypmod)")} as types,
  ${ofKeyColumns(COLLATION)} as collations, ${ofKeyColumns(SIGNATURE)} as signatures,
  ${ofKeyColumns(ORDERED_BY)} as "orderedBy", ${ofKeyColumns(MADE_BY)} as "madeBy",
  ${ofKeyColumns("not a.attnotnull")} as nullable
${KEY_INDEXES} and i.indrelid = $1::pg_catalog.oid order by i.indisprimary desc, x.relname`;

function chooseKey(
  indexes: readonly IndexRow[],
  { backfill, shown, file }: { backfill: Backfill; shown: string; file: string },
): { readonly index: IndexRow; readonly key: readonly KeyColumn[] } {
  const wanted = backfill.key;
  const index = indexes.find(({ primary, columns }) =>
    wanted === null ? primary : columns.join("\0") === wanted.join("\0"),
  );
  const usable = indexes.filter(({ nullable }) => !nullable.includes(true));
  if (index === undefined)
    throw refused(file, {
      code: "BACKFILL_KEY",
      message:
        wanted === null
          ? `${file} is a backfill of ${shown}, which has no primary key.`
          : `${file} pages ${shown} by (${wanted.join(", ")}), which no unique index has as its columns.`,
      hint:
        usable.length === 0
          ? "Create a unique index on columns that are NOT NULL (CREATE UNIQUE INDEX CONCURRENTLY, in a migration of its own), and name them as the key."
          : `Use key=${usable.map(({ columns }) => columns.map(keyName).join(",")).join(" or key=")}.`,
    });
  const nullable = index.columns.filter((_, at) => index.nullable[at] === true);
  if (nullable.length > 0)
    throw refused(file, {
      code: "BACKFILL_KEY",
      message: `${file} pages ${shown} by (${index.columns.join(", ")}), and ${nullable.join(", ")} may be NULL: such rows are in no window.`,
      hint: `Use another key, or first make ${nullable.length === 1 ? "the column" : "the columns"} NOT NULL.`,
    });
  refuseStale(index, { shown, file });
  const key = index.columns.map((name, at) => ({
    name,
    type: index.types[at] ?? "pg_catalog.text",
    collation: index.collations[at] ?? null,
  }));
  return { index, key };
}

/** The index may have another order than the comparisons of a window, which would then pass over rows. */
function refuseStale(
  { index, columns, collations, orderedBy, madeBy }: IndexRow,
  { shown, file }: { readonly shown: string; readonly file: string },
): void {
  const at = madeBy.findIndex(
    (made, place) => made !== "" && orderedBy[place] !== "" && made !== orderedBy[place],
  );
  const collation = collations[at];
  if (at < 0 || collation == null) return;
  const refresh =
    collation === DEFAULT_COLLATION
      ? "ALTER DATABASE <database> REFRESH COLLATION VERSION"
      : `ALTER COLLATION ${collation} REFRESH VERSION`;
  throw refused(file, {
    code: "BACKFILL_KEY",
    message: `${file} pages ${shown} by ${columns[at]}, whose collation ${collation} was version ${madeBy[at]} when its indexes were made, and is ${orderedBy[at]} now: ${index} may have another order, in which rows would be passed over.`,
    hint: `Build the indexes of that collation again (REINDEX INDEX CONCURRENTLY ${index}, and the others), then ${refresh}, then run again. Or use a key without a collation.`,
    details: { collation, madeBy: madeBy[at], orderedBy: orderedBy[at] },
  });
}

/** As a header can have it. */
function keyName(name: string): string {
  return /[\s"]/.test(name) ? quotedName(name) : name;
}

function refused(file: string, problem: Pick<Problem, "code" | "message" | "hint" | "details">): SourceError {
  return new SourceError([{ ...problem, place: { file } }]);
}
