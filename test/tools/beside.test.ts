/** A step outside of a transaction, and the tool's row that appears beside it: refused by name, with a way out that works. */
import { repair } from "../../src/run/repair.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const FILES = {
  "01_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\n",
  "02_i.sql":
    "-- migrate:up transaction:false\ncreate index concurrently i on a (id);\ninsert into schema_migrations values ('02');\n-- migrate:down\n",
};

test("the row appeared while its statements ran", async ({ db }) => {
  const folder = folderOf(FILES);
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  // What the file itself writes stands for what dbmate writes meanwhile.
  for (const _ of ["first", "again"]) {
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.message).toContain("02_i is in the history of dbmate");
    expect(error.hint).toContain("godwit repair --mark-done 02_i");
  }
  await repair(
    target,
    { kind: "mark-done", revision: "02_i", position: null },
    { confirm: db.name },
    recorder(),
  );
  expect((await up(target)).steps).toEqual([]);
  expect(await appliedIn(db)).toEqual(["01_a", "02_i"]);
  expect(await db.sql("select version from schema_migrations order by 1")).toEqual([
    { version: "01" },
    { version: "02" },
  ]);
});

test("the row appeared between a failure and the next run", async ({ db }) => {
  const folder = folderOf({
    ...FILES,
    "02_i.sql":
      "-- migrate:up transaction:false\ncreate index concurrently i on a (id);\ninsert into later values (1);\n-- migrate:down\n",
  });
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  expect((await refusalOf(up(target))).codes).toEqual(["STEP_FAILED"]);
  await db.sql("create table later (id int); insert into schema_migrations values ('02')");
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
  expect(error.hint).toContain("godwit repair --mark-done 02_i");
  expect(await db.sql("select * from later")).toEqual([]);
  await repair(
    target,
    { kind: "mark-done", revision: "02_i", position: null },
    { confirm: db.name },
    recorder(),
  );
  expect((await up(target)).steps).toEqual([]);
});

test("an advisory lock that a dead run has left: the hint ends its session", async ({ db }) => {
  const folder = folderOf({ "1_a.sql": "-- Up Migration\ncreate table a (id int);\n" });
  const target = await targetIn("node-pg-migrate", { url: db.url, folder, settings: { lockWaitMs: 0 } });
  const dead = await db.connect();
  dead.on("error", () => {});
  await dead.query("set application_name = 'left behind'");
  await dead.query("select pg_advisory_lock(7241865325823964)");
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
  expect(error.message).toContain("of left behind, idle since");
  const [sql] = /select pg_terminate_backend\(\d+\)/.exec(error.hint ?? "") ?? [];
  await db.admin(sql ?? "");
  expect((await up(target)).steps).toHaveLength(1);
});
