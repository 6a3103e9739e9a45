import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const INDEXES =
  "select indexrelid::regclass::text as name, indisvalid as valid from pg_index where indrelid = 'shops'::regclass order by 1";
const FILE = "create unique index concurrently if not exists shops_slug on shops (slug);";

describe("18: A failed CREATE INDEX CONCURRENTLY leaves an invalid index, and IF NOT EXISTS hides it", () => {
  test("ours is cleared away when it fails, and built when it can be", async ({ db }) => {
    await db.sql("create table shops (slug text); insert into shops values ('a'), ('a')");
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_slug.sql": FILE }) });
    await expect(up(target)).rejects.toMatchObject({
      code: "STEP_FAILED",
      details: { sqlState: "23505" },
    });
    expect(await db.sql(INDEXES)).toEqual([]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([]);
    await db.sql("delete from shops where ctid = (select min(ctid) from shops)");
    await up(target);
    expect(await db.sql(INDEXES)).toEqual([{ name: "shops_slug", valid: true }]);
  });

  test("one that somebody else left is built again", async ({ db }) => {
    await db.sql("create table shops (slug text); insert into shops values ('a'), ('a')");
    await expect(db.sql(FILE)).rejects.toMatchObject({ code: "23505" });
    expect(await db.sql(INDEXES)).toEqual([{ name: "shops_slug", valid: false }]);
    await db.sql("truncate shops");
    await up(targetOf({ url: db.url, folder: folderOf({ "0001_slug.sql": FILE }) }));
    expect(await db.sql(INDEXES)).toEqual([{ name: "shops_slug", valid: true }]);
  });

  test("one that no migration speaks of is warned about in every run", async ({ db }) => {
    await db.sql("create table shops (slug text); insert into shops values ('a'), ('a')");
    await expect(db.sql(FILE)).rejects.toMatchObject({ code: "23505" });
    const events = recorder();
    const report = await up(
      targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": "create table a (id int);" }) }),
      events,
    );
    expect(report.warnings).toMatchObject([
      { code: "STEP_INDEX_INVALID", message: expect.stringContaining("shops_slug") },
    ]);
    expect(await db.sql(INDEXES)).toEqual([{ name: "shops_slug", valid: false }]);
  });
});
