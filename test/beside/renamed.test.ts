/** A file that was applied and has another name now is not carried out a second time. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ROWS = "insert into rows values (1);";
const SCENES: Readonly<Record<string, readonly [Files, old: string, renamed: string]>> = {
  "a graph": [
    {
      "a1_begin.sql": "-- godwit: revises=none\ncreate table rows (n int);",
      "b2_rows.sql": `-- godwit: revises=a1_begin\n${ROWS}`,
    },
    "b2_rows",
    "c3_rows",
  ],
  "a line without numbers": [{ "begin.sql": "create table rows (n int);", "rows.sql": ROWS }, "rows", "seed"],
};

test.for(Object.entries(SCENES))(
  "renamed in %s: refused, and each way out leads on",
  async ([, scene], { db }) => {
    const [files, old, renamed] = scene;
    const folder = folderOf(files);
    const target = targetOf({ url: db.url, folder });
    await up(target);
    const rename = (from: string, to: string) =>
      renameSync(join(folder, `${from}.sql`), join(folder, `${to}.sql`));
    rename(old, renamed);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["PLAN_VANISHED"]);
    expect(error.hint).toContain(`Rename it back to ${old}.sql`);
    expect(error.hint).toMatch(new RegExp(`--mark-done ${renamed}.*--forget ${old}`));

    rename(renamed, old);
    expect((await up(target)).steps).toEqual([]);
    rename(old, renamed);
    const fix = { confirm: db.name };
    await repair(target, { kind: "mark-done", revision: renamed, position: null }, fix, recorder());
    await repair(target, { kind: "forget", revision: old }, fix, recorder());
    expect((await up(target)).steps).toEqual([]);
    expect(await db.sql("select * from rows")).toEqual([{ n: 1 }]);
    expect(await appliedIn(db)).toContain(renamed);
  },
);

test("the same text a second time, under a name of its own, is no renaming", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "select 1;" });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  writeFiles(folder, { "0002_b.sql": "select 1;" });
  expect((await up(target)).steps).toHaveLength(1);
});

test("with a comment more it is the same text, also of one that was adopted", async ({ db }) => {
  await db.sql(`create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations values ('20240101000001', '{}', 'm1'), ('20240101000003', '{}', 'm3'); create table m1 (); create table m3 ()`);
  const [old, renamed] = ["20240101000003_m3.sql", "20240101000005_other.sql"];
  const folder = folderOf({ "20240101000001_m1.sql": "create table m1 ();", [old]: "create table m3 ();" });
  const target = await targetIn("supabase", { url: db.url, folder });
  await adopt(target, ADOPT, recorder());
  rmSync(join(folder, old));
  writeFiles(folder, { [renamed]: "create table m3 ();\n-- a comment" });
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["PLAN_VANISHED"]);
  expect(error.message).toContain("its text is that of 20240101000003_m3");
  // A second time, because a person says so.
  await db.sql("drop table m3");
  await repair(target, { kind: "forget", revision: "20240101000003_m3" }, { confirm: db.name }, recorder());
  expect((await up(target)).steps).toHaveLength(1);
});

test("renamed before adoption, its row has the time stamp of the file", async ({ db }) => {
  await db.sql(`create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
    insert into pgmigrations (name, run_on) values ('1700000000001_m1', now()), ('1700000000002_m2', now()); create table m1 (); create table m2 ()`);
  const folder = folderOf({
    "1700000000001_m1.sql": "create table m1 ();",
    "1700000000002_z2.sql": "create table m2 ();",
  });
  const target = await targetIn("node-pg-migrate", { url: db.url, folder });
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_CONFLICT"]);
});

const STAMPS = ["20240101000001", "20240101000003"] as const;

async function ranBySupabase(db: TestDatabase, statements: string): Promise<void> {
  await db.sql(`create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations values ('${STAMPS[0]}', '{create table m1 ()}', 'm1'), ('${STAMPS[1]}', ${statements}, 'm3'); create table m1 (); create table m3 (); create table rows (n int)`);
}

const SUPABASE_FILES = {
  [`${STAMPS[0]}_m1.sql`]: "create table m1 ();",
  "20240205000000_other.sql": "-- What m3 was.\ncreate table M3 ();\ninsert into rows values (1);\n",
};
const M3 = "'{create table m3 (),insert into rows values (1)}'";

test("renamed before adoption, its row in the history of the Supabase CLI has the text of the file", async ({
  db,
}) => {
  await ranBySupabase(db, M3);
  const target = await targetIn("supabase", { url: db.url, folder: folderOf(SUPABASE_FILES) });
  for (const run of [
    () => up(target),
    () => adopt(target, ADOPT, recorder()),
    () => baseline(target, `${STAMPS[0]}_m1`, recorder()),
  ]) {
    const { codes, error } = await refusalOf(run());
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toContain(
      `20240205000000_other is pending, and Supabase CLI has applied ${STAMPS[1]}_m3`,
    );
    expect(error.hint).toContain("`godwit repair --mark-done 20240205000000_other`");
  }
  const request = { kind: "mark-done", revision: "20240205000000_other", position: null } as const;
  await repair(target, request, { confirm: db.name }, recorder());
  expect((await up(target)).steps).toEqual([]);
  expect((await up(target)).steps).toEqual([]);
  expect(await db.sql("select * from rows")).toEqual([]);
});

test.for([
  ["another text and the same description", "'{create table m3 ()}'"],
  ["a row that was only marked", "null"],
])("%s is no sign that a file was renamed", async ([, statements], { db }) => {
  await ranBySupabase(db, statements ?? "");
  const files = { ...SUPABASE_FILES, "20240205000000_m3.sql": "insert into rows values (2);" };
  const { "20240205000000_other.sql": _, ...rest } = files;
  const target = await targetIn("supabase", { url: db.url, folder: folderOf(rest) });
  await adopt(target, ADOPT, recorder());
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["20240205000000_m3"]);
});
