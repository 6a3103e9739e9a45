/** The shape of tables of the target, from catalogs and statistics: enough to make rows like theirs, and none of their values. */
import type { Connection } from "../database/connection.ts";

export interface Column {
  readonly name: string;
  /** A type of PostgreSQL itself; `text` in place of any other. */
  readonly type: string;
  /** In bytes. `null`: there are no statistics. */
  readonly width: number | null;
  /** As in `pg_stats`: a number of values, or below zero a part of the rows. */
  readonly distinct: number | null;
  readonly nulls: number;
}

export interface Shape {
  readonly relation: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly indexes: readonly string[];
  /** The index of its primary key. */
  readonly primary: string | null;
  /** Those that are not validated yet, as SQL. */
  readonly constraints: readonly { readonly name: string; readonly definition: string }[];
}

export interface Shapes {
  readonly tables: readonly Shape[];
  readonly searchPath: string;
  readonly maintenanceWorkMem: string;
  readonly maintenanceWorkers: string;
}

/** Partitioned tables are left out: rows in them are not made. */
export async function shapesOf(connection: Connection, names: readonly string[]): Promise<Shapes> {
  const { rows } = await connection.query<{ shapes: string }>(SHAPES, [names]);
  return JSON.parse(rows[0]?.shapes ?? "{}") as Shapes;
}

const SHAPES = `select jsonb_build_object(
  'searchPath', current_setting('search_path'),
  'maintenanceWorkMem', current_setting('maintenance_work_mem'),
  'maintenanceWorkers', current_setting('max_parallel_maintenance_workers'),
  'tables', coalesce((select jsonb_agg(jsonb_build_object(
    'relation', n.nspname || '.' || c.relname, 'schema', n.nspname, 'name', c.relname,
    'columns', (select jsonb_agg(jsonb_build_object('name', a.attname,
        'type', case when t.typnamespace = 'pg_catalog'::regnamespace then format_type(a.atttypid, a.atttypmod) else 'text' end,
        'width', s.avg_width, 'distinct', s.n_distinct, 'nulls', coalesce(s.null_frac, 0)) order by a.attnum)
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'indexes', coalesce((select jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid) order by i.indexrelid)
      from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisvalid), '[]'),
    'primary', (select p.relname from pg_catalog.pg_index i join pg_catalog.pg_class p on p.oid = i.indexrelid
      where i.indrelid = c.oid and i.indisprimary),
    'constraints', coalesce((select jsonb_agg(jsonb_build_object('name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)))
      from pg_catalog.pg_constraint k where k.conrelid = c.oid and not k.convalidated and k.contype in ('c', 'f')), '[]')))
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname || '.' || c.relname = any($1::pg_catalog.text[])), '[]'))::text as shapes`;
