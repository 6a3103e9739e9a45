/** Creates the tables of the ledger. */
import { createSchema, stored } from "../core/sql/quote.ts";
import { requireSchema } from "../core/sql/schema-guard.ts";
import type { LedgerTables } from "./damage-sql.ts";

/** The layout of the tables below. A ledger with a higher number belongs to a newer Godwit. */
export const LEDGER_FORMAT = 1;

export interface NewLedger {
  readonly schema: string;
  /** The schema that is the target. It is never created here, and must exist. */
  readonly given: string | null;
  readonly project: string | null;
}

/** The quoted names of `tables` are those of the ledger in `schema`. */
export function createTables(tables: LedgerTables, { schema, given, project }: NewLedger): string {
  const {
    migration_ledger: ledger,
    migration_history: history,
    migration_statements: statements,
    migration_log: log,
  } = tables;
  const before = given === null ? "" : `${requireSchema(given)};\n`;
  const schemaIfMissing = given === schema ? "" : `${createSchema(schema, "migration_log")};`;
  return `${before}${schemaIfMissing}
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
${createToolRows(tables)};
insert into ${ledger} (format, project) values (${LEDGER_FORMAT}, ${stored(project)}) on conflict do nothing;`;
}

/** An early ledger has no such table, so a later run adds it. */
export function createToolRows({ migration_tool_rows }: LedgerTables): string {
  return `create table if not exists ${migration_tool_rows} (
  tool text not null,
  history text not null,
  subject text not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (tool, history, subject))`;
}
