/** What a backfill is for: every row up to the bound once, whatever happens in between. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { running } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id bigint primary key, name text not null, slug text, hits int not null default 0);
insert into products (id, name) select n * 3, 'Name ' || n from generate_series(1, 5000) n;`;
const SQL = `-- godwit: backfill table=products key=id min-rows=50 max-rows=700
-- godwit: where slug is null
update products p set slug = lower(p.name), hits = hits + 1 where :window(p);
`;
const LEFT = "select count(*)::int as n from products where slug is null or hits <> 1";
const STATE = `select rows, changed, windows, position, bound, finished_at is not null as finished from "${ledgerSchema}".migration_backfills`;

describe("a backfill", () => {
  test("in SQL: each row once, in windows that grow", async ({ db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_slug.sql": SQL });
    const recorded = recorder();
    const report = await up(targetOf({ url: db.url, folder }), recorded);
    expect(report.outcome).toBe("done");
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
    const [state] = await db.sql(STATE);
    expect(state).toMatchObject({
      rows: 5000,
      changed: 5000,
      position: ["15000"],
      bound: ["15000"],
      finished: true,
    });
    const sizes = recorded.events.flatMap((event) =>
      event.kind === "backfill-progress" ? [event.windowRows] : [],
    );
    expect(sizes[0]).toBe(50);
    expect(Math.max(...sizes)).toBe(700);
    expect(sizes.length).toBe(state?.windows);
  });

  test("in TypeScript: rows that have their value are not written", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} update products set slug = lower(name) where id % 2 = 0;`,
      "0002_slug.ts": `import { backfill } from "godwit";
export default backfill({ table: "products", where: "slug is null", set: { slug: "lower(name)" }, minRows: 1000 });
`,
    });
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
    expect(await db.sql("select count(*)::int as n from products where slug is null")).toEqual([{ n: 0 }]);
    expect(await db.sql(STATE)).toMatchObject([{ rows: 5000, changed: 2500, finished: true }]);
  });

  test("a row that PostgreSQL refuses is found, the rest is done, and the next run tries that row", async ({
    db,
  }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} alter table products add check (slug <> 'name 777');`,
      "0002_slug.sql": SQL,
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_ROWS",
      message: expect.stringContaining("(id 2331)"),
      hint: expect.stringContaining("are done and stay; no window is left: run again when that is corrected"),
    });
    expect(await db.sql(LEFT)).toEqual([{ n: 1 }]);
    await db.sql("update products set name = 'Mended' where id = 2331");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
    expect(await db.sql(STATE)).toMatchObject([{ rows: 5000, changed: 5000, finished: true }]);
  });

  test("a statement that ignores its window is refused, and nothing of it is kept", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_slug.sql":
        "-- godwit: backfill table=products\nupdate products set hits = hits + 1 where :window or true;",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "BACKFILL_OUTSIDE" });
    expect(await db.sql("select sum(hits)::int as n from products")).toEqual([{ n: 0 }]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
      { revision: "0001_table" },
    ]);
  });

  test("what its condition still selects at the end is named", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_slug.sql": SQL.replace("lower(p.name)", "nullif(lower(p.name), 'name 9')"),
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "BACKFILL_REMAINDER",
      message: expect.stringContaining("id 27"),
    });
  });

  test.for([
    ["the file", "--retry", 5000],
    ["the rows", null, 0],
    ["the condition", null, 0],
  ] as const)("what its condition still selects is mended by %s", async ([what, repair, again], { db }) => {
    const wrong = SQL.replace("lower(p.name)", "nullif(lower(p.name), 'name 9')");
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_slug.sql": wrong });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.problems).toMatchObject([
      { code: "BACKFILL_REMAINDER", hint: expect.stringContaining("`godwit repair --retry 0002_slug`") },
    ]);
    if (what === "the file") writeFiles(folder, { "0002_slug.sql": SQL });
    if (what === "the rows") await db.sql("update products set slug = 'mended' where slug is null");
    if (what === "the condition")
      writeFiles(folder, { "0002_slug.sql": wrong.replace("slug is null", "slug is null and id <> 27") });
    const { n: before } = (await db.sql("select sum(hits)::int as n from products"))[0] as { n: number };
    if (repair !== null) await godwit("repair", repair, "0002_slug", "--confirm", db.name);
    await godwit("up");
    const { n: after } = (await db.sql("select sum(hits)::int as n from products"))[0] as { n: number };
    expect(after - before).toBe(again);
  });

  test("the check at the end is watched and cancelled too, and all windows stay", async ({ db }) => {
    const slow = "-- godwit: where hits = 7 or (select count(*) from pg_sleep(600)) = 0";
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_slug.sql": SQL.replace("-- godwit: where slug is null", slow),
    });
    const recorded = recorder();
    const run = up(targetOf({ url: db.url, folder }), recorded);
    await running(db, /as key from [^;]*pg_sleep/);
    // It is watched like a window: how long it takes is told, and it is cancelled.
    await recorded.once("step-progress");
    recorded.abort(new Error("enough"));
    await expect(run).rejects.toThrow("5,000 rows of public.products up to id 15000 are done and stay");
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
    expect(await db.sql(STATE)).toMatchObject([{ rows: 5000, finished: false }]);
  });

  test("it is ended between two windows, and goes on behind the last", async ({ db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_slug.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    const stop = new AbortController();
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 3) stop.abort(new Error("enough"));
    });
    await expect(up(target, { ...recorded, signal: stop.signal })).rejects.toThrow();
    expect(await db.sql(STATE)).toMatchObject([{ windows: 3, finished: false }]);
    writeFiles(folder, { "0002_slug.sql": SQL.replace("hits + 1", "hits + 2") });
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
    writeFiles(folder, { "0002_slug.sql": SQL });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
  });
});
