/** 41: an older image meets a newer database, and a roll-back of the deployment crash-loops. */
import { describe } from "vitest";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const OLD = { "0001_a.sql": "create table a ();", "0002_b.ts": "export async function up() {}" };
const ADDED = {
  "0003_c.sql": "create table c ();",
  "repeatable/v.sql": "create or replace view v as select 1;",
};

describe("41: an older release on a newer database", () => {
  test("warns, changes nothing and is done", async ({ db }) => {
    await up(targetOf({ url: db.url, folder: folderOf({ ...OLD, ...ADDED }) }));
    const report = await up(targetOf({ url: db.url, folder: folderOf(OLD) }));
    expect(report).toMatchObject({ outcome: "done", steps: [] });
    expect(report.warnings).toMatchObject([{ code: "PLAN_VANISHED", details: { revisions: ["0003_c"] } }]);
  });

  test("leaves a view of the newer release alone, and says so", async ({ db }) => {
    const view = (columns: string) => ({
      "repeatable/v.sql": `create or replace view v as select ${columns} from t;`,
    });
    const first = { "0001_t.sql": "create table t (id int);" };
    const older = targetOf({ url: db.url, folder: folderOf({ ...first, ...view("id") }) });
    await up(older);
    const next = { "0002_name.sql": "alter table t add name text;" };
    await up(targetOf({ url: db.url, folder: folderOf({ ...first, ...next, ...view("id, name") }) }));

    const report = await up(older);
    expect(report.steps).toEqual([]);
    expect(report.warnings.map((warning) => warning.message).join()).toContain("repeatable/v.sql differs");
    expect(await db.sql("select name from v")).toEqual([]);
  });

  test("is refused where a migration says that it needs a newer one, and that newer one is not", async ({
    db,
  }) => {
    const first = { "0003_readers.sql": "create table c ();" };
    const contract = {
      "0004_contract.sql": "-- godwit: minimum-revision=0003_readers\ndrop table a;",
    };
    await up(targetOf({ url: db.url, folder: folderOf({ ...OLD, ...first, ...contract }) }));

    const { problems } = await refusalOf(up(targetOf({ url: db.url, folder: folderOf(OLD) })));
    expect(problems).toMatchObject([
      {
        code: "PLAN_MINIMUM_REVISION",
        details: { revision: "0004_contract", minimumRevision: "0003_readers" },
      },
    ]);
    const previous = targetOf({ url: db.url, folder: folderOf({ ...OLD, ...first }) });
    expect(await up(previous)).toMatchObject({ outcome: "done", steps: [] });
  });
});
