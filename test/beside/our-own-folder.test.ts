/** A folder of our own layout, beside a history that another tool has: what that did stays in sight. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { preview } from "../../src/run/status.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { waiters } from "../support/sessions.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";
import { until } from "../support/until.ts";

const DBMATE = "create table schema_migrations (version varchar primary key);";
const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const plainIn = (db: TestDatabase, folder: string, settings = {}) =>
  targetOf({ url: db.url, folder, settings });
const steps = async (...call: Parameters<typeof up>) =>
  (await up(...call)).steps.map(({ revision }) => revision);

describe("a tool that was adopted into a folder of our own is held against it for ever", () => {
  const flat = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`${name}.sql`, `create table t${name.slice(-1)} ();`]));
  const folders = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`${name}/up.sql`, `create table t${name.slice(-1)} ();`]));
  const pairs = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`${name}.up.sql`, `create table t${name.slice(-1)} ();`]));
  const row = (version: string) => `insert into schema_migrations values ('${version}');`;
  const SQLX = `create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz not null default now(),
    success boolean not null, checksum bytea not null, execution_time bigint not null);`;
  const NODE =
    "create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);";
  const BACK = "delete from schema_migrations where version = '0003'";
  type Case = readonly [
    tool: string,
    layout: string,
    files: (names: readonly string[]) => Files,
    table: string,
    done: (name: string) => string,
    undone: string,
  ];
  const CASES: readonly Case[] = [
    ["dbmate", "plain", flat, DBMATE, (name) => row(name.slice(0, 4)), BACK],
    ["dbmate", "updir", folders, DBMATE, (name) => row(name.slice(0, 4)), BACK],
    [
      "sqlx",
      "plain",
      flat,
      SQLX,
      (name) =>
        `insert into _sqlx_migrations values (${Number(name.slice(0, 4))}, '${name.slice(5)}', now(), true, '\\x00', 1);`,
      "delete from _sqlx_migrations where version = 3",
    ],
    [
      "node-pg-migrate",
      "plain",
      flat,
      NODE,
      (name) => `insert into pgmigrations (name, run_on) values ('${name}', now());`,
      "delete from pgmigrations where name = '0003_c'",
    ],
    [
      "golang-migrate",
      "updown",
      pairs,
      "create table schema_migrations (version bigint primary key, dirty boolean not null);",
      (name) =>
        `delete from schema_migrations; insert into schema_migrations values (${Number(name.slice(0, 4))}, false);`,
      "update schema_migrations set version = 2",
    ],
  ];
  test.for(CASES)("%s in %s", async ([, layout, files, table, done, undone], { db }) => {
    const folder = folderOf(files(["0001_a", "0002_b"]));
    const target = () =>
      layout === "plain" ? plainIn(db, folder) : targetIn(layout, { url: db.url, folder });
    await db.sql(`${table} create table ta (); ${done("0001_a")}`);
    await adopt(await target(), ADOPT, recorder());
    expect(await steps(await target())).toEqual(["0002_b"]);
    writeFiles(folder, files(["0003_c"]));
    await db.sql(`create table tc (); ${done("0003_c")}`);
    expect((await refusalOf(up(await target()))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(await target(), ADOPT, recorder());
    expect(await steps(await target())).toEqual([]);
    await db.sql(`drop table tc; ${undone}`);
    expect((await refusalOf(up(await target()))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  });

  test("adopted in its own layout, run without", async ({ db }) => {
    const file = (table: string) => `-- migrate:up\ncreate table ${table} ();\n-- migrate:down\n`;
    const folder = folderOf({ "0001_a.sql": file("ta") });
    await db.sql(`${DBMATE} ${row("0001")} create table ta ()`);
    await adopt(await targetIn("dbmate", { url: db.url, folder }), ADOPT, recorder());
    writeFiles(folder, { "0002_b.sql": "create table if not exists tb ();" });
    await db.sql(`${row("0002")} create table tb ()`);
    expect((await refusalOf(up(plainIn(db, folder)))).codes).toEqual(["ADOPT_NEEDED"]);
    expect(await steps(plainIn(db, folder, { mirror: "none" }))).toEqual(["0002_b"]);
  });

  test("diesel's folders, known by their digits to adopt as to up", async ({ db }) => {
    await db.sql(`create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp not null default now());
      insert into __diesel_schema_migrations (version) values ('0001'), ('20240101000000'); create table ta (); create table tb ()`);
    const folder = folderOf(folders(["0001_a", "2024-01-01-000000_b"]));
    const target = await targetIn("updir", { url: db.url, folder });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const { pending } = await adopt(target, ADOPT, recorder());
    expect(pending).toEqual([]);
    expect(await appliedIn(db)).toEqual(["0001_a", "2024-01-01-000000_b"]);
    expect(await steps(target)).toEqual([]);
    writeFiles(folder, folders(["2024-01-02-000000_c"]));
    await db.sql("insert into __diesel_schema_migrations (version) values ('20240102000000')");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  });
});

describe("a history that nobody has adopted is asked about, by what its rows say", () => {
  const knows = async (db: TestDatabase, folder: string, id: string) => {
    const { codes, error } = await refusalOf(up(plainIn(db, folder)));
    expect(codes).toEqual(["ADOPT_NEEDED"]);
    expect(error.message).toContain(id);
    return error;
  };
  const HISTORIES: readonly [what: string, file: string, sql: string][] = [
    [
      "TypeORM, by its number",
      "1700000000001-AddT1",
      "create table migrations (id serial primary key, timestamp bigint not null, name varchar not null); insert into migrations (timestamp, name) values (1700000000001, 'AddT11700000000001')",
    ],
    [
      "TypeORM under another name",
      "1700000000001-AddT1",
      "create table mighist (id serial primary key, timestamp bigint not null, name varchar not null); insert into mighist (timestamp, name) values (1700000000001, 'AddT11700000000001')",
    ],
    [
      "Kysely under another name",
      "0001_a",
      "create table hist (name varchar(255) primary key, timestamp varchar(255) not null); insert into hist values ('0001_a', '2024')",
    ],
    [
      "Umzug under another name",
      "0001_a",
      "create table hist (name varchar(255) primary key); insert into hist values ('0001_a.js')",
    ],
    [
      "node-pg-migrate under another name",
      "0001_a",
      "create table hist (id serial primary key, name varchar(255) not null, run_on timestamp not null); insert into hist (name, run_on) values ('0001_a', now())",
    ],
    [
      "dbmate under another name",
      "20240101000000_a",
      "create table hist (version varchar primary key); insert into hist values ('20240101000000')",
    ],
    [
      "Django",
      "0001_a",
      "create table django_migrations (id serial primary key, app varchar, name varchar, applied timestamptz); insert into django_migrations (app, name, applied) values ('app', '0001_a', now())",
    ],
  ];
  test.for(HISTORIES)("%s: before our first run and later", async ([what, id, sql], { db }) => {
    await db.sql(sql);
    const folder = folderOf({ [`${id}.sql`]: "select 1/0;" });
    await knows(db, folder, id);
    const later = folderOf({ "00000000_zero.sql": "select 1;" });
    expect(await steps(plainIn(db, later))).toEqual(["00000000_zero"]);
    writeFiles(later, { [`${id}.sql`]: "select 1/0;" });
    const { hint } = await knows(db, later, id);
    if (what === "Django") return;
    const [, tool, , table] = /`godwit adopt(?: --tool (\S+)( --table (\S+)))?`/.exec(hint ?? "") ?? [];
    await adopt(plainIn(db, later), { ...ADOPT, tool, table }, recorder());
    expect(await steps(plainIn(db, later))).toEqual([]);
  });

  test("a short number counts where the tool's own configuration says which table it is", async ({ db }) => {
    await db.sql("create table hist (version varchar primary key); insert into hist values ('0001')");
    const folder = folderOf({ "0001_a.sql": "create table a ();", ".env": "DBMATE_MIGRATIONS_TABLE=hist\n" });
    const { hint } = await knows(db, folder, "0001_a");
    expect(hint).toContain("`godwit adopt --tool dbmate --table public.hist`");
    await adopt(plainIn(db, folder), { ...ADOPT, tool: "dbmate", table: "public.hist" }, recorder());
    expect(await steps(plainIn(db, folder))).toEqual([]);
  });

  test.for([
    ["short, before our first run", "0001_other", "0001_a.js"],
    ["long", "20240101120000_other", "20240101120000_a.js"],
  ])("a number in front of another name in the table of knex: %s", async ([, id = "", name], { db }) => {
    await db.sql(
      `create table knex_migrations (id serial primary key, name varchar, batch int, migration_time timestamptz); insert into knex_migrations (name) values ('${name}')`,
    );
    await knows(db, folderOf({ [`${id}.sql`]: "select 1/0;" }), id);
  });

  test("a number in front of a name is chance among Django's apps, and digits of a hash are none", async ({
    db,
  }) => {
    await db.sql(`create table django_migrations (id serial primary key, app varchar, name varchar, applied timestamptz); insert into django_migrations (app, name, applied) values ('auth', '0001_initial', now());
      create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint); insert into drizzle.__drizzle_migrations (hash) values ('1a2b')`);
    const folder = folderOf({ "0001_other.sql": "create table if not exists a ();" });
    const target = plainIn(db, folder);
    expect((await preview(target, UP, recorder())).steps).toHaveLength(1);
    const script = await renderScript(target, { ...UP, from: "base" }, recorder());
    if (!withoutPsql) expect(psql(db.url, script)).toBe(null);
  });

  test("a short number is chance after our first run, and a table of names is one of names", async ({
    db,
  }) => {
    const folder = folderOf({ "0001_a.sql": "create table a ();" });
    expect(await steps(plainIn(db, folder))).toEqual(["0001_a"]);
    await db.sql(`${DBMATE} insert into schema_migrations values ('0002');
      create table people (id serial, name text); insert into people (name) values ('0002_b')`);
    writeFiles(folder, { "0002_b.sql": "create table b ();" });
    expect(await steps(plainIn(db, folder))).toEqual(["0002_b"]);
  });
});

describe.skipIf(withoutPsql)("a script for a folder of our own stops where a tool has a migration", () => {
  const HISTORIES: readonly [what: string, file: string, sql: string][] = [
    ["dbmate's short number", "0001_a", `${DBMATE} insert into schema_migrations values ('0001')`],
    [
      "TypeORM's number",
      "1700000000001-AddT1",
      "create table migrations (id serial primary key, timestamp bigint not null, name varchar not null); insert into migrations (timestamp, name) values (1700000000001, 'AddT11700000000001')",
    ],
    [
      "a name in the table of knex",
      "0001_a",
      "create table knex_migrations (id serial, name varchar, batch int, migration_time timestamptz); insert into knex_migrations (name) values ('0001_a.js')",
    ],
    [
      "a number in front of a name in the table of knex",
      "0001_other",
      "create table knex_migrations (id serial, name varchar, batch int, migration_time timestamptz); insert into knex_migrations (name) values ('0001_a.js')",
    ],
    [
      "a time in front of another name in the table of Kysely",
      "20240101120000_other",
      "create table kysely_migration (name varchar primary key, timestamp varchar); insert into kysely_migration values ('20240101120000_a', '')",
    ],
    [
      "a configured name",
      "0001_a",
      "create table hist (version varchar primary key); insert into hist values ('0001')",
    ],
  ];
  test.for(HISTORIES)("%s", async ([, id, sql], { db }) => {
    const folder = folderOf({
      [`${id}.sql`]: "create table ta ();",
      ".env": "DBMATE_MIGRATIONS_TABLE=hist\n",
    });
    const script = (mirror?: string) =>
      renderScript(plainIn(db, folder, { mirror }), { ...UP, from: "base" }, recorder());
    await db.sql(sql);
    expect(psql(db.url, await script())).toContain(`${id} is in the history of another tool`);
    expect(await db.sql("select to_regclass('ta') as there")).toEqual([{ there: null }]);
    expect(psql(db.url, await script("none"))).toBe(null);
  });

  test("and beside a table that is somebody else's it goes through", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": "create table ta ();" });
    await db.sql("create table migrations (id int, name text); insert into migrations values (1, 'other')");
    const script = await renderScript(plainIn(db, folder), { ...UP, from: "base" }, recorder());
    expect(psql(db.url, script)).toBe(null);
  });

  test("in its own layout the tool's configured table is asked", async ({ db }) => {
    await db.sql("create table hist (version varchar primary key); insert into hist values ('0001')");
    const file = "-- migrate:up\ncreate table ta ();\n-- migrate:down\n";
    const folder = folderOf({ "0001_a.sql": file, ".env": "DBMATE_MIGRATIONS_TABLE=hist\n" });
    const target = await targetIn("dbmate", { url: db.url, folder });
    const script = await renderScript(target, { ...UP, from: "base" }, recorder());
    expect(psql(db.url, script)).toContain("0001_a is in the history of dbmate (public.hist)");
  });
});

describe("at the same moment, in a database where nothing is yet", () => {
  const FILES = {
    "0001_a.sql": "lock table gate;\ncreate table if not exists ta ();",
    "0002_b.sql": "create table if not exists tb ();",
  };
  /** While the first step waits, somebody does this; then it goes on. */
  async function meanwhile(db: TestDatabase, files: Files, sql: string) {
    await db.sql("create table gate ()");
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = up(plainIn(db, folderOf(files))).then(
      ({ steps }) => steps.length,
      (error) => error,
    );
    await until(async () => (await waiters(db)) > 0);
    await db.sql(sql);
    await gate.query("commit");
    return running;
  }

  test.for([
    ["kysely_migration", "create table kysely_migration (name varchar primary key, timestamp varchar)"],
    ["SequelizeMeta", 'create table "SequelizeMeta" (name varchar primary key)'],
    ["schema_migrations", DBMATE],
    ["DATABASECHANGELOG", 'create table "DATABASECHANGELOG" (id varchar)'],
    ["flyway_schema_history", "create table flyway_schema_history (installed_rank int)"],
  ] as const)("the table %s appears: the step is not done", async ([name, sql], { db }) => {
    const error = await meanwhile(db, FILES, sql);
    expect(error).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(error.message).toContain(`a history of another tool (public.${name}) has appeared`);
    expect(await db.sql("select to_regclass('ta') as there")).toEqual([{ there: null }]);
  });

  test("the table appears while steps are in flight behind others: those before it are kept", async ({
    db,
  }) => {
    const files = {
      "0000_first.sql": "create table first ();",
      ...FILES,
      "0003_c.sql": "create table tc ();",
    };
    const error = await meanwhile(db, files, "create schema other; create table other.pgmigrations (id int)");
    expect(error).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(error.message).toContain("(other.pgmigrations) has appeared");
    expect(await appliedIn(db)).toEqual(["0000_first"]);
  });

  test("a table of such a name that was there before stops nothing", async ({ db }) => {
    await db.sql("create table changes (id int); create view marker as select 1");
    const made = "create schema other; create index migrations on changes (id)";
    expect(await meanwhile(db, FILES, made)).toBe(2);
  });

  test("what our own files make is no tool's", async ({ db }) => {
    const files = {
      ...FILES,
      "0002_b.sql": "create table migrations (id int);",
      "0003_c.sql": "create table tc ();",
    };
    expect(await meanwhile(db, files, "select 1")).toBe(3);
  });
});

test("a view in the place of the tool's table is named", async ({ db }) => {
  await db.sql("create table hist (version varchar); create view schema_migrations as select * from hist");
  const folder = folderOf({ "0001_a.sql": "-- migrate:up\ncreate table ta ();\n-- migrate:down\n" });
  for (const settings of [{}, { mirror: "dbmate" }]) {
    const { codes, error } = await refusalOf(up(await targetIn("dbmate", { url: db.url, folder, settings })));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toContain("public.schema_migrations is a view");
  }
  const kept = { mirror: "dbmate:public.hist" };
  expect(await steps(await targetIn("dbmate", { url: db.url, folder, settings: kept }))).toEqual(["0001_a"]);
});
