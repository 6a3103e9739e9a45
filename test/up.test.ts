/** The first promise: what `up` says is done is in the database and in the ledger, once. */
import { describe } from "vitest";
import { migrate } from "../src/run/migrate.ts";
import { expect, ledgerSchema, test } from "./support/database.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "./support/target.ts";

const LEDGER = `select revision, state, kind from "${ledgerSchema}".migration_history order by sequence`;

describe("up", () => {
  test("applies every kind of migration once, in order", async ({ db }) => {
    const folder = folderOf({
      "0001_shops.sql":
        "create table shops (id int primary key, name text);\ninsert into shops values (1, 'A;b ä');",
      "0002_slug.up.sql": "alter table shops add slug text;",
      "0002_slug.down.sql": "alter table shops drop slug;",
      "0003_fill.ts": `export async function up({ sql, schema }: any) {
  const rows = await sql\`update shops set slug = lower(name) where slug is null returning id\`;
  if (rows.count !== 1) throw new Error("rows " + rows.count);
  await schema.createTable("orders").addColumn("id", "integer", (c: any) => c.primaryKey()).execute();
}
export async function down({ schema }: any) { await schema.dropTable("orders").execute(); }
`,
      "0004_index.sql":
        "create index concurrently shops_slug on shops (slug);\ncreate table after_index (id int);",
      "repeatable/overview.sql": "create or replace view overview as select count(*) as n from shops;",
    });
    const target = targetOf({ url: db.url, folder });
    const report = await up(target);
    expect(report.outcome).toBe("done");
    expect(report.steps.map((step) => step.revision)).toEqual([
      "0001_shops",
      "0002_slug",
      "0003_fill",
      "0004_index",
      "overview",
    ]);
    expect(await db.sql("select slug from shops")).toEqual([{ slug: "a;b ä" }]);
    expect((await db.sql(LEDGER)).map((row) => `${row.revision} ${row.state}`)).toEqual([
      "0001_shops applied",
      "0002_slug applied",
      "0003_fill applied",
      "0004_index applied",
      "overview applied",
    ]);

    expect((await up(target)).steps).toEqual([]);

    writeFiles(folder, {
      "repeatable/overview.sql":
        "create or replace view overview as select count(*) as n, 1 as v from shops;",
    });
    expect((await up(target)).steps.map((step) => step.revision)).toEqual(["overview"]);
  });

  test("names file, line, column and caret of what the server refuses, and keeps nothing of it", async ({
    db,
  }) => {
    const folder = folderOf({
      "0001_ok.sql": "create table a (id int);",
      "0002_bad.sql": "create table b (id int);\n\n  insert into b (idd) values (1);",
      "0003_never.sql": "create table c (id int);",
    });
    const error = await up(targetOf({ url: db.url, folder })).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: "STEP_FAILED",
      place: { file: "0002_bad.sql", line: 3, column: 18 },
      report: { outcome: "failed", remaining: ["0003_never"], steps: [{ revision: "0001_ok" }] },
    });
    expect(error.place.excerpt).toContain("insert into b (idd)");
    expect(
      await db.sql("select to_regclass('a') as a, to_regclass('b') as b, to_regclass('c') as c"),
    ).toEqual([{ a: "a", b: null, c: null }]);
    expect(await db.sql(`select event, revision from "${ledgerSchema}".migration_log order by id`)).toEqual([
      { event: "applied", revision: "0001_ok" },
      { event: "failed", revision: "0002_bad" },
    ]);
  });

  test("a text that cannot be parsed stops everything behind it", async ({ db }) => {
    const folder = folderOf({
      "0001_bad.sql": "create tabel a (id int);",
      "0002_b.sql": "create table b (id int);",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "STEP_FAILED" });
    expect(await db.sql(LEDGER)).toEqual([]);
  });

  test("a deferred constraint that fails at the end stops everything behind it", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql":
        "create table a (id int primary key); create table b (a int references a deferrable initially deferred);",
      "0002_b.sql": "insert into b values (7);",
      "0003_c.sql": "create table c (id int);",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      place: { file: "0002_b.sql" },
    });
    expect(await db.sql(LEDGER)).toHaveLength(1);
  });

  test("down takes back what up did, newest first", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
      "0002_b.up.sql": "alter table a add b int;",
      "0002_b.down.sql": "alter table a drop b;",
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    const report = await migrate(target, down("-1"), recorder());
    expect(report.steps.map((step) => step.revision)).toEqual(["0002_b"]);
    await migrate(target, down("base"), recorder());
    expect(await db.sql(LEDGER)).toEqual([]);
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    expect((await up(target)).steps).toHaveLength(2);
  });
});

test.for([false, true])(
  "a view that nobody may read is named, and not what failed behind it (old values: %s)",
  async (undo, { db }) => {
    const a = "create table a (id int primary key, n int);";
    const fill = "-- godwit: backfill table=a undo=30d\nupdate a set n = 1 where :window;";
    const target = targetOf({
      url: db.url,
      folder: folderOf({ "0001_a.sql": a, ...(undo ? { "0002_b.sql": fill } : {}) }),
    });
    await up(target);
    await db.admin("revoke select on pg_catalog.pg_locks from public");
    await expect(up(target)).rejects.toThrow("permission denied for view pg_locks");
  },
);
