/** What changes between two runs of a backfill: a place that is kept must mean the same when the next run reads it. */
import { describe } from "vitest";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, tenant int not null default 1, hits int not null default 0);
insert into products (id) select generate_series(1, 2000);`;
const SQL = "-- godwit: backfill table=products\nupdate products set hits = hits + 1 where :window;\n";
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";

/** A run that ends after its first window, of 100 rows. */
async function begun(target: ReturnType<typeof targetOf>): Promise<void> {
  const stop = new AbortController();
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") stop.abort(new Error("enough"));
  });
  await expect(up(target, { ...recorded, signal: stop.signal })).rejects.toThrow();
}

describe("between two runs of a backfill,", () => {
  test("a new primary key does not change what the place means", async ({ db }) => {
    const target = targetOf({
      url: db.url,
      folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL }),
    });
    await begun(target);
    await db.sql("alter table products drop constraint products_pkey, add primary key (tenant, id)");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("pages public.products by (id)"),
    });
    await db.sql("alter table products add unique (id)");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("a key of another type, or another table under the name, ends it", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    await begun(target);
    await db.sql("alter table products alter id type text");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringMatching(/\(id integer\).*\(id text /),
    });
    expect(await db.sql(HITS)).toEqual([
      { hits: 0, n: 1900 },
      { hits: 1, n: 100 },
    ]);
    await db.sql("alter table products alter id type int using id::int");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("the size of its windows may change, its key and its statement may not", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} alter table products add unique (tenant, id);`,
      "0002_b.sql": SQL,
    });
    const target = targetOf({ url: db.url, folder });
    await begun(target);
    for (const edited of [SQL.replace("products\n", "products key=tenant,id\n"), SQL.replace("+ 1", "+ 2")]) {
      writeFiles(folder, { "0002_b.sql": edited });
      await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
    }
    writeFiles(folder, { "0002_b.sql": SQL.replace("products\n", "products max-rows=70 min-rows=70\n") });
    const recorded = recorder();
    const report = await up(target, recorded);
    expect(report).toMatchObject({ outcome: "done", warnings: [] });
    const sizes = recorded.events.flatMap((event) =>
      event.kind === "backfill-progress" ? [event.windowRows] : [],
    );
    expect(sizes.slice(0, -1).every((rows) => rows === 70)).toBe(true);
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect((await up(target)).warnings).toEqual([]);
  });

  test("a statement that changed no row may be corrected", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL.replace("+ 1", "/ 0") });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toThrow("division by zero");
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
      { revision: "0001_a" },
    ]);
    writeFiles(folder, { "0002_b.sql": SQL });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("what is declared done is said not to be, with the key up to which it is", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    await begun(target);
    const request = { kind: "mark-done", revision: "0002_b", position: null } as const;
    const report = await repair(target, request, { confirm: db.name }, recorder());
    expect(report.warnings).toMatchObject([
      {
        code: "BACKFILL_REMAINDER",
        message: expect.stringContaining("not all of public.products is: it had come to id 100 of id 2000"),
      },
    ]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("a condition that PostgreSQL cannot read is refused before the first window", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("\n", "\n-- godwit: where hitz = 0\n"),
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_STATEMENT",
      message: expect.stringContaining('column "hitz" does not exist'),
    });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    writeFiles(folder, { "0002_b.sql": SQL.replace("\n", "\n-- godwit: where hits = 0\n") });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });
});

test.for(["hits = 0) or (hits = 1", "hits = 0 limit 5", "true; update products set hits = 9"])(
  "no condition is one in parentheses only, or one alone: %s",
  async (where, { db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("\n", `\n-- godwit: where ${where}\n`),
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_STATEMENT" });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
  },
);

test("a statement that changes another table by its own keys is refused", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": `${TABLE} create table orders (id int primary key, hits int not null default 0, product int references products);
insert into orders select n, 0, 1 + n % 2000 from generate_series(1, 5000) n;
create view shown as select * from products;`,
    "0002_b.sql": SQL.replace("update products", "update orders"),
  });
  const target = targetOf({ url: db.url, folder });
  await expect(up(target)).rejects.toMatchObject({
    code: "BACKFILL_TABLE",
    message: expect.stringContaining("changes public.orders"),
  });
  writeFiles(folder, {
    "0002_b.sql":
      "-- godwit: backfill table=products\nupdate orders o set hits = 1 from products p where :window(p) and o.product = p.id;\n",
    "0003_c.sql": SQL.replace("update products", "update shown"),
  });
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  expect(await db.sql(HITS.replace("products", "orders"))).toEqual([{ hits: 1, n: 5000 }]);
});

describe.skipIf(withoutPgbouncer)("behind PgBouncer in transaction mode", () => {
  test("the table is the one on the search path of the run", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      await db.sql("create schema tenant");
      await db.sql(
        "create table products (id int primary key, hits int not null default 0); insert into products values (1)",
      );
      await db.sql(TABLE.replaceAll("products", "tenant.products"));
      const folder = folderOf({
        "0001_b.sql": SQL.replace("\n", "\n-- godwit: where hits = 0\n"),
      });
      const target = targetOf({ url: pooler.url, folder, settings: { searchPath: "tenant" } });
      expect((await up(target)).outcome).toBe("done");
      expect(await db.sql(HITS.replace("products", "tenant.products"))).toEqual([{ hits: 1, n: 2000 }]);
      expect(await db.sql("select hits from public.products")).toEqual([{ hits: 0 }]);
    } finally {
      await pooler.stop();
    }
  });
});
