/**
 * SQL that finds contradictions between the tables of the ledger. The history says what is applied, and the log says
 * what was done. They differ after only one of them was restored from a backup, or after somebody edited one by hand.
 * A run that trusted the history alone would then run a migration twice.
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

/** A query without rows that replaces a table which is gone. */
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
 * The last event of each revision that says whether it is present. `present` is null after a retry or after a failure
 * that left nothing: then the row for the new text may have been removed again.
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
 * One row for each revision on which the tables disagree. `lost`: the log or the statements know it, and the history
 * has no row. `returned`: the log says that it was reverted, and the history still has a row.
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

/**
 * Orders the rows of the history as the log has them. Applied rows that the log does not know come first, unfinished
 * ones last.
 */
export function reorder({ migration_history: history, migration_log: log }: LedgerTables): string {
  return `update ${history} h set sequence = o.place from (
  select r.revision, row_number() over (order by case when l.id is not null then l.id when r.state = 'applied' then 0 end nulls last, r.sequence) as place
  from ${history} r left join (select g.revision, max(g.id) as id from ${log} g where g.event in ('applied', 'baseline', 'marked-done')
    and g.details -> 'position' is null group by g.revision) l on l.revision = r.revision) o
where o.revision = h.revision and o.place <> h.sequence`;
}

/** Applied revisions that the log does not know. There are some after the log was lost. */
export function unlogged(tables: LedgerTables): string {
  return `select h.revision from ${tables.migration_history} h where h.state = 'applied'
  and not exists (select from ${tables.migration_log} g where g.revision = h.revision) order by h.sequence`;
}
