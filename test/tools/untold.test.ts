/** A tool that is not told of what we apply would run it again: it is said once, with ways out that work. */
import { spawnSync } from "node:child_process";
import { adopt } from "../../src/run/adopt.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const file = (name: string) => `-- Up Migration\ncreate table ${name} (id int);\n`;
const FILES = { "1_a.sql": file("a"), "2_b.sql": file("b") };

async function judge(url: string, folder: string): Promise<readonly string[]> {
  const { runner } = await import("node-pg-migrate");
  const ran = await runner({
    databaseUrl: url,
    dir: folder,
    direction: "up",
    migrationsTable: "pgmigrations",
    log: () => {},
  });
  return ran.map(({ name }) => name);
}

test("said at the first run alone; what the hint says makes the tool agree", async ({ db }) => {
  const folder = folderOf(FILES);
  const target = await targetIn("node-pg-migrate", { url: db.url, folder });
  const [warning, ...others] = (await up(target)).warnings;
  expect(others).toEqual([]);
  expect(warning).toMatchObject({
    code: "ADOPT_UNTOLD",
    message: expect.stringContaining("node-pg-migrate is not told of 1_a and 1 more"),
    hint: expect.stringContaining("--mirror node-pg-migrate"),
  });
  writeFiles(folder, { "3_c.sql": file("c") });
  expect((await up(target)).warnings).toEqual([]);
  // It is as the warning says.
  await expect(judge(db.url, folder)).rejects.toThrow(/already exists/);
  const kept = await targetIn("node-pg-migrate", {
    url: db.url,
    folder,
    settings: { mirror: "node-pg-migrate" },
  });
  expect((await up(kept)).warnings).toEqual([]);
  expect(await judge(db.url, folder)).toEqual([]);
});

test.for(["none", "node-pg-migrate"])("not with --mirror %s", async (keep, { db }) => {
  const target = await targetIn("node-pg-migrate", {
    url: db.url,
    folder: folderOf(FILES),
    settings: { mirror: keep },
  });
  expect((await up(target)).warnings).toEqual([]);
});

test("a tool whose history is not kept in step is named with its own way to mark what is there", async ({
  db,
}) => {
  const folder = folderOf({ "V1__a.sql": "create table a (id int);" });
  const target = await targetIn("flyway", { url: db.url, folder });
  expect((await up(target)).warnings).toMatchObject([
    { code: "ADOPT_UNTOLD", hint: expect.stringContaining("flyway migrate -skipExecutingMigrations=true") },
  ]);
});

test("after adopting it is said at the first step of our own", async ({ db }) => {
  const folder = folderOf({ "1_a.sql": file("a") });
  await judge(db.url, folder);
  const target = await targetIn("node-pg-migrate", { url: db.url, folder });
  await adopt(target, { assume: false, dryRun: false }, recorder());
  expect((await up(target)).warnings).toEqual([]);
  writeFiles(folder, FILES);
  expect((await up(target)).warnings).toMatchObject([{ code: "ADOPT_UNTOLD" }]);
});

test("said at the first step that is not told, if those before were mirrored", async ({ db }) => {
  const folder = folderOf({ "1_a.sql": file("a") });
  const settings = { mirror: "node-pg-migrate" };
  await up(await targetIn("node-pg-migrate", { url: db.url, folder, settings }));
  writeFiles(folder, FILES);
  const target = await targetIn("node-pg-migrate", { url: db.url, folder });
  expect((await up(target)).warnings).toMatchObject([{ code: "ADOPT_UNTOLD" }]);
  writeFiles(folder, { "3_c.sql": file("c") });
  expect((await up(target)).warnings).toEqual([]);
});

test.skipIf(withoutPsql)(
  "said at the first step of a run, if those before came by a script",
  async ({ db }) => {
    const folder = folderOf({ ".git/HEAD": "", "migrations/1_a.sql": file("a") });
    const godwit = commandIn({ folder, url: db.url });
    const layout = ["--layout", "node-pg-migrate"];
    expect(psql(db.url, (await godwit("up", "--sql", ...layout)).stdout)).toBeNull();
    writeFiles(folder, { "migrations/2_b.sql": file("b") });
    expect((await godwit("up", ...layout)).stderr).toContain("is not told of 2_b");
  },
);

test("said of Alembic, if our files are its revisions", async ({ db }) => {
  await db.sql(`create table alembic_version (version_num varchar(32) primary key);
    insert into alembic_version values ('aaa1'); create table aaa1 ()`);
  const folder = folderOf({ "aaa1.sql": "-- godwit: revises=none\ncreate table aaa1 ();" });
  const target = targetOf({ url: db.url, folder });
  await adopt(target, { assume: false, dryRun: false }, recorder());
  writeFiles(folder, { "bbb2.sql": "-- godwit: revises=aaa1\ncreate table bbb2 ();" });
  expect((await up(target)).warnings).toMatchObject([
    { code: "ADOPT_UNTOLD", hint: expect.stringContaining("--mirror alembic") },
  ]);
});
