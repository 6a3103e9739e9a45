/**
 * What is true of the target now, of the tables that a plan locks: how large they are, and who holds locks on them. One query,
 * which reads catalogs and statistics, and waits for nobody: the size of a table that somebody has locked is taken from the catalog.
 */
import type { Connection } from "../database/connection.ts";
import { LOCK_MODES, type LockMode, modeOf } from "../rehearsal/lock-modes.ts";

export interface LiveRelation {
  /** `public.orders` */
  readonly relation: string;
  readonly kind: "table" | "materialized view";
  /** As the statistics have it, for its present size: rows that came since nobody has counted. `null`: nobody has counted yet (ANALYZE does). */
  readonly rows: number | null;
  /** Without indexes and TOAST. With the partitions of the table, as all numbers here. */
  readonly bytes: number;
  readonly toastBytes: number;
  readonly indexBytes: number;
  readonly indexes: number;
  /** Who holds a lock on it, the oldest transaction first. */
  readonly holders: readonly LockHolder[];
}

export interface LockHolder {
  /** `null`: a prepared transaction, which belongs to no session. */
  readonly pid: number | null;
  /** Of a prepared transaction: its identifier. */
  readonly applicationName: string;
  /** `null`: this role may not see it. */
  readonly transactionAgeMs: number | null;
  readonly modes: readonly LockMode[];
}

export interface LiveFacts {
  /** Those that are there on the target. */
  readonly relations: readonly LiveRelation[];
  /** Standbys that stream from it now. */
  readonly replicas: number;
  /** What CREATE INDEX CONCURRENTLY would wait for. `null`: no transaction is open, or this role may not see it. */
  readonly oldestTransaction: Omit<LockHolder, "modes"> | null;
}

/** Of these tables, with their schemas. */
export async function liveFacts(connection: Connection, names: readonly string[]): Promise<LiveFacts> {
  const { rows } = await connection.query<{ facts: string }>(FACTS, [names]);
  const { relations, replicas, oldestTransaction } = JSON.parse(rows[0]?.facts ?? "{}") as Raw;
  return {
    relations: relations.map(({ kind, holders, ...relation }) => ({
      ...relation,
      kind: kind === "m" ? "materialized view" : "table",
      holders: holders.map(({ modes, ...holder }) => ({
        ...holder,
        modes: modes.flatMap((mode) => modeOf(mode) ?? []),
      })),
    })),
    replicas,
    oldestTransaction,
  };
}

interface Raw extends Pick<LiveFacts, "replicas" | "oldestTransaction"> {
  readonly relations: readonly (Omit<LiveRelation, "kind" | "holders"> & {
    readonly kind: string;
    readonly holders: readonly (Omit<LockHolder, "modes"> & { readonly modes: readonly string[] })[];
  })[];
}

/** A function that reads the size of a relation waits for whoever holds ACCESS EXCLUSIVE on it. */
const FACTS = `with recursive wanted as (
  select c.oid as root, n.nspname || '.' || c.relname as relation, c.relkind
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and n.nspname || '.' || c.relname = any($1::pg_catalog.text[])),
tree as (
  select root, root as oid from wanted
  union all
  select t.root, i.inhrelid from tree t join pg_catalog.pg_inherits i on i.inhparent = t.oid
    join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition),
seen as (
  select t.root, c.oid, c.reltuples, c.reltoastrelid, c.relkind, c.relpages,
    exists (select from pg_catalog.pg_locks l where l.relation = c.oid and l.mode = 'AccessExclusiveLock') as closed
  from tree t join pg_catalog.pg_class c on c.oid = t.oid),
parts as materialized (
  select *, case when relkind = 'p' then 0 when closed then relpages
    else coalesce(pg_catalog.pg_relation_size(oid) / current_setting('block_size')::float8, 0) end as pages from seen),
sizes as (
  select root,
    case when coalesce(bool_and(reltuples >= 0 and (relpages > 0 or pages = 0)) filter (where relkind <> 'p'), true)
      then round(sum(case when relkind = 'p' or relpages = 0 then 0 else reltuples::float8 * pages / relpages end)) end as rows,
    coalesce(sum(pages), 0) * current_setting('block_size')::float8 as bytes,
    coalesce(sum(case when reltoastrelid = 0 or closed then 0 else pg_catalog.pg_total_relation_size(reltoastrelid) end), 0)::float8 as toast,
    coalesce(sum(case when closed then 0 else pg_catalog.pg_indexes_size(oid) end), 0)::float8 as indexes
  from parts group by root),
held as (
  select t.root, a.pid, a.application_name,
    (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as age,
    array_agg(distinct l.mode) as modes
  from tree t join pg_catalog.pg_locks l on l.relation = t.oid and l.granted and l.locktype = 'relation'
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.pid <> pg_backend_pid() group by t.root, a.pid, a.application_name, a.xact_start
  union all
  select t.root, null, p.gid, (extract(epoch from clock_timestamp() - p.prepared) * 1000)::float8, array_agg(distinct l.mode)
  from tree t join pg_catalog.pg_locks l on l.relation = t.oid and l.granted and l.locktype = 'relation' and l.pid is null
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    join pg_catalog.pg_locks x on x.pid is null and x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction
    join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
  group by t.root, p.gid, p.prepared)
select jsonb_build_object(
  'relations', coalesce((select jsonb_agg(jsonb_build_object(
      'relation', w.relation, 'kind', w.relkind, 'rows', s.rows, 'bytes', s.bytes, 'toastBytes', s.toast,
      'indexBytes', s.indexes, 'indexes', (select count(*) from pg_catalog.pg_index i where i.indrelid = w.root),
      'holders', coalesce((select jsonb_agg(jsonb_build_object('pid', h.pid, 'applicationName', coalesce(h.application_name, ''),
        'transactionAgeMs', h.age, 'modes', h.modes) order by h.age desc nulls last) from held h where h.root = w.root), '[]'))
    order by w.relation) from wanted w join sizes s on s.root = w.root), '[]'),
  'replicas', (select count(*) from pg_catalog.pg_stat_replication),
  'oldestTransaction', (select jsonb_build_object('pid', pid, 'applicationName', coalesce(application_name, ''),
      'transactionAgeMs', (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8)
    from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and backend_type = 'client backend' and xact_start is not null order by xact_start limit 1))::text as facts`;

/** The chapter "Explicit Locking": with which modes each one conflicts. */
const CONFLICTS: Readonly<Record<LockMode, readonly LockMode[]>> = {
  "ACCESS SHARE": ["ACCESS EXCLUSIVE"],
  "ROW SHARE": ["EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "ROW EXCLUSIVE": ["SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "SHARE UPDATE EXCLUSIVE": [
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
  ],
  SHARE: ["ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "SHARE ROW EXCLUSIVE": LOCK_MODES.slice(2),
  EXCLUSIVE: LOCK_MODES.slice(1),
  "ACCESS EXCLUSIVE": LOCK_MODES,
};

export interface Obstacle extends LockHolder {
  readonly relation: string;
}

/** Whom these locks would wait for now. */
export function obstaclesOf(
  locks: readonly { readonly relation: string; readonly mode: LockMode }[],
  { relations }: Pick<LiveFacts, "relations">,
): readonly Obstacle[] {
  return relations.flatMap(({ relation, holders }) => {
    const wanted = locks.filter((lock) => lock.relation === relation);
    return holders
      .filter(({ modes }) => wanted.some(({ mode }) => modes.some((held) => CONFLICTS[mode].includes(held))))
      .map((holder) => ({ relation, ...holder }));
  });
}
