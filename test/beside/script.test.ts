/** A script of `--sql` stops where `up` would: the same evidence of another tool, and the same ledger. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { type Files, folderOf } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const dbmate = (n: number) =>
  `-- migrate:up\ncreate table if not exists eff (n int); insert into eff values (${n});\n-- migrate:down\ndelete from eff where n = ${n};\n`;
const LONG: Files = {
  "migrations/20240101000000_x1.sql": dbmate(1),
  "migrations/20240102000000_x2.sql": dbmate(2),
};
const SHORT: Files = { "migrations/0001_x1.sql": dbmate(1), "migrations/0002_x2.sql": dbmate(2) };
const DONE = "create table eff (n int); insert into eff values (1), (2);";
const versions = (table: string, ...all: readonly string[]) =>
  `create table ${table} (version varchar primary key); insert into ${table} values ${all.map((one) => `('${one}')`).join(", ")};`;

function projectOf(db: TestDatabase, files: Files) {
  const folder = folderOf({ ".git/HEAD": "", ...files });
  const godwit = commandIn({ folder, url: db.url });
  return {
    godwit,
    script: async (...args: readonly string[]) => (await godwit(...args, "--sql")).stdout,
    psql: (script: string) => psql(db.url, script),
  };
}

const effects = async (db: TestDatabase) =>
  (await db.sql("select n from eff order by n")).map(({ n }) => Number(n));

const CASES: readonly [what: string, files: Files, flags: readonly string[], sql: string][] = [
  ["dbmate", LONG, [], versions("my_migs", "20240101000000", "20240102000000")],
  ["dbmate, in another schema", LONG, [], `create schema app; ${versions("app.done", "20240102000000")}`],
  ["dbmate, short numbers", SHORT, ["--layout", "dbmate"], versions("my_migs", "0001", "0002")],
  ["a folder of ours", LONG, ["--layout", "plain"], versions("my_migs", "20240101000000", "7")],
  ["a folder of ours, short numbers", SHORT, ["--layout", "plain"], versions("my_migs", "0001", "0002")],
  [
    "a folder of ours, golang-migrate's number",
    SHORT,
    ["--layout", "plain"],
    "create table my_migs (version bigint primary key, dirty boolean not null); insert into my_migs values (2, false);",
  ],
  [
    "only part of it by the script",
    LONG,
    ["--from", "20240101000000_x1"],
    versions("my_migs", "20240101000000", "20240102000000"),
  ],
  ["kept in step", LONG, ["--mirror", "dbmate"], versions("my_migs", "20240101000000", "20240102000000")],
];

describe.skipIf(withoutPsql)("a table of any name stops the script and the run", () => {
  test.for(CASES)("%s", async ([, files, flags, sql], { db }) => {
    const { godwit, script, psql } = projectOf(db, files);
    const written = await script("up", ...flags);
    await db.sql(`${DONE} ${sql}`);
    expect(psql(written)).toMatch(/is in the history of .*it would run a second time[\s\S]*godwit adopt/);
    expect(await effects(db)).toEqual([1, 2]);
    await godwit.fails(1, "up", ...(flags[0] === "--from" ? [] : flags));
  });

  test("with the way out it goes through", async ({ db }) => {
    const { script, psql } = projectOf(db, LONG);
    await db.sql(`${DONE} ${versions("my_migs", "20240101000000", "20240102000000")}`);
    expect(psql(await script("up", "--mirror", "none"))).toBe(null);
    expect(await effects(db)).toEqual([1, 1, 2, 2]);
  });

  test.for([
    ["in which another row stands", versions("my_migs", "0001", "1.0.3")],
    ["of an application", "create table t (version int, name text); insert into t values (1, 'x');"],
    ["that the role may not read", ""],
  ] as const)("a table %s does not", async ([what, sql], { db }) => {
    const { script, psql } = projectOf(db, SHORT);
    await db.sql(sql);
    if (what.includes("role")) await db.admin(`create schema other; ${versions("other.done", "0001")}`);
    expect(psql(await script("up", "--layout", "plain"))).toBe(null);
    expect(await effects(db)).toEqual([1, 2]);
  });

  test("a named table that is not there is not made beside the real one", async ({ db }) => {
    const { script, psql } = projectOf(db, LONG);
    await db.sql(`${DONE} ${versions("schema_migrations", "20240101000000", "20240102000000")}`);
    const written = await script("up", "--mirror", "dbmate:app.schema_migrations");
    expect(psql(written)).toContain("--mirror dbmate:public.schema_migrations");
    expect(await effects(db)).toEqual([1, 2]);
    await db.sql(
      "create schema app; create table app.schema_migrations (like public.schema_migrations including all)",
    );
    expect(psql(written)).toBe(null);
    expect(await db.sql("select from app.schema_migrations")).toHaveLength(2);
  });
});

describe.skipIf(withoutPsql)("a script that is run a second time stops by name, and changes nothing", () => {
  test("up, whole and from a revision", async ({ db }) => {
    const { godwit, script, psql } = projectOf(db, SHORT);
    const [whole, from] = [await script("up"), await script("up", "--from", "0001_x1")];
    expect(psql(whole)).toBe(null);
    expect(psql(whole)).toMatch(/0001_x1 is in the ledger already \(applied\)[\s\S]*godwit current/);
    expect(psql(from)).toMatch(/0002_x2 is in the ledger already/);
    expect(await effects(db)).toEqual([1, 2]);
    // The ways out.
    expect((await godwit("current")).stdout).toContain("0002_x2");
    expect(psql(await script("up", "--from", "0002_x2"))).toBe(null);
    expect((await godwit("up")).stdout).toContain("nothing to do");
  });

  test("down", async ({ db }) => {
    const { godwit, script, psql } = projectOf(db, SHORT);
    const back = await script("down", "-1", "--from", "0002_x2");
    expect(psql(back)).toMatch(/no ledger of Godwit/);
    await godwit("up");
    expect(psql(back)).toBe(null);
    expect(psql(back)).toMatch(/0002_x2 is not in the ledger[\s\S]*godwit current/);
    expect(await effects(db)).toEqual([1]);
    expect(psql(await script("down", "-1", "--from", "0001_x1"))).toBe(null);
    expect(await effects(db)).toEqual([]);
  });
});
