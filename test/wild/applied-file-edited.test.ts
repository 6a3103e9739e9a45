/** 34: either every edit of an applied file is refused, even of a comment, or none is noticed. */
import { describe } from "vitest";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const FILES = { "0001_a.sql": "create table a (id int);", "0002_b.sql": "create table b (id int);" };

describe("34: an applied file that was edited", () => {
  test("in comments and white space only is a warning, and the run is done", async ({ db }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, { "0001_a.sql": "-- What we sell.\nCREATE TABLE a (\n  id int /* key */\n);\n" });
    const report = await up(target);
    expect(report.outcome).toBe("done");
    expect(report.warnings).toMatchObject([{ code: "PLAN_EDITED", place: { file: "0001_a.sql" } }]);
  });

  test("in what it does stops the run, until the edit is accepted by name, which is logged", async ({
    db,
  }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, {
      "0001_a.sql": "create table a (id bigint);",
      "0003_c.sql": "create table c ();",
    });
    const { problems, error } = await refusalOf(up(target));
    expect(problems).toMatchObject([{ code: "PLAN_EDITED", details: { revision: "0001_a" } }]);
    expect(error.hint).toContain("godwit repair --accept 0001_a");
    expect(await db.sql("select to_regclass('c') as c")).toEqual([{ c: null }]);

    await repair(target, { kind: "accept", revision: "0001_a" }, { confirm: db.name }, recorder());
    expect(await up(target)).toMatchObject({ steps: [{ revision: "0003_c" }], warnings: [] });
    expect(
      await db.sql(`select host, executed_by from "${ledgerSchema}".migration_log where event = 'accepted'`),
    ).toEqual([{ host: "test-host", executed_by: db.owner }]);
  });
});
