/** What the tool is carrying out is not declared here: it would fail on our row, and take its work back. */
import { describe } from "vitest";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { waiters } from "../support/sessions.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";
import { until } from "../support/until.ts";

const body = (table: string) => `create table ${table} (id int);\ninsert into ${table} values (1);\n`;
const file = (table: string) => `-- migrate:up\n${body(table)}-- migrate:down\ndrop table ${table};\n`;

async function scene(db: TestDatabase) {
  const folder = folderOf({ "01_a.sql": file("a") });
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  await up(target);
  writeFiles(folder, { "02_b.sql": file("b") });
  const request = { kind: "mark-done", revision: "02_b", position: null } as const;
  const declare = {
    baseline: () => baseline(target, "02_b", recorder()),
    repair: () => repair(target, request, { confirm: db.name }, recorder()),
  };
  const tool = await db.connect();
  await tool.query("begin");
  await tool.query(`-- migrate:up\n${body("b")}`);
  return { target, declare, tool };
}

describe("dbmate, mirrored, is in the middle of a file", () => {
  test.for(["baseline", "repair"] as const)("%s refuses, and what it did is there", async (how, { db }) => {
    const { target, declare, tool } = await scene(db);
    const { codes, error } = await refusalOf(declare[how]());
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.message).toContain("02_b is being carried out by dbmate");
    expect(await appliedIn(db)).toEqual(["01_a"]);
    await tool.query("insert into schema_migrations values ('02'); commit");
    expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(["01_a", "02_b"]);
    expect(await db.sql("select * from b")).toHaveLength(1);
  });

  test.for(["baseline", "repair"] as const)(
    "%s, while it has its row and has not committed",
    async (how, { db }) => {
      const { target, declare, tool } = await scene(db);
      await tool.query("insert into schema_migrations values ('02')");
      const declared = refusalOf(declare[how]());
      await until(async () => (await waiters(db, "schema_migrations")) === 1);
      await tool.query("commit");
      const { codes, error } = await declared;
      expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
      expect(error.message).toContain("02_b is in the history of dbmate");
      expect((await up(target)).steps).toEqual([]);
    },
  );

  test.for(["baseline", "repair"] as const)(
    "%s, after it gave up: its row is written",
    async (how, { db }) => {
      const { target, declare, tool } = await scene(db);
      await tool.query("rollback");
      await db.sql(body("b"));
      await declare[how]();
      expect(await db.sql("select version from schema_migrations order by 1")).toHaveLength(2);
      expect((await up(target)).steps).toEqual([]);
    },
  );
});
