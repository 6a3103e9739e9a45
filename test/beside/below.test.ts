/** One number of golang-migrate stands for all below it, in whatever layout its folder is read. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { preview } from "../../src/run/status.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const pairs = (...names: readonly string[]): Files =>
  Object.fromEntries(
    names.flatMap((name) => [
      [`${name}.up.sql`, `create table t${name.slice(-1)} ();`],
      [`${name}.down.sql`, `drop table t${name.slice(-1)};`],
    ]),
  );
const SHORT = ["000001_m1", "000002_m2", "000003_m3"];
const LONG = ["20240101000001_m1", "20240101000002_m2"];

const at = (table: string, number: string) =>
  `create table ${table} (version bigint primary key, dirty boolean not null); insert into ${table} values (${number}, false);`;
const inLayout = (layout: string, db: TestDatabase, folder: string, mirror?: string) => {
  const options = { url: db.url, folder, settings: { mirror } };
  return layout === "plain" ? Promise.resolve(targetOf(options)) : targetIn(layout, options);
};

describe("its folder in a layout of our own, where it is further than the files", () => {
  const CONFIGURED = {
    Makefile: 'up:\n\tmigrate -path . -database "postgres://x/y?x-migrations-table=hist" up\n',
  };
  const CASES: readonly [what: string, layout: string, names: readonly string[], sql: string, more: Files][] =
    [
      ["in plain", "plain", SHORT, at("schema_migrations", "4"), {}],
      ["in updown", "updown", SHORT, at("schema_migrations", "4"), {}],
      ["with times", "plain", LONG, at("schema_migrations", "20240101000003"), {}],
      ["in its configured table", "plain", SHORT, at("hist", "4"), CONFIGURED],
      ["in a table of any name", "plain", SHORT, at("hist", "4"), {}],
    ];
  test.for(CASES)("%s: nothing is run", async ([, layout, names, sql, more], { db }) => {
    await db.sql(sql);
    const folder = folderOf({ ...pairs(...names), ...more });
    const target = await inLayout(layout, db, folder);
    for (const ask of [() => up(target), () => preview(target, UP, recorder())])
      expect((await refusalOf(ask())).codes).toEqual(["ADOPT_NEEDED"]);
    if (!withoutPsql) {
      const script = await renderScript(target, { ...UP, from: "base" }, recorder());
      expect(psql(db.url, script)).toContain(`${names[0]} is in the history of golang-migrate`);
    }
    expect(await db.sql("select to_regclass('t1') as there")).toEqual([{ there: null }]);
    const without = await inLayout(layout, db, folder, `none:public.${/table (\w+)/.exec(sql)?.[1]}`);
    expect((await up(without)).steps).toHaveLength(names.length);
  });

  test("baseline looks at it, and a declared ledger is no sign that its numbers are chance", async ({
    db,
  }) => {
    await db.sql(`${at("schema_migrations", "4")} create table t4 ()`);
    const folder = folderOf(pairs(...SHORT));
    const target = targetOf({ url: db.url, folder });
    expect((await refusalOf(baseline(target, "000003_m3", recorder()))).codes).toEqual(["ADOPT_NEEDED"]);
    await baseline(targetOf({ url: db.url, folder, settings: { mirror: "none" } }), "000003_m3", recorder());
    writeFiles(folder, pairs("000004_m4"));
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    if (withoutPsql) return;
    const script = await renderScript(target, { ...UP, from: "000003_m3" }, recorder());
    expect(psql(db.url, script)).toContain("000004_m4 is in the history of");
  });

  test.skipIf(withoutPsql)("once adopted, a script stops below a number that has no file", async ({ db }) => {
    await db.sql(`${at("schema_migrations", "2")} create table t1 (); create table t2 ()`);
    const folder = folderOf(pairs("000001_m1", "000002_m2"));
    const target = targetOf({ url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await db.sql("update schema_migrations set version = 5");
    writeFiles(folder, pairs("000003_m3"));
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const script = await renderScript(target, { ...UP, from: "000002_m2" }, recorder());
    expect(psql(db.url, script)).toContain("000003_m3 is in the history of golang-migrate");
    expect(await db.sql("select to_regclass('t3') as there")).toEqual([{ there: null }]);
  });
});

test("above its number, and once we have begun beside it, short numbers are our own", async ({ db }) => {
  await db.sql(at("schema_migrations", "4"));
  const folder = folderOf(pairs("000005_m5"));
  const target = targetOf({ url: db.url, folder });
  expect((await up(target)).steps).toHaveLength(1);
  await db.sql("update schema_migrations set version = 7");
  writeFiles(folder, pairs("000006_m6"));
  expect((await up(target)).steps).toHaveLength(1);
});
