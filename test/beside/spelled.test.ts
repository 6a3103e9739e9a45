/** A file that was rewritten in SQL is often spelled in another way than the program whose row it has. */
import { spawnSync } from "node:child_process";
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const KNEX = `create table knex_migrations (id serial primary key, name varchar, batch int, migration_time timestamptz default now());
  insert into knex_migrations (name, batch) values`;
const PRISMA = `create table _prisma_migrations (id varchar primary key, checksum varchar, finished_at timestamptz, migration_name varchar, logs text,
  rolled_back_at timestamptz, started_at timestamptz default now(), applied_steps_count int default 0);
  insert into _prisma_migrations (id, checksum, finished_at, migration_name) values`;
const CASES: readonly [what: string, sql: string, id: string][] = [
  [
    "Sequelize, a separator",
    `create table "SequelizeMeta" (name varchar primary key); insert into "SequelizeMeta" values ('20240101000001-create-users.js')`,
    "20240101000001_create_users",
  ],
  [
    "Umzug under another name, case",
    "create table hist (name varchar primary key); insert into hist values ('20240101000001-CreateUsers.ts')",
    "20240101000001-createusers",
  ],
  ["knex, a word", `${KNEX} ('20240101000001_create_users.js', 1)`, "20240101000001_users"],
  ["knex, a day and a word", `${KNEX} ('20240101_create_users.js', 1)`, "20240101_users"],
  ["knex, a short number and a separator", `${KNEX} ('001_create_users.js', 1)`, "001-create-users"],
  [
    "kysely",
    "create table kysely_migration (name varchar primary key, timestamp varchar); insert into kysely_migration values ('2024-01-01T00-create-users', '2024')",
    "2024-01-01T00_create_users",
  ],
  [
    "node-pg-migrate",
    "create table pgmigrations (id serial primary key, name varchar, run_on timestamp); insert into pgmigrations (name, run_on) values ('1700000000001_create-users', now())",
    "1700000000001-create_users",
  ],
  ["Prisma", `${PRISMA} ('x', 'y', now(), '20240101000001_create_users')`, "20240101000001-create-users"],
];

test.for(CASES)("%s: asked, by a run and by a script", async ([, sql, id], { db }) => {
  await db.sql(sql);
  const target = targetOf({ url: db.url, folder: folderOf({ [`${id}.sql`]: "create table ta ();" }) });
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_NEEDED"]);
  expect(error.message).toContain(id);
  if (!withoutPsql) {
    const script = await renderScript(target, { ...UP, from: "base" }, recorder());
    expect(psql(db.url, script)).toContain(`${id} is in the history of another tool`);
  }
  expect(await db.sql("select to_regclass('ta') as there")).toEqual([{ there: null }]);
});

test("the way on: adopt, and the file is marked as the one that ran", async ({ db }) => {
  await db.sql(`${KNEX} ('20240101000001_create_users.js', 1)`);
  const id = "20240101000001_users";
  const target = targetOf({ url: db.url, folder: folderOf({ [`${id}.sql`]: "select 1/0;" }) });
  const { hint } = (await refusalOf(up(target))).error;
  expect(hint).toContain("`godwit adopt`");
  const asked = (await refusalOf(adopt(target, ADOPT, recorder()))).error;
  expect(asked.hint).toContain(`\`godwit repair --mark-done ${id}\``);
  const done = { kind: "mark-done", revision: id, position: null } as const;
  await repair(target, done, { confirm: db.name }, recorder());
  await adopt(target, ADOPT, recorder());
  expect((await up(target)).steps).toEqual([]);
});

test("a row that is a file's own by name says nothing of another file, and a day is chance later", async ({
  db,
}) => {
  await db.sql(`${KNEX} ('20240101000001_a.js', 1), ('20240102_b.js', 1)`);
  const folder = folderOf({ "0001_first.sql": "select 1;" });
  const target = targetOf({ url: db.url, folder });
  expect((await up(target)).steps).toHaveLength(1);
  writeFiles(folder, { "20240102_c.sql": "select 1;" });
  const script = await renderScript(target, { ...UP, from: "0001_first" }, recorder());
  expect((await up(target)).steps).toHaveLength(1);
  if (!withoutPsql) expect(psql(db.url, script)).not.toContain("another tool");
  writeFiles(folder, { "20240103000001_a.sql": "select 1;", "20240101000001_b.sql": "select 1;" });
  expect((await refusalOf(up(target))).error.message).toContain(
    "has applied 20240101000001_b (there 20240101000001_a.js) to",
  );
  writeFiles(folder, { "20240101000001_a.sql": "select 1;" });
  const { error } = await refusalOf(up(target));
  expect(error.message).toContain("has applied 20240101000001_a to");
});
