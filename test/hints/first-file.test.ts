/** The first hour: the sample file is deleted, renamed or rewritten after it was applied. Every way out leads on. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const SAMPLE = "create table notes (id int);";

async function sampleApplied(db: TestDatabase): Promise<{ folder: string; godwit: Command }> {
  const folder = folderOf({ "migrations/0001_first.sql": SAMPLE });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  return { folder: join(folder, "migrations"), godwit };
}

test("a sample that was deleted is named, and can be forgotten", async ({ db }) => {
  const { folder, godwit } = await sampleApplied(db);
  rmSync(join(folder, "0001_first.sql"));
  writeFileSync(join(folder, "0001_shops.sql"), "create table shops (id int);");
  const { stderr } = await godwit.fails(1, "up");
  expect(stderr).toContain(
    "0001_first is the one revision that is applied, and its file 0001_first.sql is gone.",
  );
  expect(stderr).toContain("godwit repair --forget 0001_first");
  await godwit("repair", "--forget", "0001_first", "--confirm", db.name);
  await godwit("up");
  expect(await db.sql("select to_regclass('shops') is not null as made")).toEqual([{ made: true }]);
});

test("a sample that new files contain is replaced by a declaration", async ({ db }) => {
  const { folder, godwit } = await sampleApplied(db);
  rmSync(join(folder, "0001_first.sql"));
  writeFileSync(join(folder, "0001_all.sql"), `${SAMPLE}\ncreate table shops (id int);`);
  expect((await godwit.fails(1, "up")).stderr).toContain("godwit baseline 0001_all --confirm <database>");
  await godwit("baseline", "0001_all", "--confirm", db.name);
  expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
});

const RENAMES: readonly (readonly [string, readonly string[], from: string, to: string])[] = [
  ["the only file", [], "0001_first", "0001_notes"],
  ["the only file, by a new number", [], "0001_first", "20260101000000_first"],
  ["the first of two", ["0002_more"], "0001_first", "0001_notes"],
  ["the last of two", ["0002_more"], "0002_more", "0003_more"],
  ["the first of two, after the other", ["0002_more"], "0001_first", "0003_first"],
];

test.for(RENAMES)(
  "renamed: %s is known by its text, and no hint leads to a second time",
  async (scene, { db }) => {
    const [, others, from, to] = scene;
    const { folder, godwit } = await sampleApplied(db);
    for (const other of others)
      writeFileSync(join(folder, `${other}.sql`), `create table "${other}" (id int);`);
    await godwit("up");
    renameSync(join(folder, `${from}.sql`), join(folder, `${to}.sql`));
    for (const command of [["up"], ["up", "--dry-run"]]) {
      const { stderr } = await godwit.fails(1, ...command);
      expect(stderr).toContain(`its text is that of ${from}`);
      expect(stderr.match(/^error/gm)).toHaveLength(1);
    }
    await godwit("repair", "--mark-done", to, "--confirm", db.name);
    await godwit("repair", "--forget", from, "--confirm", db.name);
    expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
    expect((await godwit("status", "--check", "--json")).json.pending).toBe(0);
  },
);

test("all files renumbered at once are renamed files, not another project", async ({ db }) => {
  const { folder, godwit } = await sampleApplied(db);
  writeFileSync(join(folder, "0002_more.sql"), "create table more (id int);");
  await godwit("up");
  const renames = [
    ["0001_first", "20260101000000_first"],
    ["0002_more", "20260102000000_more"],
  ] as const;
  for (const [from, to] of renames) renameSync(join(folder, `${from}.sql`), join(folder, `${to}.sql`));
  const { stderr } = await godwit.fails(1, "up");
  for (const [from] of renames) expect(stderr).toContain(`its text is that of ${from}`);
  for (const [, to] of renames) await godwit("repair", "--mark-done", to, "--confirm", db.name);
  for (const [from] of renames) await godwit("repair", "--forget", from, "--confirm", db.name);
  expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
});
