/** The CLI of Supabase has its history in one place. A table with its columns somewhere else was moved, and is asked about. */
import { spawnSync } from "node:child_process";
import { adopt } from "../../src/run/adopt.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { preview } from "../../src/run/status.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;
const file = (n: number) => ({ [`2024010${n}000000_m${n}.sql`]: `create table t${n} ();` });
const HISTORY = `create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
  insert into supabase_migrations.schema_migrations values ('20240101000000', '{select}', 'm1'); create table t1 ();`;
const RENAMED = "alter table supabase_migrations.schema_migrations rename to sm2;";
const IN_BACKUP = "alter schema supabase_migrations rename to backup_sm;";

const inSupabase = (db: TestDatabase, folder: string, mirror?: string) =>
  targetIn("supabase", { url: db.url, folder, settings: { mirror } });
const steps = async (...call: Parameters<typeof up>) =>
  (await up(...call)).steps.map(({ revision }) => revision);
const versions = (db: TestDatabase, table: string) =>
  db.sql(`select version from ${table} order by 1`).then((rows) => rows.map(({ version }) => version));

test.for([
  ["renamed", RENAMED, "supabase_migrations.sm2"],
  ["in a schema with another name", IN_BACKUP, "backup_sm.schema_migrations"],
] as const)(
  "%s before our first run: asked, in every layout, and each way out works",
  async ([, sql, table], { db }) => {
    await db.sql(`${HISTORY} ${sql}`);
    const folder = folderOf({ ...file(1), ...file(2) });
    const target = await inSupabase(db, folder);
    for (const ask of [() => up(target), () => preview(target, UP, recorder())]) {
      const { codes, error } = await refusalOf(ask());
      expect(codes).toEqual(["ADOPT_AMBIGUOUS"]);
      expect(error.hint).toContain(
        `\`godwit adopt --table ${table}\` (to mirror it: --mirror supabase:${table})`,
      );
    }
    const plain = targetOf({ url: db.url, folder });
    expect((await refusalOf(up(plain))).codes).toEqual(["ADOPT_NEEDED"]);
    if (!withoutPsql)
      for (const one of [target, plain]) {
        const script = await renderScript(one, { ...UP, from: "base" }, recorder());
        expect(psql(db.url, script)).toContain("20240101000000_m1 is in the history of");
      }
    const { tool } = await adopt(target, { ...ADOPT, table }, recorder());
    expect(tool).toBe("supabase");
    expect(await steps(target)).toEqual(["20240102000000_m2"]);
    expect(await versions(db, table)).toEqual(["20240101000000", "20240102000000"]);
    writeFiles(folder, file(3));
    expect(await steps(await inSupabase(db, folder, `supabase:${table}`))).toEqual(["20240103000000_m3"]);
    expect(await versions(db, table)).toHaveLength(3);
  },
);

test("a copy elsewhere does not matter while the CLI has its own", async ({ db }) => {
  await db.sql(`${HISTORY} create table copy as table supabase_migrations.schema_migrations`);
  const folder = folderOf({ ...file(1), ...file(2) });
  const target = await inSupabase(db, folder);
  const script = await renderScript(target, { ...UP, from: "20240101000000_m1" }, recorder());
  expect(await steps(target)).toEqual(["20240102000000_m2"]);
  expect(await appliedIn(db)).toEqual(["20240101000000_m1", "20240102000000_m2"]);
  if (withoutPsql) return;
  await db.sql(
    `drop table t2; drop schema "${ledgerSchema}" cascade; delete from supabase_migrations.schema_migrations where version > '20240101000000'`,
  );
  expect(psql(db.url, script)).toBe(null);
  expect(await versions(db, "supabase_migrations.schema_migrations")).toHaveLength(2);
});

test("moved after our first run, the history is gone for the CLI: refused, until its table is named", async ({
  db,
}) => {
  await db.sql(HISTORY);
  const folder = folderOf(file(1));
  await up(await inSupabase(db, folder));
  await db.sql(IN_BACKUP);
  writeFiles(folder, file(2));
  expect((await refusalOf(up(await inSupabase(db, folder)))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  await adopt(await inSupabase(db, folder), { ...ADOPT, table: "backup_sm.schema_migrations" }, recorder());
  expect(await steps(await inSupabase(db, folder))).toEqual(["20240102000000_m2"]);
  expect(await versions(db, "backup_sm.schema_migrations")).toHaveLength(2);
});

test("a view in its place: the table behind it is named as the hint says", async ({ db }) => {
  await db.sql(HISTORY);
  const folder = folderOf(file(1));
  await up(await inSupabase(db, folder));
  await db.sql(
    `${RENAMED} create view supabase_migrations.schema_migrations as table supabase_migrations.sm2`,
  );
  writeFiles(folder, file(2));
  const { codes, error } = await refusalOf(up(await inSupabase(db, folder)));
  expect(codes).toEqual(["ADOPT_CONFLICT"]);
  expect(error.hint).toContain("--mirror supabase:<schema.table>");
  const named = await inSupabase(db, folder, "supabase:supabase_migrations.sm2");
  expect(await steps(named)).toEqual(["20240102000000_m2"]);
  expect(await versions(db, "supabase_migrations.sm2")).toHaveLength(2);
});
