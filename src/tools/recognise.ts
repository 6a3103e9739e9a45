/**
 * Finds the histories of other tools in a database. It searches every schema, by the meaning of the columns. The name of
 * a table decides only if its columns say little. Such a table is a candidate, and its rows must tell.
 */
import { literal, textArray } from "../core/sql/quote.ts";
import { describeTable, type Relation, type TextRow, type Tool } from "./tool.ts";

/**
 * The schema in which names without a schema are created, whether or not the role may use it. Without the privilege the
 * server skips it.
 */
export const CURRENT_SCHEMA = `(select n.nspname from unnest(string_to_array(current_setting('search_path'), ','))
  with ordinality p (entry, place) join pg_namespace n
  on n.nspname = replace(btrim(p.entry, ' "'), '$user', current_user) order by p.place limit 1)`;

/** What the relation `c` is, for messages. */
export const KIND =
  "case c.relkind when 'v' then 'a view' when 'm' then 'a materialized view' when 'f' then 'a foreign table' when 'S' then 'a sequence' when 'c' then 'a type' else 'an index' end";

/** One row for each table that has a tool's columns, or a telling name. `table` is one more such name. */
export const candidates = (
  tools: readonly Tool[],
  { table, anyName = false }: { readonly table?: string | undefined; readonly anyName?: boolean } = {},
) => `with shaped as materialized (select attrelid as oid, array_agg(attname::text) as names from pg_attribute
  where attnum > 0 and not attisdropped and attname = any (${textArray([...new Set(tools.flatMap(columnsOf))])})
  group by attrelid)
select n.nspname as schema, c.relname as name,
  has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid) as readable,
  row_security_active(c.oid) as hidden, n.nspname is not distinct from ${CURRENT_SCHEMA} as current,
  c.reltuples < ${SMALL_TABLE} and pg_relation_size(c.oid) < ${SMALL_TABLE * 1024} as small,
  pg_get_userbyid(c.relowner) ~ ${literal(PLATFORM_OWNER)} or pg_get_userbyid(n.nspowner) ~ ${literal(PLATFORM_OWNER)} as platform,
  columns.types as columns, columns.wants
  from pg_class c join pg_namespace n on n.oid = c.relnamespace left join shaped s on s.oid = c.oid
  cross join lateral (select json_object_agg(a.attname, format_type(a.atttypid, null))::text as types,
    array_to_json(array_agg(a.attname) filter (where a.attnotnull and not a.atthasdef and a.attidentity = ''))::text as wants
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) columns
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (c.relname ~* 'internal_metadata$|lock$' or c.relname = ${literal(table?.split(".").at(-1) ?? "")}
    or n.nspname in ('supabase_migrations', 'prisma_contract')
    or ${tools.map((tool) => condition(tool, anyName)).join("\n    or ")})
  order by 1, 2`;

/** So many rows, and no more than a kilobyte for each, are looked at to find out whose they are. */
export const SMALL_TABLE = 20_000;

const columnsOf = ({ shape }: Tool) => Object.keys({ ...shape.columns, ...shape.moved });

/** If a tool has no files here, tables that only their rows could identify are not searched for. */
function condition({ shape, layouts }: Tool, anyName: boolean): string {
  const has = `s.names @> ${textArray(Object.keys(shape.columns))}`;
  if (shape.fixed)
    return shape.moved === undefined ? "false" : `s.names @> ${textArray(Object.keys(shape.moved))}`;
  if (shape.telling || layouts.length > 0) return has;
  const names = [shape.brand, shape.loose].flatMap((pattern) => pattern?.source ?? []);
  const named = `c.relname ~* ${literal(names.join("|"))}`;
  if (!anyName) return `${has} and ${named}`;
  const most = Object.keys(shape.columns).length + (shape.more ?? []).length;
  return `${has} and (${named} or (select count(*) from json_object_keys(columns.types::json)) <= ${most})`;
}

export interface CandidateRow {
  readonly [column: string]: unknown;
  readonly schema: string;
  readonly name: string;
  readonly readable: boolean;
  readonly columns: string;
  readonly wants: string | null;
}

export function relationsOf(rows: readonly CandidateRow[]): readonly Relation[] {
  return rows.map(({ columns, wants, ...rest }) => ({
    ...rest,
    columns: JSON.parse(columns),
    wants: wants === null ? [] : JSON.parse(wants),
  }));
}

/** Services of the Supabase platform migrate themselves, in their own schemas, with the tables of other tools. */
export const PLATFORM: ReadonlySet<string> = new Set([
  "auth",
  "realtime",
  "_realtime",
  "storage",
  "supabase_functions",
  "_analytics",
  "_supavisor",
  "pgsodium",
  "vault",
]);

/** Roles of the platform's own services, as a pattern of PostgreSQL. */
export const PLATFORM_OWNER = "^supabase_.*admin$";

/** The CLI's own schema; or the table of the Realtime service, which a dump without owners leaves as it is. */
function isOfSupabase({ schema, columns }: Relation): boolean {
  return (
    schema === "supabase_migrations" || (/^_?realtime$/.test(schema) && columns.inserted_at !== undefined)
  );
}

/** Anybody may use these schema names, so the database must be one of Supabase. */
function isPlatform(table: Relation, all: readonly Relation[]): boolean {
  if (!PLATFORM.has(table.schema)) return false;
  return table.platform === true || all.some(isOfSupabase);
}

export interface RecognisedHistory {
  readonly tool: Tool;
  readonly table: Relation;
}

/** The tables that are a history by their columns and their name. */
export function recognise(all: readonly Relation[], tools: readonly Tool[]): readonly RecognisedHistory[] {
  return all
    .filter((table) => !isPlatform(table, all))
    .flatMap((table) => {
      const tool = tools.find((one) => likeness(one, table, all) === "is");
      return tool === undefined ? [] : [{ tool, table }];
    });
}

/** The tables that have the columns of one of these tools and a name that says nothing. */
export function possible(
  all: readonly Relation[],
  tools: readonly Tool[],
  known: readonly RecognisedHistory[],
): readonly RecognisedHistory[] {
  return all
    .filter((table) => table.small === true && !isPlatform(table, all))
    .filter((table) => !known.some((one) => describeTable(one.table) === describeTable(table)))
    .flatMap((table) =>
      tools.filter((one) => likeness(one, table, all) === "may be").map((tool) => ({ tool, table })),
    );
}

/** Of the possible tables, those without further columns. Of several tools, the one with the most matching columns. */
export function likely(maybe: readonly RecognisedHistory[]): readonly RecognisedHistory[] {
  const exact = maybe.filter(({ tool, table }) => !hasMore(tool, table));
  const size = ({ tool: { shape } }: RecognisedHistory) => Object.keys(shape.columns).length;
  return exact.filter((one) =>
    exact.every(
      (other) =>
        other.table !== one.table ||
        other === one ||
        size(other) < size(one) ||
        (size(other) === size(one) && exact.indexOf(other) > exact.indexOf(one)),
    ),
  );
}

function hasMore({ shape }: Tool, { columns }: Relation): boolean {
  const known = [...Object.keys(shape.columns), ...(shape.more ?? [])];
  return Object.keys(columns).some((column) => !known.includes(column));
}

function likeness(tool: Tool, table: Relation, all: readonly Relation[]): "is" | "may be" | "is not" {
  if (whyNot(tool, table, all) !== null) return "is not";
  const { shape } = tool;
  const more = hasMore(tool, table);
  if (shape.fixed || shape.telling || shape.brand?.test(table.name)) return "is";
  return !more && shape.loose?.test(table.name) ? "is" : "may be";
}

/** Why this tool cannot keep its history in the table, for people. `null` if it can. */
export function whyNot(tool: Tool, table: Relation, all: readonly Relation[]): string | null {
  const { shape } = tool;
  const beside = (name: string) => all.some((one) => one.schema === table.schema && one.name === name);
  if (shape.fixed && !isFixedPlace(tool, table)) {
    const columns = Object.entries(shape.moved ?? {});
    const wasMoved =
      columns.length > 0 && columns.every(([name, type]) => type.test(table.columns[name] ?? ""));
    return wasMoved ? null : `${tool.title} has it in ${shape.schema}.${tool.table} and nowhere else`;
  }
  for (const [column, type] of Object.entries(shape.columns)) {
    const actual = table.columns[column];
    if (actual === undefined) return `it has no column ${column}`;
    if (type !== null && !type.test(actual)) return `its column ${column} is ${actual}`;
  }
  const foreign = shape.not?.find((column) => table.columns[column] !== undefined);
  if (foreign !== undefined) return `its column ${foreign} does not belong to that tool`;
  if (shape.beside !== undefined && !beside(shape.beside)) return `there is no ${shape.beside} beside it`;
  if (shape.notBeside !== undefined && beside(shape.notBeside))
    return `there is ${shape.notBeside} beside it`;
  return null;
}

function isFixedPlace({ shape, table: usual }: Tool, { schema, name }: Relation): boolean {
  return schema === shape.schema && name === usual;
}

/** Whether the tool itself would create it there, in a session that creates names without a schema in `current`. */
export function isUsualPlace(tool: Tool, table: Relation, current: string | null): boolean {
  const { shape, table: usual } = tool;
  if (shape.fixed) return isFixedPlace(tool, table);
  const names = [usual, ...(shape.names ?? [])].map((name) => name.toLowerCase());
  const isHere = current === null ? table.current === true : table.schema === current;
  return names.includes(table.name.toLowerCase()) && (isHere || table.schema === shape.schema);
}

export type { TextRow };
