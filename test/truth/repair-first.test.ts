/** `repair` in a database where no run of ours was: what makes no sense is refused by name, and leaves no ledger. */
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const FILES = { "0001_a.sql": "create table a ();" };

test.for([
  [{ kind: "forget", revision: "0001_a" }, "REPAIR_REFUSED"],
  [{ kind: "accept", revision: "0001_a" }, "REPAIR_REFUSED"],
  [{ kind: "retry", revision: "0001_a", position: null }, "REPAIR_REFUSED"],
  [{ kind: "mark-done", revision: "0001_a", position: 1 }, "REPAIR_REFUSED"],
  [{ kind: "mark-done", revision: "0009_x", position: null }, "REVISION_UNKNOWN"],
] as const)("%o is refused", async ([request, code], { db }) => {
  const target = targetOf({ url: db.url, folder: folderOf(FILES) });
  const { codes } = await refusalOf(repair(target, request, { confirm: db.name }, recorder()));
  expect(codes).toEqual([code]);
  expect(await db.sql(`select to_regclass('${ledgerSchema}.migration_history') as there`)).toEqual([
    { there: null },
  ]);
});

test("what is there is marked, and is not run", async ({ db }) => {
  await db.sql("create table a ()");
  const target = targetOf({ url: db.url, folder: folderOf(FILES) });
  const request = { kind: "mark-done", revision: "0001_a", position: null } as const;
  await repair(target, request, { confirm: db.name }, recorder());
  expect(await appliedIn(db)).toEqual(["0001_a"]);
  expect((await up(target)).steps).toEqual([]);
});
