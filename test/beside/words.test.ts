/** What a hint names can be found, and done. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { adopt } from "../../src/run/adopt.ts";
import { refuseUnmirroredDown } from "../../src/run/mirror/reruns.ts";
import { repair } from "../../src/run/repair.ts";
import { sqitch } from "../../src/tools/sqitch.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

test("where every file is called migration.sql, the search for a lost one has its folder's name", async ({
  db,
}) => {
  const folder = folderOf({
    "migration_lock.toml": 'provider = "postgresql"\n',
    "20240101000000_a/migration.sql": "create table a ();",
    "20240102000000_b/migration.sql": "create table b ();",
  });
  const target = await targetIn("prisma", { url: db.url, folder });
  await up(target);
  rmSync(join(folder, "20240101000000_a"), { recursive: true });
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["PLAN_VANISHED"]);
  expect(error.hint).toContain("-- '*20240101000000_a/migration.sql'");
});

test("a changeset with another author is not to be renamed to the file that it is in", async ({ db }) => {
  const by = (author: string) => ({
    "changelog.sql": `--liquibase formatted sql\n--changeset ann:1\ncreate table a ();\n--changeset ${author}:2\ncreate table b ();\n`,
  });
  const folder = folderOf(by("ann"));
  const target = await targetIn("liquibase", { url: db.url, folder });
  const { steps } = await up(target);
  const old = steps.at(-1)?.revision ?? "";
  writeFiles(folder, by("bob"));
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toContain("PLAN_VANISHED");
  expect(error.hint).toContain(`Call it ${old} again in changelog.sql`);
  expect(error.hint).not.toContain("Rename it back");
});

test("a tool that cannot be told is no first of two ways", async () => {
  const table = { schema: "sqitch", name: "changes", columns: {}, readable: true };
  const found = { tool: sqitch, table } as unknown as NonNullable<
    Parameters<typeof refuseUnmirroredDown>[1]
  >["found"];
  const target = targetOf({ url: "postgres://me@localhost/a", folder: folderOf({}) });
  const theirs = { found, revisions: new Set(["a"]), isMirrored: false, isSame: false, above: null };
  const refused = async () => refuseUnmirroredDown(target, theirs, { steps: [{ revision: "a" }] });
  expect((await refusalOf(refused())).error.hint).toMatch(/^Say that its history does not matter any more/);
});

test("what never had a file is not to be renamed back to the name of its tool", async ({ db }) => {
  await db.sql(`create table knex_migrations (id serial primary key, name varchar, batch int, migration_time timestamptz);
    insert into knex_migrations (name, batch, migration_time) values ('0001_a.js', 1, now()); create table a ()`);
  const folder = folderOf({ "0002_b.sql": "create table b ();" });
  const target = targetOf({ url: db.url, folder });
  await adopt(target, ADOPT, recorder());
  writeFiles(folder, { "0001_c.sql": "create table a ();" });
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["PLAN_VANISHED"]);
  expect(error.message).toContain("0001_a.js, which knex has applied and which never had a file here");
  expect(error.hint).not.toContain("Rename it back");
  const say = { confirm: db.name };
  await repair(target, { kind: "mark-done", revision: "0001_c", position: null }, say, recorder());
  await repair(target, { kind: "forget", revision: "0001_a.js" }, say, recorder());
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0002_b"]);
});
