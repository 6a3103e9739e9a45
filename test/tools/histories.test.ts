/** Histories as the tools leave them, made by their own SQL: those of tools that cannot be run here, and the odd ones. */
import { createHash } from "node:crypto";
import { describe } from "vitest";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { keyOfDatabase, keyOfFlyway, keyOfGolangMigrate } from "../../src/tools/keys.ts";
import { toolNamed } from "../../src/tools/tools.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const A = "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n";
const B = "-- h\u00e9llo\nCREATE INDEX i ON t (id);";
const sha = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex");
const ADOPT: AdoptOptions = { assume: false, dryRun: false };

const GOLANG =
  "create table schema_migrations (version bigint not null primary key, dirty boolean not null);";
const PRISMA = `create table _prisma_migrations (id varchar(36) primary key not null, checksum varchar(64) not null,
  finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count integer not null default 0);`;
const FLYWAY = `create table flyway_schema_history (installed_rank int not null primary key, version varchar(50),
  description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null, checksum integer,
  installed_by varchar(100) not null default 'me', installed_on timestamp not null default now(),
  execution_time integer not null default 1, success boolean not null default true);`;
const SQLX = `create table _sqlx_migrations (version bigint primary key, description text not null,
  installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);`;
const GOOSE = `create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null,
  tstamp timestamp not null default now()); insert into goose_db_version (version_id, is_applied) values (0, true);`;
const LIQUIBASE = `create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null,
  dateexecuted timestamp not null default now(), orderexecuted int not null, exectype varchar(10) not null, md5sum varchar(35),
  description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255),
  labels varchar(255), deployment_id varchar(10));
  create table databasechangeloglock (id integer not null primary key, locked boolean not null, lockgranted timestamp, lockedby varchar(255));
  insert into databasechangeloglock values (1, false);`;

interface Case {
  readonly tool: string;
  readonly layout: string;
  readonly files: Files;
  /** The tool's table, and what its migrations did. */
  readonly sql: string;
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  readonly edited?: readonly string[];
  readonly missing?: readonly string[];
  /** Repeatables of which the tool has run another text. */
  readonly again?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    tool: "golang-migrate",
    layout: "golang-migrate",
    files: { "1_a.up.sql": A, "002_b.up.sql": B, "3_c.up.sql": "create table c ();" },
    sql: `${GOLANG} insert into schema_migrations values (2, false);`,
    applied: ["1_a", "002_b"],
    pending: ["3_c"],
  },
  {
    tool: "golang-migrate",
    layout: "updown",
    files: { "1_a.up.sql": A, "2_b.up.sql": "create table c ();" },
    sql: `${GOLANG} insert into schema_migrations values (1, false);`,
    applied: ["1_a"],
    pending: ["2_b"],
  },
  {
    tool: "prisma",
    layout: "prisma",
    files: {
      "migration_lock.toml": 'provider = "postgresql"\n',
      "20240101000000_a/migration.sql": A,
      "20240102000000_b/migration.sql": B.replaceAll("\n", "\r\n"),
      "20240103000000_c/migration.sql": "create table c ();",
      "20240104000000_d/migration.sql": "create table d ();",
    },
    sql: `${PRISMA} insert into _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at) values
      ('1', '${sha("sha256", A)}', now(), '20240101000000_a', null),
      ('2', 'x', null, '20240102000000_b', now()),
      ('3', '${sha("sha256", B)}', now(), '20240102000000_b', null),
      ('4', '${"0".repeat(64)}', now(), '20240103000000_c', null),
      ('5', '${sha("sha256", A)}', now(), '20240105000000_gone', null);`,
    applied: ["20240101000000_a", "20240102000000_b", "20240103000000_c"],
    pending: ["20240104000000_d"],
    edited: ["20240103000000_c"],
    missing: ["20240105000000_gone"],
  },
  {
    tool: "sqlx",
    layout: "sqlx",
    files: { "1_a.sql": A, "2_b.sql": B, "3_c.sql": "create table c ();" },
    sql: `${SQLX} insert into _sqlx_migrations values (1, 'a', now(), true, '\\x${sha("sha384", A)}', 1),
      (2, 'b', now(), true, '\\x${sha("sha384", A)}', 1);`,
    applied: ["1_a", "2_b"],
    pending: ["3_c"],
    edited: ["2_b"],
  },
  {
    tool: "goose",
    layout: "goose",
    files: {
      "00001_a.sql": `-- +goose Up\n${A}`,
      "00002_b.sql": "-- +goose Up\ncreate table b ();",
      "00003_c.sql": "-- +goose Up\ncreate table c ();",
    },
    sql: `${GOOSE} insert into goose_db_version (version_id, is_applied) values (1, true), (2, true), (2, false), (3, true);
      create table c ();`,
    applied: ["00001_a", "00003_c"],
    pending: ["00002_b"],
  },
  {
    tool: "diesel",
    layout: "diesel",
    files: { "2024-01-02-030405_a/up.sql": A, "2024-01-03-030405_b/up.sql": "create table b ();" },
    sql: `create table __diesel_schema_migrations (version varchar(50) primary key not null, run_on timestamp not null default now());
      insert into __diesel_schema_migrations (version) values ('20240102030405');`,
    applied: ["2024-01-02-030405_a"],
    pending: ["2024-01-03-030405_b"],
  },
  {
    tool: "flyway",
    layout: "flyway",
    files: {
      "V1__a.sql": A,
      "V2__b.sql": B,
      "V3__c.sql": "create table c ();",
      "R__view.sql": "create or replace view v as select 1 as one;",
      "R__same.sql": A,
    },
    sql: `${FLYWAY} insert into flyway_schema_history (installed_rank, version, description, type, script, checksum) values
      (1, '1', 'a', 'SQL', 'V1__a.sql', 169406234), (2, '2', 'b', 'SQL', 'V2__b.sql', 1),
      (3, null, 'view', 'SQL', 'R__view.sql', 7), (4, null, 'same', 'SQL', 'R__same.sql', 169406234);`,
    applied: ["V1__a", "V2__b", "R__same", "R__view"],
    pending: ["V3__c"],
    edited: ["V2__b", "R__view"],
    again: ["R__view"],
  },
  {
    tool: "liquibase",
    layout: "liquibase",
    files: {
      "a.sql": `--liquibase formatted sql\n--changeset ann:1\n${A}--changeset ann:2\n${B}\n--changeset ann:3\ncreate table c ();\n`,
    },
    sql: `${LIQUIBASE} insert into databasechangelog (id, author, filename, orderexecuted, exectype, md5sum) values
      ('1', 'Ann', 'a.sql', 1, 'EXECUTED', '9:ffdfec4b8f8dc5a69b32af0738e7624d'),
      ('2', 'ann', 'a.sql', 2, 'EXECUTED', '9:ffffffffffffffffffffffffffffffff');`,
    applied: ["a.sql::1::ann", "a.sql::2::ann"],
    pending: ["a.sql::3::ann"],
    edited: ["a.sql::2::ann"],
  },
  {
    tool: "dbmate",
    layout: "dbmate",
    files: {
      "0012_a.sql": `-- migrate:up\n${A}-- migrate:down\ndrop table t;\n`,
      "0013_b.sql": "-- migrate:up\ncreate table b ();\n-- migrate:down\n",
    },
    sql: "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0012');",
    applied: ["0012_a"],
    pending: ["0013_b"],
  },
];

test.for(CASES)("$tool ($layout): applied, pending, edited and missing", async (one, { db }) => {
  await holds(db, one);
});

async function holds(db: TestDatabase, one: Case): Promise<void> {
  await db.sql(`create table t (id int); ${one.sql}`);
  const target = await targetIn(one.layout, { url: db.url, folder: folderOf(one.files) });
  // It must never be replayed.
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  const report = await adopt(target, ADOPT, recorder());
  expect(report.tool).toBe(one.tool);
  expect(report.applied.map(({ revision }) => revision)).toEqual(one.applied);
  expect(report.pending).toEqual(one.pending);
  expect(report.edited).toEqual(one.edited ?? []);
  expect(report.missing).toEqual(one.missing ?? []);
  expect(await appliedIn(db)).toEqual(one.applied);
  const { steps } = await up(target, recorder(), { outOfOrder: true });
  expect(steps.map(({ revision }) => revision)).toEqual([...one.pending, ...(one.again ?? [])]);
}

describe("a history that has failed half-way blocks, and says the ways out", () => {
  const failures: readonly [string, string, Files, string, RegExp][] = [
    [
      "golang-migrate",
      "golang-migrate",
      { "1_a.up.sql": A },
      `${GOLANG} insert into schema_migrations values (1, true)`,
      /migrate force 1/,
    ],
    [
      "prisma",
      "prisma",
      { "20240101000000_a/migration.sql": A },
      `${PRISMA} insert into _prisma_migrations (id, checksum, migration_name) values ('1', 'x', '20240101000000_a')`,
      /prisma migrate resolve --applied 20240101000000_a.*--rolled-back/,
    ],
    [
      "sqlx",
      "sqlx",
      { "1_a.sql": A },
      `${SQLX} insert into _sqlx_migrations values (1, 'a', now(), false, '\\x00', -1)`,
      /delete from "public"."_sqlx_migrations" where version = 1/,
    ],
    [
      "flyway",
      "plain",
      {},
      `${FLYWAY} insert into flyway_schema_history (installed_rank, version, description, type, script, success) values (1, '1', 'a', 'SQL', 'V1__a.sql', false)`,
      /flyway repair/,
    ],
  ];
  test.for(failures)("%s", async ([, layout, files, sql, says], { db }) => {
    await db.sql(sql);
    const folder = folderOf(files);
    const target =
      layout === "plain"
        ? targetOf({ url: db.url, folder })
        : await targetIn(layout, { url: db.url, folder });
    const { codes, error } = await refusalOf(adopt(target, ADOPT, recorder()));
    expect(codes).toEqual(["ADOPT_FAILED_HISTORY"]);
    expect(error.hint).toMatch(says);
    expect(await db.sql(`select to_regnamespace('${ledgerSchema}') as schema`)).toEqual([{ schema: null }]);
  });
});

describe("where files are programs, the rows become revisions, and a new folder carries on", () => {
  const histories: readonly [string, string, readonly string[]][] = [
    [
      "rails",
      `create table schema_migrations (version character varying not null primary key);
       create table ar_internal_metadata (key varchar primary key, value varchar, created_at timestamp(6) not null, updated_at timestamp(6) not null);
       insert into schema_migrations values ('20240102000000'), ('20240101000000')`,
      ["20240101000000", "20240102000000"],
    ],
    [
      "ecto",
      `create table schema_migrations (version bigint primary key, inserted_at timestamp(0));
       insert into schema_migrations values (20240101000000, now()), (20240102000000, now())`,
      ["20240101000000", "20240102000000"],
    ],
    [
      "django",
      `create table django_migrations (id bigint generated by default as identity primary key, app varchar(255) not null,
         name varchar(255) not null, applied timestamptz not null);
       insert into django_migrations (app, name, applied) values ('shop', '0001_initial', now()), ('auth', '0001_initial', now()), ('shop', '0001_initial', now())`,
      ["shop.0001_initial", "auth.0001_initial"],
    ],
  ];
  test.for(histories)("%s", async ([tool, sql, rows], { db }) => {
    await db.sql(sql);
    const folder = folderOf({ "0001_first.sql": A, "0002_second.sql": B });
    const target = targetOf({ url: db.url, folder });
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ tool, pending: ["0001_first", "0002_second"], missing: [] });
    expect(report.applied.map(({ revision, file }) => [revision, file])).toEqual(
      rows.map((row) => [row, false]),
    );
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0001_first", "0002_second"]);
    expect(await appliedIn(db)).toEqual([...rows, "0001_first", "0002_second"]);
    const again = await adopt(target, ADOPT, recorder());
    expect(again.applied.every(({ already }) => already)).toBe(true);
  });

  test("before there is a folder at all", async ({ db }) => {
    await db.sql(histories[1]?.[1] ?? "");
    const target = targetOf({ url: db.url, folder: `${folderOf({})}/nowhere` });
    expect((await adopt(target, ADOPT, recorder())).applied).toHaveLength(2);
  });

  test("files of ours that stand for its rows, by number, are applied", async ({ db }) => {
    await db.sql(histories[1]?.[1] ?? "");
    await db.sql("create table t (id int)");
    const folder = folderOf({ "20240101000000_a.sql": A, "20240103000000_c.sql": B });
    const target = targetOf({ url: db.url, folder });
    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["20240102000000", "20240101000000_a"]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["20240103000000_c"]);
  });
});

test("Flyway's rows: repaired, undone, of programs, below a baseline", async ({ db }) => {
  await db.sql(`${FLYWAY} insert into flyway_schema_history (installed_rank, version, description, type, script, checksum) values
    (0, null, '<< Flyway Schema Creation >>', 'SCHEMA', '"public"', null),
    (1, '2', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null),
    (2, '3', 'c', 'SQL', 'V3__c.sql', 169406234), (3, '4', 'd', 'SQL', 'sub/V4__d.sql', 1),
    (4, '5', 'e', 'JDBC', 'db.migration.V5__e', null), (5, '4', 'd', 'DELETE', 'sub/V4__d.sql', 1),
    (6, null, 'view', 'SQL', 'R__view.sql', 7), (7, null, 'view', 'SQL', 'R__view.sql', 8)`);
  const flyway = toolNamed("flyway");
  const rows = (await db.sql(
    "select version, description, type, script, checksum::text, installed_on::text, success::text from flyway_schema_history order by installed_rank",
  )) as Record<string, string | null>[];
  const history = flyway?.read(rows, {
    schema: "public",
    name: "flyway_schema_history",
    columns: {},
    readable: true,
  });
  expect(history?.rows.map(({ name, withoutFile, checksum }) => [name, withoutFile, checksum])).toEqual([
    ["<< Flyway Baseline >>", true, null],
    ["V3__c", false, "169406234"],
    ["db.migration.V5__e", true, null],
    ["R__view", false, "8"],
  ]);
  const file = (id: string, version: string, checksums: string[], kind: "sql" | "repeatable" = "sql") => ({
    ...{ id, kind, number: null, file: `${id}.sql`, revises: null, depends: [], phase: "startup" as const },
    ...{ checksum: "", fingerprint: null, revertible: false, settings: {} },
    tool: { version, checksums, columns: { type: id.startsWith("B") ? "SQL_BASELINE" : "SQL" } },
  });
  const match =
    history &&
    flyway?.match?.(history, [
      file("V1__a", "1", ["1"]),
      file("V2.0__b", "2.0", ["2"]),
      file("B2__b", "2", ["2"]),
      file("V3__c", "03", ["169406234"]),
      file("V4__d", "4", ["1"]),
      file("V6__f", "6", ["1"]),
      file("R__view", "view", ["7"], "repeatable"),
    ]);
  expect(match?.applied.map(({ id, row, edited }) => [id, row !== null, edited])).toEqual([
    ["V1__a", false, false],
    ["V2.0__b", true, false],
    ["B2__b", false, false],
    ["V3__c", true, false],
    ["R__view", true, true],
  ]);
  expect(match?.missing).toEqual([]);
});

test("Liquibase: path, id and author in any capitals; a checksum of another generation says nothing", async ({
  db,
}) => {
  await db.sql(`${LIQUIBASE} insert into databasechangelog (id, author, filename, orderexecuted, exectype, md5sum) values
    ('1', 'Ann', 'classpath:db/A.sql', 1, 'EXECUTED', '8:ffffffffffffffffffffffffffffffff'),
    ('2', 'ann', 'db/a.sql', 2, 'RERAN', '9:ffdfec4b8f8dc5a69b32af0738e7624d'), ('3', 'ann', 'db/a.sql', 3, 'MARK_RAN', null)`);
  const folder = folderOf({ "0001_first.sql": A });
  const report = await adopt(targetOf({ url: db.url, folder }), ADOPT, recorder());
  expect(report.applied.map(({ revision }) => revision)).toEqual([
    "classpath:db/A.sql::1::Ann",
    "db/a.sql::2::ann",
    "db/a.sql::3::ann",
  ]);

  await db.sql("update databasechangeloglock set locked = true, lockedby = 'ci-7 (10.0.0.7)'");
  const { codes, error } = await refusalOf(adopt(targetOf({ url: db.url, folder }), ADOPT, recorder()));
  expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
  expect(`${error.message} ${error.hint}`).toMatch(/ci-7 .*release-locks/s);
});

describe("what is nobody's, or not to be touched", () => {
  test("tables of the Supabase platform's own services are never a history", async ({ db }) => {
    await db.admin(`create schema auth; create table auth.schema_migrations (version varchar primary key);
      insert into auth.schema_migrations values ('1'); create schema storage;
      create table storage.migrations (id integer primary key, name varchar(100), hash varchar(40), executed_at timestamp);
      create schema realtime; create table realtime.schema_migrations (version bigint primary key, inserted_at timestamp(0));
      insert into realtime.schema_migrations values (1, now());
      grant usage on schema auth, realtime, storage to public; grant select on all tables in schema auth, realtime, storage to public`);
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": A }) });
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
  });

  test("a table called migrations that is not TypeORM's", async ({ db }) => {
    await db.sql(`create table migrations (id serial primary key, timestamp bigint not null, name varchar not null);
      insert into migrations (timestamp, name) values (1, 'birds to the south')`);
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": A }) });
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
  });

  test("Prisma 8 is refused by name", async ({ db }) => {
    await db.sql("create schema prisma_contract; create table prisma_contract.marker (space text)");
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": A }) });
    const { error } = await refusalOf(adopt(target, ADOPT, recorder()));
    expect(error.message).toContain("Prisma 8");
  });

  test("a stack that came from one tool and went to another is asked about", async ({ db }) => {
    await db.sql(`${GOLANG} insert into schema_migrations values (7, false);
      create table knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz);
      insert into knex_migrations (name, batch, migration_time) values ('1_a.js', 1, now()), ('2_b.js', 1, now())`);
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": A }) });
    const { codes, error } = await refusalOf(adopt(target, ADOPT, recorder()));
    expect(codes).toEqual(["ADOPT_AMBIGUOUS"]);
    expect(error.message).toMatch(/public.knex_migrations of knex \(2 rows.*golang-migrate \(1 row/);
    const report = await adopt(target, { ...ADOPT, tool: "knex" }, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["1_a.js", "2_b.js"]);
  });

  test("of two tables the adopted one counts from then on, and another that appears is none of our business", async ({
    db,
  }) => {
    const rows = "insert into other._prisma_migrations (id, checksum, finished_at, migration_name)";
    const only = PRISMA.replace("_prisma_migrations", "other._prisma_migrations");
    await db.sql(`create schema other; ${PRISMA} ${only} ${rows} values ('1', 'x', now(), '1_a');
      insert into _prisma_migrations select * from other._prisma_migrations`);
    const folder = folderOf({ "1_a/migration.sql": A, "2_b/migration.sql": "select 1" });
    const target = await targetIn("prisma", { url: db.url, folder });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_AMBIGUOUS"]);
    await adopt(target, { ...ADOPT, table: "public._prisma_migrations" }, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["2_b"]);
    writeFiles(folder, { "3_c/migration.sql": "select 1" });
    await db.sql(`${rows} values ('3', 'x', now(), '3_c')`);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["3_c"]);
  });

  test("what was taken out of our ledger is still in its history, and runs again", async ({ db }) => {
    const table = "create table schema_migrations (version varchar primary key);";
    await db.sql(`create table a (id int); ${table} insert into schema_migrations values ('1')`);
    const folder = folderOf({
      "1_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
    });
    const target = await targetIn("dbmate", { url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await db.sql("drop table a");
    await repair(target, { kind: "forget", revision: "1_a" }, { confirm: db.name }, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["1_a"]);
  });

  test("rows that are there twice count once, and those without a name do not", async ({ db }) => {
    await db.sql(`create table knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz);
      insert into knex_migrations (name, batch) values ('1_a.js', 1), ('1_a.js', 1), (null, 1), ('', 2)`);
    const target = targetOf({ url: db.url, folder: folderOf({ "0002_b.sql": "select 1" }) });
    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["1_a.js"]);
    await db.sql(
      `${PRISMA} insert into _prisma_migrations (id, checksum, finished_at, migration_name)
       values ('1', '${createHash("sha256").update(A).digest("hex")}', now(), '1_a')`,
    );
    await db.sql(
      "insert into _prisma_migrations select '2', checksum, now(), migration_name from _prisma_migrations",
    );
    const folder = folderOf({ "1_a/migration.sql": A });
    const prisma = await targetIn("prisma", { url: db.url, folder });
    expect(await adopt(prisma, { ...ADOPT, dryRun: true, tool: "prisma" }, recorder())).toMatchObject({
      applied: [{ revision: "1_a" }],
      missing: [],
    });
  });

  test("a history whose folder is read as another tool's", async ({ db }) => {
    await db.sql(`${GOLANG} insert into schema_migrations values (7, false)`);
    const folder = folderOf({ "1_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\n" });
    const { codes, error } = await refusalOf(
      adopt(await targetIn("dbmate", { url: db.url, folder }), ADOPT, recorder()),
    );
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.hint).toContain("--layout golang-migrate");
  });

  test("while the tool is at work, nothing is adopted", async ({ db }) => {
    await db.sql(
      `${PRISMA} insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', 'x', now(), '1_a')`,
    );
    const folder = folderOf({ "1_a/migration.sql": A });
    const target = await targetIn("prisma", { url: db.url, folder });
    const prisma = await db.connect();
    await prisma.query("select pg_advisory_lock(72707369)");
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    await prisma.query("select pg_advisory_unlock(72707369)");
    await prisma.query("begin; lock table _prisma_migrations in row exclusive mode");
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    await prisma.query("rollback");
    await adopt(target, ADOPT, recorder());
  });

  test("our run waits for the tool, and keeps it out while it is at work", async ({ db }) => {
    const folder = folderOf({ "1_a/migration.sql": "select pg_advisory_lock(72707369) is null" });
    const target = await targetIn("prisma", { url: db.url, folder });
    const prisma = await db.connect();
    await prisma.query("select pg_advisory_lock(72707369)");
    const context = recorder();
    const running = up(target, context);
    await context.once("lock-waiting");
    expect(context.events.some(({ kind }) => kind === "planned")).toBe(false);
    const held = new Promise((resolve) =>
      context.once("step-started").then(async () => resolve((await prisma.query(HELD)).rows)),
    );
    await prisma.query("select pg_advisory_unlock(72707369)");
    await running;
    expect(await held).toEqual([{ n: 1 }]);
  });
});

const HELD = "select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 72707369";

test("the keys of their locks are theirs", () => {
  expect(keyOfFlyway("public", "flyway_schema_history")).toBe(77_433_833_903_597n);
  expect(keyOfGolangMigrate("public", "schema_migrations", "/app")).toBe(1_726_534_663n);
  expect(keyOfGolangMigrate("public", "schema_migrations", "app")).toBe(1_787_120_056n);
  expect(keyOfDatabase(0x3d32ad9en, "app")).toBe(3_469_795_979_745_788_610n);
  expect(keyOfDatabase(2_053_462_845n, "app")).toBe(6_939_591_962_871_035_475n);
});

describe("kept in step where that is configured", () => {
  const kept: readonly [string, Files, string, readonly string[], boolean][] = [
    [
      "golang-migrate",
      {
        "1_a.up.sql": "select 1;",
        "1_a.down.sql": "select 1;",
        "3_b.up.sql": "select 1;",
        "3_b.down.sql": "select 1;",
      },
      "select version || ' ' || dirty as row from schema_migrations",
      ["3 false"],
      true,
    ],
    [
      "dbmate",
      {
        "01_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;\n",
        "02_b.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;\n",
      },
      "select version as row from schema_migrations order by 1",
      ["01", "02"],
      true,
    ],
    [
      "goose",
      {
        "1_a.sql": "-- +goose Up\nselect 1;\n-- +goose Down\nselect 1;\n",
        "2_b.sql": "-- +goose Up\nselect 1;\n-- +goose Down\nselect 1;\n",
      },
      "select version_id || ' ' || is_applied as row from goose_db_version order by id",
      ["0 true", "1 true", "2 true"],
      true,
    ],
    [
      "sqlx",
      { "1_first_one.sql": A, "2_b.sql": B },
      "select concat_ws(' ', version, description, success, encode(checksum, 'hex')) as row from _sqlx_migrations order by version",
      [`1 first one t ${sha("sha384", A)}`, `2 b t ${sha("sha384", B)}`],
      false,
    ],
    [
      "diesel",
      { "2024-01-02-030405_a/up.sql": "select 1;", "2024-01-02-030405_a/down.sql": "select 1;" },
      "select version as row from __diesel_schema_migrations",
      ["20240102030405"],
      true,
    ],
    [
      "prisma",
      { "20240101000000_a/migration.sql": A },
      "select concat_ws(' ', migration_name, checksum, finished_at is not null, rolled_back_at, applied_steps_count) as row from _prisma_migrations",
      [`20240101000000_a ${sha("sha256", A)} t 1`],
      false,
    ],
  ];
  test.for(kept)("%s", async ([tool, files, query, rows, back], { db }) => {
    const target = await targetIn(tool, { url: db.url, folder: folderOf(files), settings: { mirror: tool } });
    await up(target);
    expect(await db.sql(query)).toEqual(rows.map((row) => ({ row })));
    expect((await up(target)).steps).toEqual([]);
    if (back) await backAndForth();
    const { migrations } = await target.source.list();
    // The ledger is gone: what the tool says is enough.
    await db.sql(`drop schema "${ledgerSchema}" cascade`);
    expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(migrations.map(({ id }) => id));

    async function backAndForth() {
      const { migrate } = await import("../../src/run/migrate.ts");
      const { down } = await import("../support/target.ts");
      await migrate(target, down("-1"), recorder());
      expect(await db.sql(query)).toHaveLength(Math.max(rows.length - 1, tool === "golang-migrate" ? 1 : 0));
      if (tool === "golang-migrate") expect(await db.sql(query)).toEqual([{ row: "1 false" }]);
      await migrate(target, down("base"), recorder());
      expect(await db.sql(query)).toHaveLength(tool === "goose" ? 1 : 0);
      await up(target);
      expect(await db.sql(query)).toHaveLength(rows.length);
    }
  });

  test.for([
    [
      "prisma",
      { "20240101000000_a/migration.sql": A },
      `${PRISMA} insert into _prisma_migrations (id, checksum, migration_name, rolled_back_at) values ('1', 'x', '20240101000000_a', now())`,
    ],
    [
      "goose",
      { "1_a.sql": "-- +goose Up\nselect 1;\n" },
      `create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp default now());
insert into goose_db_version (version_id, is_applied) values (0, true), (1, true), (1, false)`,
    ],
  ] as const)("%s: what it has taken back is not in its history", async ([tool, files, sql], { db }) => {
    await db.sql(sql);
    const target = await targetIn(tool, { url: db.url, folder: folderOf(files), settings: { mirror: tool } });
    expect((await up(target)).steps).toHaveLength(1);
    await db.sql(`drop schema "${ledgerSchema}" cascade`);
    expect((await up(target)).steps).toEqual([]);
  });
});
