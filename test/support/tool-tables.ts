/** The table in which each tool keeps its history, as the tool makes it, and its rows: for tools that cannot be run here as well. */
import type { Migration } from "../../src/core/migration.ts";
import type { Files } from "./target.ts";

export interface ToolTable {
  readonly tool: string;
  /** Its own; `plain` for a tool whose files are programs. */
  readonly layout: string;
  readonly files: (numbers: readonly number[]) => Files;
  readonly schema: string;
  readonly name: string;
  readonly create: string;
  /** The row of a file; of a program, by its number. */
  readonly row: (n: number, file: Migration | undefined) => string;
  readonly unrow: (n: number) => string;
  /** What it leaves where a migration has failed half-way, if anything. */
  readonly failed?: string;
}

const pad = (n: number) => String(n).padStart(4, "0");
const day = (n: number) => `2024010${n}000000`;
const effect = (n: number) => `insert into effects values (${n});\n`;
const each = (numbers: readonly number[], of: (n: number) => Files): Files =>
  Object.assign({}, ...numbers.map(of));
const checksum = (file: Migration | undefined) => file?.tool?.checksums[0] ?? "";
const column = (file: Migration | undefined, name: string) => String(file?.tool?.columns?.[name] ?? "");

/** Our own folder, which carries on behind the tool's programs. */
const programs = { layout: "plain", schema: "public" } as const;
const ours = (numbers: readonly number[]) =>
  each(
    numbers.map((n) => n + 100),
    (n) => ({ [`${pad(n)}_ours.sql`]: effect(n) }),
  );
const numbered =
  (name: string, column = "name") =>
  (n: number) =>
    `delete from ${name} where ${column}::text like '%${pad(n)}%'`;

export const TOOL_TABLES: readonly ToolTable[] = [
  {
    ...{ tool: "dbmate", layout: "dbmate", schema: "public", name: "schema_migrations" },
    files: (numbers) =>
      each(numbers, (n) => ({ [`${pad(n)}_n.sql`]: `-- migrate:up\n${effect(n)}-- migrate:down\n` })),
    create: "create table schema_migrations (version varchar primary key)",
    row: (n) => `insert into schema_migrations values ('${pad(n)}')`,
    unrow: (n) => `delete from schema_migrations where version = '${pad(n)}'`,
  },
  {
    ...{ tool: "golang-migrate", layout: "golang-migrate", schema: "public", name: "schema_migrations" },
    files: (numbers) =>
      each(numbers, (n) => ({ [`${n}_n.up.sql`]: effect(n), [`${n}_n.down.sql`]: "select 1;" })),
    create: "create table schema_migrations (version bigint primary key, dirty boolean not null)",
    row: (n) => `delete from schema_migrations; insert into schema_migrations values (${n}, false)`,
    unrow: (n) => `update schema_migrations set version = ${n - 1}`,
    failed: "update schema_migrations set dirty = true",
  },
  {
    ...{ tool: "goose", layout: "goose", schema: "public", name: "goose_db_version" },
    files: (numbers) => each(numbers, (n) => ({ [`${pad(n)}_n.sql`]: `-- +goose Up\n${effect(n)}` })),
    create: `create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp not null default now());
      insert into goose_db_version (version_id, is_applied) values (0, true)`,
    row: (n) => `insert into goose_db_version (version_id, is_applied) values (${n}, true)`,
    unrow: (n) => `delete from goose_db_version where version_id = ${n}`,
  },
  {
    ...{ tool: "sqlx", layout: "sqlx", schema: "public", name: "_sqlx_migrations" },
    files: (numbers) => each(numbers, (n) => ({ [`${n}_n.sql`]: effect(n) })),
    create: `create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz not null default now(),
      success boolean not null, checksum bytea not null, execution_time bigint not null)`,
    row: (n, file) =>
      `insert into _sqlx_migrations values (${n}, 'n', now(), true, decode('${checksum(file)}', 'hex'), 1)`,
    unrow: (n) => `delete from _sqlx_migrations where version = ${n}`,
    failed: "insert into _sqlx_migrations values (3, 'n', now(), false, '\\x00', 1)",
  },
  {
    ...{ tool: "diesel", layout: "diesel", schema: "public", name: "__diesel_schema_migrations" },
    files: (numbers) => each(numbers, (n) => ({ [`2024-01-0${n}-000000_n/up.sql`]: effect(n) })),
    create:
      "create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp not null default now())",
    row: (n) => `insert into __diesel_schema_migrations values ('${day(n)}')`,
    unrow: (n) => `delete from __diesel_schema_migrations where version = '${day(n)}'`,
  },
  {
    ...{ tool: "prisma", layout: "prisma", schema: "public", name: "_prisma_migrations" },
    files: (numbers) => ({
      "migration_lock.toml": 'provider = "postgresql"\n',
      ...each(numbers, (n) => ({ [`${day(n)}_n/migration.sql`]: effect(n) })),
    }),
    create: `create table _prisma_migrations (id varchar(36) primary key default gen_random_uuid()::text, checksum varchar(64) not null, finished_at timestamptz,
      migration_name varchar(255) not null, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
    row: (n, file) =>
      `insert into _prisma_migrations (checksum, finished_at, migration_name) values ('${checksum(file)}', now(), '${day(n)}_n')`,
    unrow: (n) => `update _prisma_migrations set rolled_back_at = now() where migration_name = '${day(n)}_n'`,
    failed: `insert into _prisma_migrations (checksum, migration_name) values ('x', '${day(3)}_n')`,
  },
  {
    ...{ tool: "flyway", layout: "flyway", schema: "public", name: "flyway_schema_history" },
    files: (numbers) => each(numbers, (n) => ({ [`V${n}__n.sql`]: effect(n) })),
    create: `create table flyway_schema_history (installed_rank int not null primary key, version varchar(50), description varchar(200) not null,
      type varchar(20) not null, script varchar(1000) not null, checksum integer, installed_by varchar(100) not null default 'me',
      installed_on timestamp not null default now(), execution_time integer not null default 1, success boolean not null default true)`,
    row: (n, file) =>
      `insert into flyway_schema_history (installed_rank, version, description, type, script, checksum) values (${n}, '${n}', 'n', 'SQL', 'V${n}__n.sql', ${checksum(file) || "null"})`,
    unrow: (n) => `delete from flyway_schema_history where version = '${n}'`,
    failed:
      "insert into flyway_schema_history (installed_rank, version, description, type, script, success) values (3, '3', 'n', 'SQL', 'V3__n.sql', false)",
  },
  {
    ...{ tool: "liquibase", layout: "liquibase", schema: "public", name: "databasechangelog" },
    files: (numbers) => ({
      "a.sql": `--liquibase formatted sql\n${numbers.map((n) => `--changeset ann:${n}\n${effect(n)}`).join("")}`,
    }),
    create: `create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null, dateexecuted timestamp not null default now(),
      orderexecuted int not null, exectype varchar(10) not null, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255),
      liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))`,
    row: (n) =>
      `insert into databasechangelog (id, author, filename, orderexecuted, exectype) values ('${n}', 'ann', 'a.sql', ${n}, 'EXECUTED')`,
    unrow: (n) => `delete from databasechangelog where id = '${n}'`,
  },
  {
    ...{ tool: "supabase", layout: "supabase", schema: "supabase_migrations", name: "schema_migrations" },
    files: (numbers) => each(numbers, (n) => ({ [`${day(n)}_n.sql`]: effect(n) })),
    create:
      "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)",
    row: (n) => `insert into supabase_migrations.schema_migrations values ('${day(n)}', null, 'n')`,
    unrow: (n) => `delete from supabase_migrations.schema_migrations where version = '${day(n)}'`,
  },
  {
    ...{ tool: "drizzle", layout: "drizzle", schema: "drizzle", name: "__drizzle_migrations" },
    files: (numbers) => ({
      "meta/_journal.json": JSON.stringify({
        dialect: "postgresql",
        entries: numbers.map((n) => ({ idx: n, when: 1_700_000_000_000 + n * 1000, tag: `${pad(n)}_n` })),
      }),
      ...each(numbers, (n) => ({ [`${pad(n)}_n.sql`]: effect(n) })),
    }),
    create:
      "create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)",
    row: (n, file) =>
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('${checksum(file)}', ${1_700_000_000_000 + n * 1000})`,
    unrow: (n) =>
      `delete from drizzle.__drizzle_migrations where created_at = ${1_700_000_000_000 + n * 1000}`,
  },
  {
    ...{ tool: "node-pg-migrate", layout: "node-pg-migrate", schema: "public", name: "pgmigrations" },
    files: (numbers) =>
      each(numbers, (n) => ({
        [`170000000000${n}_n.sql`]: `-- Up Migration\n${effect(n)}-- Down Migration\n`,
      })),
    create:
      "create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null default now())",
    row: (n) => `insert into pgmigrations (name) values ('170000000000${n}_n')`,
    unrow: (n) => `delete from pgmigrations where name = '170000000000${n}_n'`,
  },
  {
    ...{
      tool: "graphile-migrate",
      layout: "graphile-migrate",
      schema: "graphile_migrate",
      name: "migrations",
    },
    files: (numbers) =>
      each(numbers, (n) => ({
        [`committed/00000${n}.sql`]: `--! Previous: ${n === 1 ? "-" : `sha1:${n - 1}`}\n--! Hash: sha1:${n}\n--! AllowInvalidHash\n\n${effect(n)}`,
      })),
    create: `create schema graphile_migrate; create table graphile_migrate.migrations (hash text primary key, previous_hash text references graphile_migrate.migrations,
      filename text not null, date timestamptz not null default now())`,
    row: (n, file) =>
      `insert into graphile_migrate.migrations (hash, filename) values ('${column(file, "hash") || n}', '00000${n}.sql')`,
    unrow: (n) => `delete from graphile_migrate.migrations where filename = '00000${n}.sql'`,
  },
  {
    ...{ tool: "sqitch", layout: "sqitch", schema: "sqitch", name: "changes" },
    files: (numbers) => ({
      "sqitch.conf": "[core]\n\tengine = pg\n",
      "sqitch.plan": `%syntax-version=1.0.0\n%project=model\n\n${numbers.map((n) => `c${n} 2024-01-0${n}T00:00:00Z A <a@example.com> # n\n`).join("")}`,
      ...each(numbers, (n) => ({ [`deploy/c${n}.sql`]: effect(n) })),
    }),
    create: `create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text not null, project text not null,
      note text not null default '', committed_at timestamptz not null default clock_timestamp(), committer_name text not null default '', committer_email text not null default '',
      planned_at timestamptz not null default now(), planner_name text not null default '', planner_email text not null default '')`,
    row: (n, file) =>
      `insert into sqitch.changes (change_id, script_hash, change, project) values ('${column(file, "change_id") || n}', '${checksum(file)}', 'c${n}', 'model')`,
    unrow: (n) => `delete from sqitch.changes where change = 'c${n}'`,
  },
  {
    ...{ ...programs, tool: "alembic", name: "alembic_version" },
    files: ours,
    create: "create table alembic_version (version_num varchar(32) primary key)",
    row: (n) => `insert into alembic_version values ('${pad(n)}')`,
    unrow: numbered("alembic_version", "version_num"),
  },
  {
    ...{ ...programs, tool: "rails", name: "schema_migrations" },
    files: ours,
    create:
      "create table schema_migrations (version varchar primary key); create table ar_internal_metadata (key varchar primary key, value varchar)",
    row: (n) => `insert into schema_migrations values ('2024${pad(n)}')`,
    unrow: numbered("schema_migrations", "version"),
  },
  {
    ...{ ...programs, tool: "ecto", name: "schema_migrations" },
    files: ours,
    create:
      "create table schema_migrations (version bigint primary key, inserted_at timestamp default now())",
    row: (n) => `insert into schema_migrations values (2024${pad(n)})`,
    unrow: numbered("schema_migrations", "version"),
  },
  {
    ...{ ...programs, tool: "knex", name: "knex_migrations" },
    files: ours,
    create:
      "create table knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz default now())",
    row: (n) => `insert into knex_migrations (name, batch) values ('2024${pad(n)}_n.js', 1)`,
    unrow: numbered("knex_migrations"),
  },
  {
    ...{ ...programs, tool: "umzug", name: '"SequelizeMeta"' },
    files: ours,
    create: 'create table "SequelizeMeta" (name varchar(255) primary key)',
    row: (n) => `insert into "SequelizeMeta" values ('2024${pad(n)}-n.js')`,
    unrow: numbered('"SequelizeMeta"'),
  },
  {
    ...{ ...programs, tool: "typeorm", name: "migrations" },
    files: ours,
    create:
      "create table migrations (id serial primary key, timestamp bigint not null, name varchar not null)",
    row: (n) => `insert into migrations (timestamp, name) values (170000000${pad(n)}, 'N170000000${pad(n)}')`,
    unrow: numbered("migrations"),
  },
  {
    ...{ ...programs, tool: "kysely", name: "kysely_migration" },
    files: ours,
    create:
      "create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null default '2024-01-01T00:00:00.000Z')",
    row: (n) => `insert into kysely_migration (name) values ('2024${pad(n)}_n')`,
    unrow: numbered("kysely_migration"),
  },
  {
    ...{ ...programs, tool: "django", name: "django_migrations" },
    files: ours,
    create:
      "create table django_migrations (id serial primary key, app varchar(255) not null, name varchar(255) not null, applied timestamptz not null default now())",
    row: (n) => `insert into django_migrations (app, name) values ('shop', '${pad(n)}_n')`,
    unrow: numbered("django_migrations"),
  },
];
