/** A tool that is further than these files: what comes late, below the place where it stands, may have run there. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { preview } from "../../src/run/status.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const FLYWAY = `create table flyway_schema_history (installed_rank int primary key, version varchar, description varchar, type varchar,
  script varchar, checksum int, installed_by varchar, installed_on timestamp default now(), execution_time int, success boolean);`;
const golang = (n: number): Files => ({ [`00000${n}_m${n}.up.sql`]: `create table t${n} ();` });
const flyway = (n: number): Files => ({ [`V${n}__m${n}.sql`]: `create table t${n} ();` });
const only = (...all: readonly Files[]): Files => Object.assign({}, ...all);

/** The tool is at 5 with all that this needs, and the files of 1 and 2 are here and adopted. */
async function scene(db: TestDatabase, tool: "golang-migrate" | "flyway", mirror?: string) {
  const file = tool === "flyway" ? flyway : golang;
  await db.sql(
    tool === "flyway"
      ? `${FLYWAY} insert into flyway_schema_history values (1, '5', 'b', 'BASELINE', 'b', null, 'x', now(), 1, true)`
      : `create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (5, false)`,
  );
  await db.sql(
    "create table t1 (); create table t2 (); create table t3 (); create table t4 (); create table t5 ()",
  );
  const folder = folderOf(only(file(1), file(2)));
  const target = await targetIn(tool, { url: db.url, folder, settings: { mirror } });
  await adopt(target, ADOPT, recorder());
  expect((await up(target)).steps).toEqual([]);
  return { folder, target, file };
}

test.skipIf(withoutPsql).for([
  ["golang-migrate", undefined],
  ["golang-migrate", "golang-migrate"],
  ["plain", undefined],
  ["plain", "golang-migrate"],
] as const)("a script in %s, with mirror %s, stops there", async ([layout, mirror], { db }) => {
  const { folder, target: own } = await scene(db, "golang-migrate", mirror);
  writeFiles(folder, golang(3));
  const target = layout === "plain" ? targetOf({ url: db.url, folder, settings: { mirror } }) : own;
  const script = await renderScript(target, { ...UP, from: "000002_m2" }, recorder());
  expect(psql(db.url, script)).toContain("000003_m3 is in the history of golang-migrate");
  // What we have written ourselves stops nothing.
  await db.sql("update schema_migrations set version = 2; drop table t3, t4");
  const written = await renderScript(target, { ...UP, from: "000002_m2" }, recorder());
  expect(psql(db.url, written)).toBe(null);
  writeFiles(folder, golang(4));
  expect(psql(db.url, await renderScript(target, { ...UP, from: "000003_m3" }, recorder()))).toBe(null);
});

describe("a file below the tool's number that comes after the number was seen is not run, nor adopted", () => {
  test.for([
    ["golang-migrate", undefined],
    ["golang-migrate", "golang-migrate"],
    ["flyway", undefined],
  ] as const)("%s, with mirror %s", async ([tool, mirror], { db }) => {
    const { folder, target, file } = await scene(db, tool, mirror);
    writeFiles(folder, only(file(3), file(4)));
    const [three, four] = tool === "flyway" ? ["V3__m3", "V4__m4"] : ["000003_m3", "000004_m4"];
    for (const ask of [() => up(target), () => preview(target, UP, recorder())]) {
      const { codes, error } = await refusalOf(ask());
      expect(codes).toEqual(["PLAN_LATE"]);
      expect(error.message).toContain(`counts it as applied already: ${three}, ${four}`);
      expect(error.hint).toContain(`\`godwit repair --mark-done ${three}\``);
      expect(error.hint).toContain("`godwit up --out-of-order` runs it");
    }
    const done = { kind: "mark-done", revision: three, position: null } as const;
    await repair(target, done, { confirm: db.name }, recorder());
    await db.sql("drop table t4");
    expect(
      (await up(target, recorder(), { outOfOrder: true })).steps.map(({ revision }) => revision),
    ).toEqual([four]);
    expect(await appliedIn(db)).toHaveLength(4);
  });

  test("nor because its header allows any order", async ({ db }) => {
    const { folder } = await scene(db, "golang-migrate");
    const target = targetOf({ url: db.url, folder });
    writeFiles(folder, { "000003_m3.up.sql": "-- godwit: out-of-order=allow\ncreate table t3 ();" });
    expect((await refusalOf(up(target))).codes).toEqual(["PLAN_LATE"]);
  });
});

test("a number that we wrote ourselves says nothing: a late file runs where its header allows it, without a warning", async ({
  db,
}) => {
  const settings = { mirror: "golang-migrate" };
  const folder = folderOf(only(golang(1), golang(3)));
  const target = targetOf({ url: db.url, folder, settings });
  await up(target);
  writeFiles(folder, { "000002_m2.up.sql": "-- godwit: out-of-order=allow\ncreate table t2 ();" });
  const { steps, warnings } = await up(target);
  expect([steps.length, warnings]).toEqual([1, []]);
});
