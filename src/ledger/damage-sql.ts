/**
 * Where the tables of the ledger contradict each other, as text. The history says what is applied and the log says what was
 * done: a restore of one of them, or a hand, makes them differ, and to go by the history alone would run a migration twice.
 */

export interface LedgerTables {
  readonly migration_ledger: string;
  readonly migration_history: string;
  readonly migration_statements: string;
  readonly migration_log: string;
  readonly migration_tool_rows: string;
}

export type LedgerTable = keyof LedgerTables;

export const LEDGER_TABLES: readonly LedgerTable[] = [
  "migration_ledger",
  "migration_history",
  "migration_statements",
  "migration_log",
  "migration_tool_rows",
];

/** What stands in for a table that is gone. */
const EMPTY: Readonly<Record<LedgerTable, string>> = {
  migration_ledger: "(select null::int as format, null::text as project where false)",
  migration_history:
    "(select null::text as revision, null::text as state, 0::bigint as sequence where false)",
  migration_statements:
    "(select null::text as revision, null::text as direction, null::text as state where false)",
  migration_log: `(select null::bigint as id, null::timestamptz as at, null::uuid as run_id, null::text as event, null::text as revision,
 null::text as direction, null::float8 as duration_ms, null::text as executed_by, null::text as host, null::text as git_commit,
 null::text as version, null::jsonb as details where false)`,
  migration_tool_rows: "(select null::text as tool where false)",
};

export function withoutThese(tables: LedgerTables, missing: readonly LedgerTable[]): LedgerTables {
  return { ...tables, ...Object.fromEntries(missing.map((name) => [name, EMPTY[name]])) };
}

/**
 * Of each revision the last event that says whether it is there. Of one that was tried again or failed without effect it is
 * open: a row for its new text may have been taken away again.
 */
export function lastEvents({ migration_log: log }: LedgerTables): string {
  return `select distinct on (g.revision) g.revision, g.id, g.at, g.run_id, g.event, g.duration_ms, g.executed_by, g.host, g.git_commit,
  g.version, g.details,
  case when g.event in ('applied', 'baseline', 'rebuilt') then true
    when g.event = 'marked-done' then g.direction is distinct from 'down'
    when g.event in ('reverted', 'forgotten') then false end as present
  from ${log} g where g.revision is not null and (g.event in ('applied', 'baseline', 'rebuilt', 'reverted', 'forgotten')
    or g.event in ('marked-done', 'retry') and g.details -> 'position' is null
    or g.event = 'failed' and g.direction = 'up' and g.details ->> 'committed' = 'none')
  order by g.revision, g.id desc`;
}

/**
 * A row for each revision of which the tables say different things. `lost`: the log or its statements say that it is there or
 * begun, and the history has no row. `returned`: the log says that it was taken back, and the history has one.
 */
export function differences(tables: LedgerTables): string {
  return `with last as (${lastEvents(tables)}), begun as (
  select s.revision, bool_or(s.direction = 'down') as back, bool_or(s.direction = 'up' and s.state = 'started') as open
  from ${tables.migration_statements} s group by s.revision)
select coalesce(l.revision, b.revision, h.revision) as revision, case when h.revision is null then 'lost' else 'returned' end as what,
  case when b.back then 'reverting' when l.present and b.open is not true then 'applied' else 'partial' end as state,
  l.at::text as at, l.run_id as "runId", l.event, l.duration_ms as "durationMs", l.executed_by as "executedBy", l.host,
  l.git_commit as "gitCommit", l.version, l.details
from last l full join begun b on b.revision = l.revision
  full join ${tables.migration_history} h on h.revision = coalesce(l.revision, b.revision)
where h.revision is null and (l.present or b.revision is not null) or h.state = 'applied' and l.present = false
order by l.id nulls last, 1`;
}

/** Puts the rows into the order in which the log has them; what it does not know was before it, or is under way. */
export function reorder({ migration_history: history, migration_log: log }: LedgerTables): string {
  return `update ${history} h set sequence = o.place from (
  select r.revision, row_number() over (order by case when l.id is not null then l.id when r.state = 'applied' then 0 end nulls last, r.sequence) as place
  from ${history} r left join (select g.revision, max(g.id) as id from ${log} g where g.event in ('applied', 'baseline', 'marked-done')
    and g.details -> 'position' is null group by g.revision) l on l.revision = r.revision) o
where o.revision = h.revision and o.place <> h.sequence`;
}

/** Applied ones that the log does not know of, which is how it is after it was lost. */
export function unlogged(tables: LedgerTables): string {
  return `select h.revision from ${tables.migration_history} h where h.state = 'applied'
  and not exists (select from ${tables.migration_log} g where g.revision = h.revision) order by h.sequence`;
}
