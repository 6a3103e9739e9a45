/** 27: a watermark skips older files, and the tool prints success. */
import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

describe("27: applied is a set, never everything older than the newest", () => {
  test("a file older than the newest applied one is pending, and no run passes it over in silence", async ({
    db,
  }) => {
    const folder = folderOf({ "0001_a.sql": "create table a ();", "0003_c.sql": "create table c ();" });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, { "0002_b.sql": "create table b ();" });

    const { codes, problems } = await refusalOf(up(target));
    expect(codes).toEqual(["PLAN_LATE"]);
    expect(problems[0]?.message).toContain("0002_b");

    const report = await up(target, undefined, { outOfOrder: true });
    expect(report.steps.map((step) => step.revision)).toEqual(["0002_b"]);
    expect(await appliedIn(db)).toEqual(["0001_a", "0003_c", "0002_b"]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("a run whose ledger lost a row in the end is no success", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": "create table a ();",
      "0002_b.sql": `delete from "${ledgerSchema}".migration_history where revision = '0001_a';`,
    });
    const { codes, error } = await refusalOf(up(targetOf({ url: db.url, folder })));
    expect(codes).toEqual(["RUN_INCOMPLETE"]);
    expect(error.message).toContain("0001_a");
  });
});
