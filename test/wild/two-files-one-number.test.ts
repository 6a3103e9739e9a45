/** 30: two branches use one number, and git merges them without a word. */
import { describe } from "vitest";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

describe("30: two files with one number", () => {
  test("are refused by name, whether both are pending or one of them is applied", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": "create table a ();", "0002_orders.sql": "create table o ();" });
    const target = targetOf({ url: db.url, folder });
    writeFiles(folder, { "0002_invoices.sql": "create table i ();" });
    expect((await refusalOf(up(target))).problems).toMatchObject([
      {
        code: "PLAN_DUPLICATE_NUMBER",
        details: { number: "2", revisions: ["0002_invoices", "0002_orders"] },
      },
    ]);

    await up(target, undefined, { goal: { direction: "up", to: "0001_a", phases: ["startup"] } });
    writeFiles(folder, { "1_b.sql": "create table b ();" });
    const { problems } = await refusalOf(up(target));
    expect(problems.map(({ details }) => details?.number)).toEqual(["1", "2"]);
    expect(await appliedIn(db)).toEqual(["0001_a"]);
  });

  test("are applied both, where one of them says that the order does not matter", async ({ db }) => {
    const folder = folderOf({
      "0002_orders.sql": "create table o ();",
      "0002_invoices.sql": "-- godwit: out-of-order=allow\ncreate table i ();",
    });
    const target = targetOf({ url: db.url, folder });
    const { problems } = await refusalOf(up(target));
    expect(problems[0]?.hint).toContain("0002_orders.sql");
    writeFiles(folder, { "0002_orders.sql": "-- godwit: out-of-order=allow\ncreate table o ();" });
    expect((await up(target)).steps).toHaveLength(2);
  });
});
