import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

describe("20: All pending files run in one transaction: a new enum value cannot be used, and one failure takes all back", () => {
  test("each has a transaction of its own", async ({ db }) => {
    const folder = folderOf({
      "0001_type.sql": "create type colour as enum ('red'); create table things (c colour);",
      "0002_value.sql": "alter type colour add value 'green';",
      "0003_use.sql": "insert into things values ('green');",
      "0004_fails.sql": "insert into things values ('blue');",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      place: { file: "0004_fails.sql" },
    });
    expect(await db.sql("select c from things")).toEqual([{ c: "green" }]);
    expect(
      await db.sql(
        `select count(distinct transaction_id)::int as n, count(*)::int as rows from "${ledgerSchema}".migration_history`,
      ),
    ).toEqual([{ n: 3, rows: 3 }]);
  });

  test("a file that adds a value and uses it is run statement by statement", async ({ db }) => {
    const folder = folderOf({
      "0001_type.sql": "create type colour as enum ('red'); create table things (c colour);",
      "0002_both.sql": "alter type colour add value 'green';\ninsert into things values ('green');",
    });
    const report = await up(targetOf({ url: db.url, folder }));
    expect(report.steps.map((step) => step.transactional)).toEqual([true, false]);
    expect(await db.sql("select c from things")).toEqual([{ c: "green" }]);
  });
});
