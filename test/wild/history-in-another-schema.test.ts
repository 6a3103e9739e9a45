import { describe } from "vitest";
import { openLedger } from "../../src/ledger/ledger.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

describe("24: The history is looked for in another schema, not found, and everything runs again", () => {
  test("a role that searches elsewhere finds the same ledger", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": "create table if not exists a (id int); insert into a values (1);",
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await db.sql("create schema elsewhere");
    await db.admin(`alter role ${db.owner} in database ${db.name} set search_path = elsewhere`);
    expect((await up(target)).steps).toEqual([]);
    expect(
      (await up({ ...target, settings: { ...target.settings, searchPath: "elsewhere" } })).steps,
    ).toEqual([]);
    expect(await db.sql("select count(*)::int as n from public.a")).toEqual([{ n: 1 }]);
  });

  test("a ledger under another name stops the run, and is named", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": "create table if not exists a (id int); insert into a values (1);",
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await expect(up({ ...target, ledger: openLedger("renamed") })).rejects.toMatchObject({
      code: "LEDGER_ELSEWHERE",
      hint: expect.stringContaining(`--ledger-schema ${ledgerSchema}`),
    });
    expect(
      await db.sql("select count(*)::int as n, to_regclass('renamed.migration_history') as r from a"),
    ).toEqual([{ n: 1, r: null }]);
  });
});
