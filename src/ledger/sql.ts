/**
 * The tables of the ledger and every statement on them, as text. Text and not parameters, because the
 * same statements are sent in one message with a migration's own SQL, and printed by `up --sql`.
 * All names are fully qualified: a migration may have moved `search_path`.
 */
import type { HistoryEntry } from "../core/history.ts";
import type { Direction } from "../core/migration.ts";
import {
  createSchema,
  identifier,
  literal,
  quotedName,
  stored,
  storedArray,
  storedJson,
} from "../core/sql/quote.ts";
import { requireSchema } from "../core/sql/schema-guard.ts";
import { differences, type LedgerTable, reorder, unlogged, withoutThese } from "./damage-sql.ts";

/** The layout of the tables below. A ledger with a higher number belongs to a newer Godwit. */
export const LEDGER_FORMAT = 1;

/** One row of history, as it is written before the migration runs. */
export type Entry = Omit<HistoryEntry, "sequence" | "state" | "baseline"> & {
  /** Runs for its new text: the row takes the place of the old one. */
  readonly again?: boolean | undefined;
};

/** Who is at work; the same for every row of a run. */
export interface Author {
  readonly runId: string;
  readonly host: string;
  readonly gitCommit: string | null;
  readonly version: string;
}

export interface LogEntry {
  readonly event:
    | "applied"
    | "reverted"
    | "failed"
    | "baseline"
    | "accepted"
    | "forgotten"
    | "marked-done"
    | "retry"
    | "rebuilt";
  readonly revision: string | null;
  readonly direction: Direction | null;
  readonly durationMs: number | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

/** A table of another tool, as `schema.name`. */
export interface ToolHistoryKey {
  readonly tool: string;
  readonly history: string;
}

export type LedgerSql = ReturnType<typeof ledgerSql>;

/** The statements for the ledger in `schema`. `given`: the schema that its target is, which is never made here. */
export function ledgerSql(schema: string, { given = null }: { readonly given?: string | null } = {}) {
  const name = identifier(schema);
  const ledger = `${name}.migration_ledger`;
  const history = `${name}.migration_history`;
  const statements = `${name}.migration_statements`;
  const log = `${name}.migration_log`;
  const toolRows = `${name}.migration_tool_rows`;
  const createToolRows = `create table if not exists ${toolRows} (
  tool text not null,
  history text not null,
  subject text not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (tool, history, subject))`;
  const tables = {
    migration_ledger: ledger,
    migration_history: history,
    migration_statements: statements,
    migration_log: log,
    migration_tool_rows: toolRows,
  };
  const before = given === null ? "" : `${requireSchema(given)};\n`;

  return {
    create: (
      project: string | null,
    ) => `${before}${given === schema ? "" : `${createSchema(schema, "migration_log")};`}
create table if not exists ${ledger} (
  only_row boolean primary key default true check (only_row),
  format integer not null,
  project text,
  created_at timestamptz not null default clock_timestamp());
create table if not exists ${history} (
  revision text primary key,
  sequence bigint not null,
  kind text not null,
  state text not null,
  baseline boolean not null default false,
  phase text not null,
  number text,
  parents text[] not null,
  filename text not null,
  checksum text not null,
  fingerprint text,
  revert_script text,
  minimum_revision text,
  run_id uuid not null,
  transaction_id text not null default pg_current_xact_id()::text,
  executed_by text not null default session_user,
  host text not null,
  git_commit text,
  version text not null,
  started_at timestamptz not null default clock_timestamp(),
  executed_at timestamptz,
  duration_ms double precision);
create index if not exists migration_history_sequence on ${history} (sequence);
create table if not exists ${statements} (
  revision text not null,
  direction text not null,
  position integer not null,
  hash text not null,
  state text not null,
  before jsonb,
  run_id uuid not null,
  started_at timestamptz not null default clock_timestamp(),
  done_at timestamptz,
  primary key (revision, direction, position));
create table if not exists ${log} (
  id bigint primary key,
  at timestamptz not null default clock_timestamp(),
  run_id uuid not null,
  event text not null,
  revision text,
  direction text,
  duration_ms double precision,
  executed_by text not null default session_user,
  host text not null,
  git_commit text,
  version text not null,
  details jsonb);
${createToolRows};
insert into ${ledger} (format, project) values (${LEDGER_FORMAT}, ${stored(project)}) on conflict do nothing;`,

    /** Quoted, for statements about it that are not here. */
    historyTable: history,

    /** Whether nothing was ever done here; what only failed left nothing. */
    isEmpty: () => `select not exists (select from ${log} where event <> 'failed') as empty`,

    exists: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_ledger`)}) is not null as exists`,

    /** Four answers; fails where one of the tables is gone. */
    read: () => readWithout([]),

    /** The same where some are. */
    readWithout,

    /** Which of the tables are there; one answer each. */
    tables: (names: readonly LedgerTable[]) =>
      names
        .map(
          (one) =>
            `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${one}`)}) is not null as there`,
        )
        .join("; "),

    /** For a script: raises where the tables contradict each other. */
    refuseDamage: () => `do $godwit$ begin
  if exists (${differences(tables)}) then
    raise exception 'the ledger contradicts itself: godwit status says how';
  end if;
end $godwit$;`,

    unlogged: () => unlogged(tables),

    reorder: () => reorder(tables),

    dropStatements: () => `drop table ${statements}`,

    /** A row that was lost, as the log had it. */
    rebuild: (
      entry: Entry,
      author: Author,
      { state, baseline, at, executedBy, durationMs }: Rebuilt,
    ) => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state, baseline, executed_by, executed_at, duration_ms) overriding system value
  values (${next(history, "sequence")}, ${entryValues(entry, author)}, ${stored(state)}, ${baseline}, coalesce(${stored(executedBy)}, session_user),
  ${stored(at)}::timestamptz, ${stored(durationMs)})`,

    /** First statement of a step: a second runner that got here too waits on the key, and then sees it is done. */
    insert: (entry: Entry, author: Author, state: "applied" | "partial") => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state) overriding system value values (${next(history, "sequence")}, ${entryValues(entry, author)}, ${stored(state)})`,

    /** A repeatable's new text takes the place of the old row. */
    remove: (revision: string) => `delete from ${history} where revision = ${stored(revision)}`,

    /**
     * Last statement before `COMMIT`. It finds its row only in the transaction that inserted it: no row
     * means that the migration ended the transaction itself, or that something took the row away. Then it
     * fails (an event of the log cannot be null), so that what is not in the ledger is not committed either.
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

    /** A way back outside a transaction begins: from now on it is neither applied nor gone. */
    startReverting: (revision: string) =>
      `update ${history} set state = 'reverting' where revision = ${stored(revision)}`,

    /** Takes the row away; the log keeps that it was there. No row: somebody else reverted it. */
    revert: (revision: string, author: Author) => `with gone as (
  delete from ${history} where revision = ${stored(revision)} returning revision),
cleared as (delete from ${statements} where revision = ${stored(revision)})
${logInsert(author, unlessGone("reverted", "gone"), "revision", "'down'", "null::float8", "null::jsonb", orNothing("gone"))}`,

    /** `at`: when it really was, as far as somebody else has kept that. */
    baseline: (entry: Entry, author: Author, at: string | null = null) => `insert into ${history}
  (sequence, ${ENTRY_COLUMNS}, state, baseline, executed_at, duration_ms) overriding system value
  values (${next(history, "sequence")}, ${entryValues(entry, author)}, 'applied', true, coalesce(${stored(at)}::timestamptz, clock_timestamp()), 0)`,

    accept: (revision: string, checksum: string, fingerprint: string | null, revertScript: string | null) =>
      `update ${history} set checksum = ${stored(checksum)}, fingerprint = ${stored(fingerprint)},
  revert_script = ${stored(revertScript)} where revision = ${stored(revision)}`,

    /** A person looked and says that it is complete. */
    markApplied: (revision: string) => `update ${history} set state = 'applied',
  executed_at = coalesce(executed_at, clock_timestamp()) where revision = ${stored(revision)}`,

    statementDone: (
      revision: string,
      direction: Direction,
      position: number,
    ) => `update ${statements} set state = 'done',
  done_at = clock_timestamp() where revision = ${stored(revision)} and direction = ${literal(direction)} and position = ${Number(position)}`,

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

    statements: (revision: string, direction: Direction) =>
      `select position, hash, state, before from ${statements}
  where revision = ${stored(revision)} and direction = ${stored(direction)} order by position`,

    /** The intent: written and committed before a statement that cannot run in a transaction. */
    startStatement: (key: StatementKey, author: Author, before: unknown) => `insert into ${statements}
  (revision, direction, position, hash, state, before, run_id) values (${keyValues(key)}, 'started',
   ${storedJson(before ?? null)}, ${stored(author.runId)})
  on conflict (revision, direction, position) do update set hash = excluded.hash, state = 'started',
   before = excluded.before, run_id = excluded.run_id, started_at = clock_timestamp(), done_at = null`,

    /** `session`: an expression for what it has changed in the session. */
    finishStatement: (key: StatementKey, author: Author, session = "null") => `insert into ${statements}
  (revision, direction, position, hash, state, before, run_id, done_at) values (${keyValues(key)}, 'done',
   ${session}, ${stored(author.runId)}, clock_timestamp())
  on conflict (revision, direction, position) do update set hash = excluded.hash, state = 'done',
   before = excluded.before, run_id = excluded.run_id, done_at = clock_timestamp()`,

    /** After its transaction, with whose end `SET LOCAL` has ended. Writes only where that makes a difference. */
    correctSession: (key: StatementKey, session: string) => `update ${statements} set before = ${session}
  where revision = ${stored(key.revision)} and direction = ${stored(key.direction)} and position = ${key.position}
  and state = 'done' and before is distinct from ${session}`,

    forgetStatements: (revision: string, direction: Direction) =>
      `delete from ${statements} where revision = ${stored(revision)} and direction = ${stored(direction)}`,

    stepsOf: (runId: string) => `select revision, direction, duration_ms as "durationMs" from ${log}
  where run_id = ${stored(runId)} and event in ('applied', 'reverted') order by id`,

    /** What was taken over from other tools, and from which table; the newest last. */
    adopted: () => `select revision, details ->> 'tool' as tool, details ->> 'table' as "table" from ${log}
  where event = 'baseline' and details ? 'tool' order by id`,

    /** Was in the ledger, and was taken out of it on purpose. */
    takenOut: () => `select distinct revision from ${log} l
  where event in ('reverted', 'forgotten') and not exists (select from ${history} h where h.revision = l.revision)`,

    hasToolRows: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_tool_rows`)}) is not null as exists`,

    createToolRows: () => createToolRows,

    /** What the histories of other tools said when we last looked at them, or wrote to them. */
    toolRows: () => `select tool, history, subject from ${toolRows}`,

    /** What this history says is this from now on; what another history of the tool said is forgotten. */
    rememberToolRows: (
      { tool, history: from }: ToolHistoryKey,
      subjects: readonly string[],
    ) => `delete from ${toolRows} where tool = ${stored(tool)} and (history <> ${stored(from)} or subject <> all (${storedArray(subjects)}));
insert into ${toolRows} (tool, history, subject) select ${stored(tool)}, ${stored(from)}, one from unnest(${storedArray(subjects)}) as one
  on conflict do nothing`,

    /** One row more, or one less: in the transaction that writes it into the tool's history. */
    rememberToolRow: ({ tool, history: from }: ToolHistoryKey, subject: string, direction: Direction) =>
      direction === "up"
        ? `insert into ${toolRows} (tool, history, subject) values (${stored(tool)}, ${stored(from)}, ${stored(subject)}) on conflict do nothing`
        : `delete from ${toolRows} where tool = ${stored(tool)} and history = ${stored(from)} and subject = ${stored(subject)}`,

    setProject: (project: string) =>
      `update ${ledger} set project = ${stored(project)} where project is null`,

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
select from ${left.migration_tool_rows} t where false`;
  }

  /** One row whether there is one or not, so that a missing one is an error and not silence. */
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

/** What the log, or what is left of a half-way one, says of a row that was lost. */
export interface Rebuilt {
  readonly state: HistoryEntry["state"];
  readonly baseline: boolean;
  readonly at: string | null;
  readonly executedBy: string | null;
  readonly durationMs: number | null;
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
 * Made from what is in the table, because a sequence of the server's is not restored with the rows by everything that
 * restores them. All writers hold the lock. An early ledger has an identity there, which is overridden.
 */
function next(table: string, column: string): string {
  return `(select coalesce(pg_catalog.max(${column}), 0) + 1 from ${table})`;
}

/** One statement of a non-transactional migration. */
export interface StatementKey {
  readonly revision: string;
  readonly direction: Direction;
  readonly position: number;
  /** `sha256:` of its text, to tell on resuming that what is done is what still stands in the file. */
  readonly hash: string;
}

function keyValues(key: StatementKey): string {
  return `${stored(key.revision)}, ${stored(key.direction)}, ${key.position}, ${stored(key.hash)}`;
}
