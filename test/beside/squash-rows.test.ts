/** One file in the place of others, where the tool looks for a file of each row, or keeps the name of the last one. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const pgFile = (name: string) => `-- Up Migration\ncreate table ${name} (id int);\n`;

test("node-pg-migrate, mirrored: the rows of replaced files are taken out, and its own run goes on", async ({
  db,
}) => {
  const { runner } = await import("node-pg-migrate");
  const old = { "1700000000001_a.sql": pgFile("a"), "1700000000002_b.sql": pgFile("b") };
  const folder = folderOf(old);
  const judge = () =>
    runner({
      ...{ databaseUrl: db.url, dir: folder, direction: "up", migrationsTable: "pgmigrations" },
      log: () => {},
    });
  await judge();
  const target = await targetIn("node-pg-migrate", {
    url: db.url,
    folder,
    settings: { mirror: "node-pg-migrate" },
  });
  await adopt(target, ADOPT, recorder());
  for (const file of Object.keys(old)) rmSync(join(folder, file));
  writeFiles(folder, { "1700000000003_all.sql": `${pgFile("a")}create table b (id int);\n` });
  await baseline(target, "1700000000003_all", recorder(), { confirm: db.name });
  expect(await db.sql("select name from pgmigrations")).toEqual([{ name: "1700000000003_all" }]);
  expect(await judge()).toEqual([]);
  writeFiles(folder, { "1700000000004_c.sql": pgFile("c") });
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["1700000000004_c"]);
  expect(await judge()).toEqual([]);
});

test("Supabase's own squash keeps the last version: the hint's command ends with one of it, and one row", async ({
  db,
}) => {
  const names = ["20240101000001_a", "20240101000002_b", "20240101000003_c"];
  const folder = folderOf(
    Object.fromEntries(names.map((name) => [`${name}.sql`, `create table t${name} ();`])),
  );
  const target = await targetIn("supabase", { url: db.url, folder });
  await up(target);
  for (const name of names.slice(0, 2)) rmSync(join(folder, `${name}.sql`));
  writeFiles(folder, {
    "20240101000003_c.sql": names.map((name) => `create table t${name} ();\n`).join(""),
  });
  const { error } = await refusalOf(up(target));
  expect(error.hint).toContain("`godwit baseline 20240101000003_c --confirm <database>`");
  const report = await baseline(target, "20240101000003_c", recorder(), { confirm: db.name });
  expect([report.declared, report.replaced, report.already]).toEqual([
    ["20240101000003_c"],
    ["20240101000001_a", "20240101000002_b"],
    [],
  ]);
  const { steps, warnings } = await up(target);
  expect([steps, warnings]).toEqual([[], []]);
  expect(await appliedIn(db)).toEqual(["20240101000003_c"]);
  expect(await db.sql("select version from supabase_migrations.schema_migrations")).toEqual([
    { version: "20240101000003" },
  ]);
  // One of them comes back: it is in the squashed file, and does not run.
  writeFiles(folder, { "20240101000002_b.sql": `create table t20240101000002_b ();` });
  expect((await refusalOf(up(target))).codes).toContain("PLAN_REPLACED");
});

test("Sqitch's project has another name in the plan: what it deployed is asked about, and does not run", async ({
  db,
}) => {
  const plan = (project: string) =>
    `%syntax-version=1.0.0\n%project=${project}\n\nc1 2024-01-01T00:00:00Z A <a@example.com> # n\nc2 2024-01-02T00:00:00Z A <a@example.com> # n\n`;
  const folder = folderOf({
    "sqitch.conf": "[core]\n\tengine = pg\n",
    "sqitch.plan": plan("shop"),
    "deploy/c1.sql": "create table c1 ();\n",
    "deploy/c2.sql": "create table c2 ();\n",
  });
  await db.sql(`create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text not null,
    project text not null, note text not null default '', committed_at timestamptz not null default clock_timestamp()); create table c1 ()`);
  const [first] = (await (await targetIn("sqitch", { url: db.url, folder })).source.list()).migrations;
  await db.sql(
    `insert into sqitch.changes (change_id, script_hash, change, project) values ('${first?.tool?.version}', '${first?.tool?.checksums[0]}', 'c1', 'shop')`,
  );
  writeFiles(folder, { "sqitch.plan": plan("shop2") });
  const target = await targetIn("sqitch", { url: db.url, folder });
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_CONFLICT"]);
  expect(error.message).toContain("c1 is pending, and Sqitch has applied c1 of project shop");
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_CONFLICT"]);
  const another = { url: db.url, folder, settings: { mirror: "none:sqitch.changes" } };
  expect((await refusalOf(up(await targetIn("sqitch", another)))).codes).toEqual(["STEP_FAILED"]);
  await repair(
    target,
    { kind: "mark-done", revision: "c1", position: null },
    { confirm: db.name },
    recorder(),
  );
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["c2"]);
});
