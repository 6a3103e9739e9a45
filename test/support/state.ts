/** What a test compares: everything that is in a database, as text, without times, ids and who did it. */
import { literal } from "../../src/core/sql/quote.ts";
import { ledgerSchema } from "./database.ts";

type Query = (text: string) => Promise<Record<string, unknown>[]>;

export interface State {
  /** One line for every object outside the ledger. */
  readonly schema: readonly string[];
  /** Table → its rows. */
  readonly rows: Readonly<Record<string, readonly string[]>>;
  /** One line for each of its tables, and for every row of history, statements and log; empty where there is none. */
  readonly ledger: readonly string[];
}

/** `query` as superuser: rows under row-level security count too. */
export async function stateOf(query: Query): Promise<State> {
  const lines = async (text: string) => (await query(text)).map(({ line }) => String(line));
  const tables = await lines(
    `select c.oid::regclass::text as line from pg_class c where c.relkind = 'r' and ${outside("c.relnamespace")} order by 1`,
  );
  const rows: Record<string, string[]> = Object.fromEntries(tables.map((table) => [table, []]));
  const contents = tables.map((table) => `select ${literal(table)} as name, t::text as line from ${table} t`);
  const found = contents.length === 0 ? [] : await query(`${contents.join(" union all ")} order by 1, 2`);
  for (const { name, line } of found) rows[String(name)]?.push(String(line));
  const ledger = await lines(LEDGER_TABLES);
  if (ledger.some((table) => table.includes("migration_history"))) ledger.push(...(await lines(LEDGER)));
  return { schema: await lines(SCHEMA), rows, ledger };
}

const outside = (namespace: string) =>
  `${namespace} not in (select oid from pg_namespace where nspname like 'pg\\_%' or nspname in ('information_schema', '${ledgerSchema}'))`;

const SCHEMA = `
  select concat_ws(' ', 'relation', c.oid::regclass, c.relkind, c.relispartition, c.relrowsecurity, c.reloptions) as line
    from pg_class c where ${outside("c.relnamespace")}
  union all select concat_ws(' ', 'schema', nspname) from pg_namespace n where ${outside("n.oid")}
  union all select concat_ws(' ', 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
      pg_get_expr(d.adbin, d.adrelid))
    from pg_attribute a join pg_class c on c.oid = attrelid left join pg_attrdef d on (adrelid, adnum) = (attrelid, attnum)
    where attnum > 0 and not attisdropped and ${outside("c.relnamespace")}
  union all select concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisready)
    from pg_index join pg_class c on c.oid = indexrelid where ${outside("c.relnamespace")}
  union all select concat_ws(' ', 'constraint', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
    from pg_constraint c where ${outside("c.connamespace")}
  union all select concat_ws(' ', 'label', enumtypid::regtype, enumlabel,
      row_number() over (partition by enumtypid order by enumsortorder)) from pg_enum
  union all select concat_ws(' ', 'partition', inhrelid::regclass, 'of', inhparent::regclass, to_jsonb(i) ->> 'inhdetachpending')
    from pg_inherits i join pg_class c on c.oid = inhrelid where ${outside("c.relnamespace")}
  union all select concat_ws(' ', 'function', p.oid::regprocedure, md5(prosrc)) from pg_proc p where ${outside("p.pronamespace")}
  union all select concat_ws(' ', 'view', c.oid::regclass, pg_get_viewdef(c.oid)) from pg_class c
    where relkind in ('v', 'm') and ${outside("c.relnamespace")}
  union all select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid)) from pg_trigger t where not tgisinternal
  order by line`;

/** The schema as a run has left it. One that is ended before its end keeps none, and `godwit drift` says so. */
const KEPT = "migration_schema";

const LEDGER_TABLES = `
  select 'schema' as line from pg_namespace where nspname = '${ledgerSchema}'
  union all select 'table ' || relname from pg_class
    where relkind = 'r' and relnamespace = (select oid from pg_namespace where nspname = '${ledgerSchema}') and relname <> '${KEPT}'
  order by line`;

const LEDGER = `
  select concat_ws(' ', 'history', row_number() over (order by sequence), revision, kind, state, baseline, phase, number,
      parents, filename, checksum, fingerprint, revert_script, minimum_revision) as line
    from "${ledgerSchema}".migration_history
  union all select concat_ws(' ', 'statement', revision, direction, position, state, hash)
    from "${ledgerSchema}".migration_statements
  union all select concat_ws(' ', 'log', row_number() over (order by id), event, revision, direction)
    from "${ledgerSchema}".migration_log
  order by line`;
