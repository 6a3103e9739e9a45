/** 38: squashed and renamed files leave versions that only the database knows, and a ritual of repairs. */
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("38: a revision without a file is forgotten by name, once, by the command that the refusal tells", async ({
  db,
}) => {
  const old = { "0001_a.sql": "create table a ();", "0003_c.sql": "create table c ();" };
  await up(targetOf({ url: db.url, folder: folderOf({ ...old, "0002_renamed.sql": "create table b ();" }) }));

  const target = targetOf({ url: db.url, folder: folderOf({ ...old, "0004_d.sql": "create table d ();" }) });
  const { problems } = await refusalOf(up(target));
  expect(problems).toMatchObject([{ code: "PLAN_VANISHED", details: { revision: "0002_renamed" } }]);
  expect(problems[0]?.hint).toContain("godwit repair --forget 0002_renamed");
  expect(await db.sql("select to_regclass('d') as d")).toEqual([{ d: null }]);

  await repair(target, { kind: "forget", revision: "0002_renamed" }, { confirm: db.name }, recorder());
  await up(target);
  expect(await appliedIn(db)).toEqual(["0001_a", "0003_c", "0004_d"]);
  expect(await db.sql("select to_regclass('b') as b")).toEqual([{ b: "b" }]);
  expect(
    await db.sql(`select revision from "${ledgerSchema}".migration_log where event = 'forgotten'`),
  ).toEqual([{ revision: "0002_renamed" }]);
});
