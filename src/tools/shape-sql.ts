/**
 * What `recognise.ts` decides, as a query: for a script that nobody helps to decide. It finds the tables in which a tool may
 * keep its history, by their columns and whatever they are called.
 */
import { literal, textArray } from "../core/sql/quote.ts";
import { PLATFORM, PLATFORM_OWNER, SMALL_TABLE } from "./recognise.ts";
import type { Tool } from "./tool.ts";

export interface TablesLike {
  /** In small letters: tables of these names are found whatever their columns are. */
  readonly names: readonly string[];
  /** An expression: whether tables of other names are looked for. */
  readonly anyName: string;
  /** Without further columns, where neither name nor columns tell. */
  readonly exact: boolean;
  readonly schema?: string | null | undefined;
}

/** Gives `nspname`, `relname`, and `known`: its name or its columns tell, so that its rows need not. */
export function tablesLike(tools: readonly Tool[], { names, anyName, exact, schema }: TablesLike): string {
  const named = `lower(c.relname) = any (${textArray(names)})`;
  const is = tools.map((tool) => `(${hasShape(tool)} and ${isTold(tool)})`).join("\n      or ");
  const maybe = tools
    .filter(({ shape }) => shape.fixed !== true)
    .map((tool) => `(${hasShape(tool)}${exact ? ` and ${hasNoMore(tool)}` : ""})`)
    .join("\n      or ");
  const only = schema == null ? "" : ` and n.nspname = ${literal(schema)}`;
  return `select n.nspname, c.relname, ${named} or (${is}) as known
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select jsonb_object_agg(a.attname, format_type(a.atttypid, null)) as types
    from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) k
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'${only} and not ${IS_PLATFORM}
  and (${named} or (${anyName}) and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    and (${is}
      or ${IS_SMALL} and (${maybe === "" ? "false" : maybe})))`;
}

const IS_SMALL = `c.reltuples < ${SMALL_TABLE} and pg_relation_size(c.oid) < ${SMALL_TABLE * 1024}`;

/** As the rows of the catalog tell it; see `isPlatform`. */
const IS_PLATFORM = `(n.nspname = any (${textArray([...PLATFORM])}) and (pg_get_userbyid(c.relowner) ~ ${literal(PLATFORM_OWNER)}
    or pg_get_userbyid(n.nspowner) ~ ${literal(PLATFORM_OWNER)}
    or exists (select from pg_catalog.pg_namespace s where s.nspname = 'supabase_migrations')))`;

function hasShape({ shape, table }: Tool): string {
  const beside = (name: string) =>
    `exists (select from pg_catalog.pg_class b where b.relnamespace = n.oid and b.relname = ${literal(name)})`;
  const own = [
    ...hasColumns(shape.columns),
    ...(shape.not === undefined ? [] : [`not k.types ?| ${textArray(shape.not)}`]),
    ...(shape.beside === undefined ? [] : [beside(shape.beside)]),
    ...(shape.notBeside === undefined ? [] : [`not ${beside(shape.notBeside)}`]),
    ...(shape.fixed === true
      ? [`n.nspname = ${literal(shape.schema ?? "")} and c.relname = ${literal(table)}`]
      : []),
  ].join(" and ");
  return shape.moved === undefined ? own : `(${own} or ${hasColumns(shape.moved).join(" and ")})`;
}

function hasColumns(columns: Tool["shape"]["columns"]): readonly string[] {
  return Object.entries(columns).map(([column, type]) =>
    type === null
      ? `k.types ? ${literal(column)}`
      : `k.types ->> ${literal(column)} ~ ${literal(type.source)}`,
  );
}

function hasNoMore({ shape }: Tool): string {
  return `k.types - ${textArray([...Object.keys(shape.columns), ...(shape.more ?? [])])} = '{}'`;
}

/** Columns, or columns and name, that tell without the rows. */
function isTold(tool: Tool): string {
  const { fixed, telling, brand, loose } = tool.shape;
  if (fixed === true || telling === true) return "true";
  const told = [
    ...(brand === undefined ? [] : [`c.relname ~* ${literal(brand.source)}`]),
    ...(loose === undefined ? [] : [`c.relname ~* ${literal(loose.source)} and ${hasNoMore(tool)}`]),
  ];
  return told.length === 0 ? "false" : `(${told.join(" or ")})`;
}
