/** Half by the Supabase CLI, half by us, in both orders: `supabase db push` is the judge. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../scripts/fresh.mjs";
import { adopt } from "../../src/run/adopt.ts";
import { expect, ledgerSchema, type TestDatabase, test, withPassword } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const FILES = [
  [
    "20240101000000_users",
    "CREATE TABLE users (id int);\n-- note\nINSERT INTO users VALUES (1);\n-- trailing\n",
  ],
  ["20240102000000_shops", "create table shops (id int); insert into shops values (1)"],
  ["20240103000000_by_id", "create index concurrently by_id on users (id);\ncreate table marks (id int);"],
  ["20240104000000_body", "do $$ begin; end $$;select $t$;$t$;select 1".replace("begin;", "begin")],
  ["20240105000000_own", "begin;\ncreate table own (id int);\ncommit;\n"],
] as const;
const IDS: readonly string[] = FILES.map(([id]) => id);
const migrations = (count: number): Files =>
  Object.fromEntries(FILES.slice(0, count).map(([id, sql]) => [`supabase/migrations/${id}.sql`, sql]));

function project(count: number): string {
  return folderOf({ "supabase/config.toml": 'project_id = "test"\n', ...migrations(count) });
}

/** What it says; an error if it fails. */
async function push(db: TestDatabase, folder: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [
      join(root, "node_modules", "supabase", "dist", "supabase.js"),
      "db",
      "push",
      "--db-url",
      url(db),
      "--yes",
    ],
    { cwd: folder, env: { PATH: process.env.PATH ?? "", HOME: folder, SUPABASE_TELEMETRY_DISABLED: "1" } },
  ).catch((error) => {
    throw new Error(`supabase db push: ${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout + stderr;
}

const url = (db: TestDatabase) => `${withPassword(db.url, "none")}?sslmode=disable`;
const targetOf = (db: TestDatabase, folder: string) =>
  targetIn("supabase", { url: db.url, folder: join(folder, "supabase", "migrations") });
const rowsOf = (db: TestDatabase) =>
  db.sql("select version, name, statements from supabase_migrations.schema_migrations order by version");

test("first by it, then by us: it is up to date, and so are we", { timeout: 120_000 }, async ({ db }) => {
  const folder = project(2);
  await push(db, folder);
  writeFiles(folder, migrations(5));
  const target = await targetOf(db, folder);
  const { steps } = await up(target);
  expect(steps.map(({ revision }) => revision)).toEqual(IDS.slice(2));
  expect(await appliedIn(db)).toEqual(IDS);
  expect(await push(db, folder)).toContain("up to date");
  expect(await db.sql("select count(*)::int as n from users")).toEqual([{ n: 1 }]);
  expect((await up(target)).steps).toEqual([]);
});

test("first by us in a new database, then by it, then by us again", { timeout: 120_000 }, async ({ db }) => {
  const folder = project(3);
  const target = await targetOf(db, folder);
  await up(target);
  expect(await push(db, folder)).toContain("up to date");
  writeFiles(folder, migrations(4));
  await push(db, folder);
  expect((await up(target)).steps).toEqual([]);
  writeFiles(folder, migrations(5));
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(IDS.slice(4));
  expect(await push(db, folder)).toContain("up to date");
});

test("our rows are its own rows", { timeout: 120_000 }, async ({ db }) => {
  const folder = project(5);
  await push(db, folder);
  const theirs = await rowsOf(db);
  const columns =
    "select column_name, data_type, is_nullable from information_schema.columns where table_schema = 'supabase_migrations' and table_name = 'schema_migrations' order by 1";
  const shape = await db.sql(columns);
  await db.sql("drop schema supabase_migrations cascade; drop table users, shops, marks, own");
  await up(await targetOf(db, folder));
  expect(await rowsOf(db)).toEqual(theirs);
  expect(await db.sql(columns)).toEqual(shape);
});

test("a version that has no file here is told, and a person decides", async ({ db }) => {
  const folder = project(2);
  await up(await targetOf(db, folder));
  await db.sql(
    "insert into supabase_migrations.schema_migrations (version, name) values ('20240101120000', 'elsewhere')",
  );
  const known = await up(await targetOf(db, folder));
  expect(known.warnings.map(({ message }) => message).join()).toContain("20240101120000_elsewhere");
  await db.sql(`drop schema "${ledgerSchema}" cascade`);
  const target = await targetOf(db, folder);
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  const report = await adopt(target, { assume: false, dryRun: false }, recorder());
  expect(report).toMatchObject({ missing: ["20240101120000_elsewhere"], pending: [] });
  expect((await up(target)).steps).toEqual([]);
});

test("a table with columns of the hosted platform, and one from before there were names", async ({ db }) => {
  await db.sql(`create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text not null primary key, created_by text, idempotency_key text unique)`);
  await up(await targetOf(db, project(2)));
  expect(await db.sql("select version from supabase_migrations.schema_migrations order by 1")).toEqual(
    FILES.slice(0, 2).map(([id]) => ({ version: id.slice(0, 14) })),
  );
});
