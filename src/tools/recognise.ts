/** Finds the histories of other tools in a database: in every schema, by their columns. */
import { literal } from "../core/sql/quote.ts";
import type { Relation, TextRow, Tool } from "./tool.ts";

/** One row for each table that may be one; the name decides only what is worth looking at. `table`: one more such name. */
export const candidates = (table?: string) => `select n.nspname as schema, c.relname as name,
  (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as readable,
  json_object_agg(a.attname, format_type(a.atttypid, null))::text as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (c.relname ~* 'migrat|version|change|sequelize|schema|goose|alembic|knex|umzug|history|internal_metadata|_lock$'
    or c.relname = ${literal(table?.split(".").at(-1) ?? "")}
    or n.nspname in ('drizzle', 'sqitch', 'graphile_migrate', 'supabase_migrations', 'prisma_contract'))
  group by n.oid, n.nspname, c.oid, c.relname order by 1, 2`;

export interface CandidateRow {
  readonly [column: string]: unknown;
  readonly schema: string;
  readonly name: string;
  readonly readable: boolean;
  readonly columns: string;
}

export function relationsOf(rows: readonly CandidateRow[]): readonly Relation[] {
  return rows.map(({ columns, ...rest }) => ({ ...rest, columns: JSON.parse(columns) }));
}

/** Services of the Supabase platform migrate themselves, in their own schemas, with the tables of other tools. */
const PLATFORM = new Set([
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

export interface Found {
  readonly tool: Tool;
  readonly table: Relation;
}

export function recognise(all: readonly Relation[], tools: readonly Tool[]): readonly Found[] {
  const isSupabase = all.some(({ schema }) => schema === "supabase_migrations");
  const platform = (table: Relation) =>
    PLATFORM.has(table.schema) && (isSupabase || /^(schema_)?migrations$|^tenants$/.test(table.name));
  return all
    .filter((table) => !platform(table))
    .flatMap((table) => {
      const tool = tools.find((one) => one.recognise(table, all));
      return tool === undefined ? [] : [{ tool, table }];
    });
}

export type { TextRow };
