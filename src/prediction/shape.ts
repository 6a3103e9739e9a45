/** The shape of tables of the target, from catalogs and statistics: enough to make rows like theirs, and none of their values. */
import type { Connection } from "../database/connection.ts";
import type { Locale } from "./locale.ts";

export interface Column {
  readonly name: string;
  /** A type of PostgreSQL itself; `text` in place of any other. */
  readonly type: string;
  /** In bytes. `null`: there are no statistics. */
  readonly width: number | null;
  /** As in `pg_stats`: a number of values, or below zero a part of the rows. */
  readonly distinct: number | null;
  readonly nulls: number;
  /** Between the order of the values and that of the rows: 1 is the same order, 0 is none. */
  readonly correlation: number | null;
}

export interface Shape {
  readonly relation: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly indexes: readonly string[];
  /** The index of its primary key. */
  readonly primary: string | null;
  /** What is measured of it: itself, or the largest of its partitions. */
  readonly sample: { readonly schema: string; readonly name: string; readonly bytes: number };
  /** Workers for each of its scans, where its owner has said so. */
  readonly parallelWorkers: number | null;
  /** Of a partition: the table that it is a part of, whatever the levels between. */
  readonly root: string | null;
  /** Those that are not validated yet, as SQL. */
  readonly constraints: readonly { readonly name: string; readonly definition: string }[];
}

export interface Shapes {
  readonly tables: readonly Shape[];
  readonly searchPath: string;
  readonly locale: Locale;
  /** Those that decide how long a statement takes, as `pg_settings` has them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** With the tables whose partitions they are. */
export async function shapesOf(connection: Connection, names: readonly string[]): Promise<Shapes> {
  const { rows } = await connection.query<{ shapes: string }>(SHAPES, [names]);
  return JSON.parse(rows[0]?.shapes ?? "{}") as Shapes;
}

/** A partitioned table is described by the largest of its partitions: nobody counts it as a whole but by hand. */
const SHAPES = `with wanted as (
  select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'p') and n.nspname || '.' || c.relname = any($1::pg_catalog.text[])),
described as (
  select c.oid, c.relname, c.relkind, c.reloptions, n.nspname, coalesce(largest.relname, c.relname) as sample_name,
    coalesce(largest.nspname, n.nspname) as sample_schema, coalesce(largest.oid, c.oid) as sample,
    case when c.relispartition then (select m.nspname || '.' || r.relname from pg_catalog.pg_class r
      join pg_catalog.pg_namespace m on m.oid = r.relnamespace where r.oid = pg_catalog.pg_partition_root(c.oid)) end as root
  from (select oid from wanted union
      select pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid from wanted w join pg_catalog.pg_class c on c.oid = w.oid where c.relispartition) w
    join pg_catalog.pg_class c on c.oid = w.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join lateral (select p.oid, p.relname, m.nspname from pg_catalog.pg_partition_tree(c.oid) t
      join pg_catalog.pg_class p on p.oid = t.relid join pg_catalog.pg_namespace m on m.oid = p.relnamespace
      where c.relkind = 'p' and t.isleaf and p.relkind = 'r' order by p.reltuples desc limit 1) largest on true)
select jsonb_build_object(
  'searchPath', current_setting('search_path'),
  'locale', (select jsonb_build_object('provider', coalesce(d.of ->> 'datlocprovider', 'c'), 'collate', d.of ->> 'datcollate',
      'ctype', d.of ->> 'datctype', 'name', coalesce(d.of ->> 'datlocale', d.of ->> 'daticulocale'))
    from (select pg_catalog.to_jsonb(b) as of from pg_catalog.pg_database b where b.datname = current_database()) d),
  'settings', (select jsonb_object_agg(name, setting) from pg_catalog.pg_settings where name in ('maintenance_work_mem', 'work_mem',
    'max_parallel_maintenance_workers', 'max_parallel_workers', 'min_parallel_table_scan_size', 'jit', 'wal_compression')),
  'tables', coalesce((select jsonb_agg(jsonb_build_object(
    'relation', c.nspname || '.' || c.relname, 'schema', c.nspname, 'name', c.relname, 'root', c.root,
    'sample', jsonb_build_object('schema', c.sample_schema, 'name', c.sample_name, 'bytes', pg_catalog.pg_relation_size(c.sample)),
    'parallelWorkers', (select substr(o, 18)::int from unnest(c.reloptions) o where o like 'parallel_workers=%'),
    'columns', (select jsonb_agg(jsonb_build_object('name', a.attname,
        'type', case when t.typnamespace = 'pg_catalog'::regnamespace then format_type(a.atttypid, a.atttypmod) else 'text' end,
        'width', s.avg_width, 'distinct', s.n_distinct, 'nulls', coalesce(s.null_frac, 0), 'correlation', s.correlation) order by a.attnum)
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_stats s on s.schemaname = c.sample_schema and s.tablename = c.sample_name and s.attname = a.attname and not s.inherited
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'indexes', coalesce((select jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid) order by i.indexrelid)
      from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisvalid), '[]'),
    'primary', (select p.relname from pg_catalog.pg_index i join pg_catalog.pg_class p on p.oid = i.indexrelid
      where i.indrelid = c.oid and i.indisprimary),
    'constraints', coalesce((select jsonb_agg(jsonb_build_object('name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)))
      from pg_catalog.pg_constraint k where k.conrelid = c.oid and not k.convalidated and k.contype in ('c', 'f')), '[]')))
    from described c), '[]'))::text as shapes`;
