/**
 * Every statement on the tables of the ledger, as text. They have no parameters, because they are sent in one message
 * with a migration's own SQL, and printed by `up --sql`.
 * All names are fully qualified, because a migration may have changed `search_path`.
 */
import type { Direction } from "../core/migration.ts";
import { identifier, literal, quotedName, stored, storedArray, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import { backfillRangesSql } from "./backfill-ranges-sql.ts";
import { backfillUndoSql } from "./backfill-undo-sql.ts";
import { backfillsSql } from "./backfills-sql.ts";
import { deletedByHand, guardByHand } from "./by-hand-sql.ts";
import { differences, type LedgerTable, reorder, unlogged, withoutThese } from "./damage-sql.ts";
import type { Author, Entry, LogEntry, Rebuilt, ToolHistoryKey } from "./rows.ts";
import { statementsSql } from "./statements-sql.ts";
import { createTables, createToolRows } from "./tables-sql.ts";

export type LedgerSql = ReturnType<typeof ledgerSql>;

/** The statements for the ledger in `schema`. `given`: the schema that is the target. It is never created here. */
export function ledgerSql(
  schema: string,
  { given = null, byHand = false }: { readonly given?: string | null; readonly byHand?: boolean } = {},
) {
  const name = identifier(schema);
  const ledger = `${name}.migration_ledger`;
  const history = `${name}.migration_history`;
  const statements = `${name}.migration_statements`;
  const log = `${name}.migration_log`;
  const toolRows = `${name}.migration_tool_rows`;
  const tables = {
    migration_ledger: ledger,
    migration_history: history,
    migration_statements: statements,
    migration_log: log,
    migration_tool_rows: toolRows,
  };
  const backfills = backfillsSql(schema, history, byHand);

  return {
    create: (project: string | null) =>
      [
        createTables(tables, { schema, given, project }),
        ...(byHand ? [guardByHand(schema, tables)] : []),
        keepToOwner(schema, Object.keys(tables), byHand),
      ].join("\n"),

    /** The quoted name, for statements that are written elsewhere. */
    historyTable: history,
    ledgerTable: ledger,
    toolRowsTable: toolRows,

    /** Whether nothing was ever done here. A failed step leaves nothing, and a schema that was accepted is no migration. */
    isEmpty: () =>
      `select not exists (select from ${log} where event <> 'failed' and revision is not null) as empty`,

    /** Nothing has run here, and no history was adopted: at most, a person has declared what is there. */
    isOnlyDeclared: () =>
      `select not exists (select from ${log} where event not in ('failed', 'baseline') and revision is not null) as empty`,

    exists: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_ledger`)}) is not null as exists`,

    /** Revisions that `baseline --confirm` has taken out of the ledger, because other files are in their place. */
    replaced: () => replaced(tables),

    /** Five answers. Fails if one of the tables is gone. */
    read: () => readWithout([]),

    /** The same without the tables that are gone. */
    readWithout,

    /** Which of the tables exist: one answer each. */
    tables: (names: readonly LedgerTable[]) =>
      names
        .map(
          (one) =>
            `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${one}`)}) is not null as there`,
        )
        .join("; "),

    /** For a script: raises if the tables contradict each other. */
    refuseDamage: () => `do $godwit$ begin
  if exists (${differences(tables)}) then
    raise exception 'the ledger contradicts itself: \`godwit status\` says how';
  end if;
end $godwit$;`,

    unlogged: () => unlogged(tables),

    reorder: () => reorder(tables),

    dropStatements: () => `drop table ${statements}`,

    /** Writes a lost row again, as the log knows it. */
    rebuild: (
      entry: Entry,
      author: Author,
      { state, baseline, at, executedBy, durationMs }: Rebuilt,
    ) => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state, baseline, executed_by, executed_at, duration_ms) overriding system value
  values (${next(history, "sequence")}, ${entryValues(entry, author)}, ${stored(state)}, ${baseline}, coalesce(${stored(executedBy)}, session_user),
  ${stored(at)}::timestamptz, ${stored(durationMs)})`,

    /** First statement of a step. A second runner waits on the key, and then sees that the step is done. */
    insert: (entry: Entry, author: Author, state: "applied" | "partial") => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state) overriding system value values (${next(history, "sequence")}, ${entryValues(entry, author)}, ${stored(state)})`,

    /** Removes the old row of a repeatable that runs for its new text. */
    remove: (revision: string) => `delete from ${history} where revision = ${stored(revision)}`,

    /**
     * Last statement before `COMMIT`. It finds the row only in the transaction that inserted it. Without a row, the
     * migration ended the transaction itself, or something removed the row. Then this statement fails, because an
     * event of the log cannot be null. So nothing is committed that the ledger does not have.
     */
    complete: (revision: string, author: Author) => `with done as (
  update ${history} set state = 'applied', executed_at = clock_timestamp(),
    duration_ms = extract(epoch from clock_timestamp() - started_at) * 1000
  where revision = ${stored(revision)} and transaction_id = pg_current_xact_id()::text
  returning revision, duration_ms)
${logInsert(author, unlessGone("applied", "done"), "revision", "'up'", "duration_ms", "null::jsonb", orNothing("done"))}`,

    /** The same for a non-transactional migration, whose row is older than the last transaction. */
    completePartial: (entry: Entry, author: Author) => `with done as (
  update ${history} set state = 'applied', executed_at = clock_timestamp(), checksum = ${stored(entry.checksum)},
    fingerprint = ${stored(entry.fingerprint)}, revert_script = ${stored(entry.revertScript)},
    duration_ms = extract(epoch from clock_timestamp() - started_at) * 1000
  where revision = ${stored(entry.revision)} and state = 'partial'
  returning revision, duration_ms)
${logInsert(author, unlessGone("applied", "done"), "revision", "'up'", "duration_ms", "null::jsonb", orNothing("done"))}`,

    /** A way back outside a transaction begins. From now on the migration is neither applied nor reverted. */
    startReverting: (revision: string) =>
      `update ${history} set state = 'reverting' where revision = ${stored(revision)}`,

    /** Nothing of it was taken back, so it stands where it stood: only what was complete has the time of that. */
    stopReverting: (revision: string) => `update ${history}
  set state = case when executed_at is null then 'partial' else 'applied' end
  where revision = ${stored(revision)} and state = 'reverting'`,

    /** Removes the row and logs that. Fails without a row: somebody else has reverted the migration. */
    revert: (revision: string, author: Author) => `with gone as (
  delete from ${history} where revision = ${stored(revision)} returning revision),
cleared as (delete from ${statements} where revision = ${stored(revision)})
${logInsert(author, unlessGone("reverted", "gone"), "revision", "'down'", "null::float8", "null::jsonb", orNothing("gone"))}`,

    /** `at`: when it was applied, if another tool knows that. */
    baseline: (entry: Entry, author: Author, at: string | null = null) => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state, baseline, executed_at, duration_ms) overriding system value
  values (${next(history, "sequence")}, ${entryValues(entry, author)}, 'applied', true, coalesce(${stored(at)}::timestamptz, clock_timestamp()), 0)`,

    accept: (revision: string, checksum: string, fingerprint: string | null, revertScript: string | null) =>
      `update ${history} set checksum = ${stored(checksum)}, fingerprint = ${stored(fingerprint)},
  revert_script = ${stored(revertScript)} where revision = ${stored(revision)}`,

    /** A person says that the migration is complete. */
    markApplied: (revision: string) => `update ${history} set state = 'applied',
  executed_at = coalesce(executed_at, clock_timestamp()) where revision = ${stored(revision)}`,

    log: (author: Author, entry: LogEntry) =>
      logInsert(
        author,
        stored(entry.event),
        stored(entry.revision),
        stored(entry.direction),
        stored(entry.durationMs),
        entry.details === null ? "null::jsonb" : `${storedJson(entry.details)}`,
        "",
      ),

    ...statementsSql(tables),
    ...backfills,
    ...backfillRangesSql({ schema, history, byHand }, backfills.windowCounted),
    ...backfillUndoSql(schema, byHand),

    stepsOf: (runId: string) => `select revision, direction, duration_ms as "durationMs" from ${log}
  where run_id = ${stored(runId)} and event in ('applied', 'reverted') order by id`,

    /** What was adopted from other tools, and from which table. The newest is last. */
    adopted: () => `select revision, details ->> 'tool' as tool, details ->> 'table' as "table" from ${log}
  where event = 'baseline' and details ? 'tool' order by id`,

    /** Revisions that were removed from the ledger on purpose. What a baseline has replaced is still in the database. */
    takenOut: () => `select distinct revision from ${log} l
  where event in ('reverted', 'forgotten') and coalesce(details ->> 'replaced', 'false') = 'false' and not exists (select from ${history} h where h.revision = l.revision)`,

    hasToolRows: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_tool_rows`)}) is not null as exists`,

    createToolRows: () =>
      `${createToolRows(tables)};\n${keepToOwner(schema, ["migration_tool_rows"], byHand).replace(/;$/, "")}`,

    /** What the histories of other tools held when they were last read or written. */
    toolRows: () => `select tool, history, subject from ${toolRows}`,

    /** Replaces what is remembered of this history. What another history of the tool held is forgotten. */
    rememberToolRows: (
      { tool, history: from }: ToolHistoryKey,
      subjects: readonly string[],
    ) => `delete from ${toolRows} where tool = ${stored(tool)} and (history <> ${stored(from)} or subject <> all (${storedArray(subjects)}));
insert into ${toolRows} (tool, history, subject) select ${stored(tool)}, ${stored(from)}, one from unnest(${storedArray(subjects)}) as one
  on conflict do nothing`,

    /** Remembers one row more, or one less. Runs in the transaction that changes the history of the tool. */
    rememberToolRow: ({ tool, history: from }: ToolHistoryKey, subject: string, direction: Direction) =>
      direction === "up"
        ? `insert into ${toolRows} (tool, history, subject) values (${stored(tool)}, ${stored(from)}, ${stored(subject)}) on conflict do nothing`
        : `delete from ${toolRows} where tool = ${stored(tool)} and history = ${stored(from)} and subject = ${stored(subject)}`,

    /** What runs were told of their steps before them, beside what these took. */
    predictions:
      () => `select p.at, p.run_id as "runId", s.revision, s."predictedMs", a.duration_ms as "measuredMs"
  from ${log} p cross join lateral jsonb_to_recordset(p.details -> 'steps') as s(revision text, "predictedMs" float8)
  join ${log} a on a.run_id = p.run_id and a.revision = s.revision and a.event = 'applied' and a.id > p.id
  where p.event = 'predicted' and a.duration_ms is not null order by a.id`,

    readLog: (
      limit: number,
    ) => `select at, run_id as "runId", event, revision, direction, duration_ms as "durationMs",
  executed_by as "executedBy", host, git_commit as "gitCommit", details
  from ${log} order by id desc limit ${Number(limit)}`,
  };

  function readWithout(missing: readonly LedgerTable[]): string {
    const left = withoutThese(tables, missing);
    const rows = missing.includes("migration_history")
      ? ""
      : `${SELECT_HISTORY} from ${history} order by sequence`;
    return `select format, project from ${left.migration_ledger};
${rows === "" ? "select where false" : rows};
${differences(left)};
${replaced(left)};
select from ${left.migration_tool_rows} t where false${byHand ? `;\n${deletedByHand(left)}` : ""}`;
  }

  function replaced({ migration_log, migration_history }: typeof tables): string {
    return `select distinct revision from ${migration_log} l
  where event = 'forgotten' and details ->> 'replaced' = 'true' and not exists (select from ${migration_history} h where h.revision = l.revision)`;
  }

  /** One row even if `found` has none, so that a missing row is an error. */
  function orNothing(found: string): string {
    return `from (values (1)) as always left join ${found} on true`;
  }

  function unlessGone(event: LogEntry["event"], found: string): string {
    return `case when ${found}.revision is not null then ${stored(event)} end`;
  }

  function logInsert(
    author: Author,
    event: string,
    revision: string,
    direction: string,
    durationMs: string,
    details: string,
    from: string,
  ): string {
    return `insert into ${log} (id, run_id, event, revision, direction, duration_ms, host, git_commit, version, details)
overriding system value select ${next(log, "id")}, ${stored(author.runId)}::uuid, ${event}, ${revision}, ${direction}, ${durationMs}, ${stored(author.host)},
  ${stored(author.gitCommit)}, ${stored(author.version)}, ${details} ${from}`;
  }
}

const SELECT_HISTORY = `select revision, sequence::float8 as sequence, kind, state, baseline, phase, number, parents, filename as file, checksum,
  fingerprint, revert_script as "revertScript", minimum_revision as "minimumRevision",
  executed_at as "executedAt", duration_ms as "durationMs", executed_by as "executedBy", host, git_commit as "gitCommit",
  version, run_id as "runId"`;

const ENTRY_COLUMNS = `revision, kind, phase, number, parents, filename, checksum, fingerprint, revert_script,
  minimum_revision, run_id, host, git_commit, version`;

function entryValues(entry: Entry, author: Author): string {
  return [
    stored(entry.revision),
    stored(entry.kind),
    stored(entry.phase),
    stored(entry.number),
    storedArray(entry.parents),
    stored(entry.file),
    stored(entry.checksum),
    stored(entry.fingerprint),
    stored(entry.revertScript),
    stored(entry.minimumRevision),
    stored(author.runId),
    stored(author.host),
    stored(author.gitCommit),
    stored(author.version),
  ].join(", ");
}

/**
 * The next number, from the rows of the table. A sequence of the server would not be restored by everything that
 * restores rows. All writers hold the lock. In an early ledger the column is an identity, which is overridden.
 */
function next(table: string, column: string): string {
  return `(select coalesce(pg_catalog.max(${column}), 0) + 1 from ${table})`;
}
