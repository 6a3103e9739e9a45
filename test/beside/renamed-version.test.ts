/** A file that keeps its version and gets another name: the tool's row is that of the revision that we know. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const UP = "-- migrate:up\n";
const DOWN = "-- migrate:down\n";
const GOOSE = "-- +goose Up\n";
interface Scene {
  readonly layout: string;
  readonly file: (name: string) => string;
  readonly marker?: string;
}
const SCENES: readonly Scene[] = [
  { layout: "dbmate", file: (name) => `${name}.sql`, marker: UP },
  { layout: "supabase", file: (name) => `${name}.sql` },
  { layout: "golang-migrate", file: (name) => `${name}.up.sql` },
  { layout: "sqlx", file: (name) => `${name}.sql` },
  { layout: "diesel", file: (name) => `${name}/up.sql` },
  { layout: "goose", file: (name) => `${name}.sql`, marker: GOOSE },
];
const VERSIONS: Readonly<Record<string, readonly [string, string]>> = {
  supabase: ["20240101000001", "20240101000002"],
  diesel: ["2024-01-01-000001", "2024-01-01-000002"],
};

test.for(SCENES)(
  "$layout, kept in step: refused by name, and each way out leads on",
  async ({ layout, file, marker = "" }, { db }) => {
    const [one, two] = VERSIONS[layout] ?? ["0001", "0002"];
    const [old, now] = [`${two}_t2`, `${two}_users`];
    const folder = folderOf({
      [file(`${one}_t1`)]: `${marker}create table t1 ();\n${marker === UP ? DOWN : ""}`,
      [file(old)]: `${marker}create table t2 ();\n${marker === UP ? DOWN : ""}`,
    });
    const rename = (from: string, to: string) =>
      renameSync(join(folder, file(from).split("/")[0] ?? ""), join(folder, file(to).split("/")[0] ?? ""));
    const target = await targetIn(layout, { url: db.url, folder, settings: { mirror: layout } });
    expect((await up(target)).steps).toHaveLength(2);
    const rows = await rowsOf(db);
    rename(old, now);
    for (const act of [() => up(target), () => adopt(target, { assume: false, dryRun: false }, recorder())]) {
      const { codes, error } = await refusalOf(act());
      expect(codes).toEqual(["PLAN_VANISHED"]);
      expect(error.hint).toContain(`Rename it back to ${old}`);
    }
    // Back.
    rename(now, old);
    expect((await up(target)).steps).toEqual([]);
    // Another text under the same version is no less refused.
    rename(old, now);
    writeFiles(folder, { [file(now)]: `${marker}create table users ();\n${marker === UP ? DOWN : ""}` });
    expect((await refusalOf(up(target))).codes).toEqual(["PLAN_VANISHED"]);
    writeFiles(folder, { [file(now)]: `${marker}create table t2 ();\n${marker === UP ? DOWN : ""}` });
    // The ledger follows, and the tool's row stays.
    const fix = { confirm: db.name };
    await repair(target, { kind: "mark-done", revision: now, position: null }, fix, recorder());
    await repair(target, { kind: "forget", revision: old }, fix, recorder());
    const after = await up(target);
    expect(after.steps).toEqual([]);
    expect(after.warnings).toEqual([]);
    expect(await rowsOf(db)).toEqual(rows);
    expect(await appliedIn(db)).toEqual([`${one}_t1`, now]);
  },
);

test("adopted and not kept in step: the row of the old name is no evidence for the new one", async ({
  db,
}) => {
  await db.sql(
    "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0001'), ('0002'); create table t1 (); create table t2 ()",
  );
  const folder = folderOf({
    "0001_t1.sql": `${UP}create table t1 ();\n${DOWN}`,
    "0002_t2.sql": `${UP}create table t2 ();\n${DOWN}`,
  });
  const target = await targetIn("dbmate", { url: db.url, folder });
  await adopt(target, { assume: false, dryRun: false }, recorder());
  rmSync(join(folder, "0002_t2.sql"));
  writeFiles(folder, { "0002_users.sql": `${UP}create table users ();\n${DOWN}` });
  expect((await refusalOf(up(target))).codes).toEqual(["PLAN_VANISHED"]);
  expect(await appliedIn(db)).toEqual(["0001_t1", "0002_t2"]);
});

/** Every tool's table that is there. */
async function rowsOf(db: TestDatabase): Promise<unknown> {
  const tables = await db.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where tablename in ('schema_migrations', '_sqlx_migrations', '__diesel_schema_migrations', 'goose_db_version') order by 1`,
  );
  const all = await Promise.all(tables.map(({ name }) => db.sql(`select * from ${name} order by 1`)));
  expect(all).toHaveLength(1);
  return all;
}

test.for([["golang-migrate"], [null]] as const)(
  "golang-migrate, mirrored: %s: adopted, its row removed, then renamed and edited, it does not run",
  async ([mirror], { db }) => {
    const folder = folderOf({ "10_a.up.sql": "create table a ();", "20_b.up.sql": "create table b ();" });
    const target = await targetIn("golang-migrate", { url: db.url, folder, settings: { mirror } });
    await db.sql(
      "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (20, false); create table a (); create table b ()",
    );
    await adopt(target, { assume: false, dryRun: false }, recorder());
    await db.sql("update schema_migrations set version = 10");
    rmSync(join(folder, "20_b.up.sql"));
    writeFiles(folder, { "20_renamed.up.sql": "create table b (); select 1;" });
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["PLAN_VANISHED"]);
    expect(error.message).toContain("its number is that of 20_b");
    expect(error.hint).toContain("Rename it back to 20_b.up.sql");
  },
);
