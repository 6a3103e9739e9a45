/** Triggers fire or do not, as the author says; and row-level security never hides rows from a backfill. */
import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0, seen text);
insert into products (id) select generate_series(1, 300);
create table fired (id int, by text);
create function note() returns trigger language plpgsql as $$ begin
  insert into fired values (new.id, tg_name); return new; end $$;
create trigger usual after update on products for each row execute function note();
create trigger always after update on products for each row execute function note();
alter table products enable always trigger always;
create function stamp() returns trigger language plpgsql as $$ begin new.seen := 'stamped'; return new; end $$;
create trigger stamps before update on products for each row execute function stamp();`;
const SQL = "-- godwit: backfill table=products\nupdate products set hits = hits + 1 where :window;\n";
const SKIP = SQL.replace("products\n", "products triggers=skip\n");
const FIRED = "select by, count(*)::int as n from fired group by by order by by";
const HITS = "select hits, seen, count(*)::int as n from products group by 1, 2";

describe("triggers of the table", () => {
  test("fire, unless the author says otherwise", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL }) });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(FIRED)).toEqual([
      { by: "always", n: 300 },
      { by: "usual", n: 300 },
    ]);
    expect(await db.sql(HITS)).toEqual([{ hits: 1, seen: "stamped", n: 300 }]);
  });

  test.for([
    ["a trigger", "create trigger moves before update on products for each row execute function move();"],
    [
      "a trigger of a partition",
      `create table parted (id int, hits int not null default 0, seen text, primary key (id)) partition by range (id);
create table part partition of parted for values from (0) to (1000);
insert into parted (id) select generate_series(1, 300); alter table products rename to former; alter table parted rename to products;
create trigger moves before update on part for each row execute function move();`,
    ],
  ])("that give a row another key are found: %s", async ([, trigger], { db }) => {
    const move =
      "create function move() returns trigger language plpgsql as $$ begin new.id := new.id + 500; return new; end $$;";
    const folder = folderOf({ "0001_a.sql": `${TABLE}${move}${trigger}`, "0002_b.sql": SQL });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "BACKFILL_OUTSIDE" });
    expect(await db.sql("select max(id), sum(hits)::int as hits from products")).toEqual([
      { max: 300, hits: 0 },
    ]);
  });

  test("are skipped only by a role that may, and in the windows alone", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SKIP });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_TRIGGERS",
      message: expect.stringContaining(`which role "${db.owner}" may not`),
    });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, seen: null, n: 300 }]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
      { revision: "0001_a" },
    ]);
    // A migration behind it has its triggers again.
    writeFiles(folder, { "0003_c.sql": "update products set hits = 7 where id = 5;" });
    expect((await up(targetOf({ url: db.adminUrl, folder }))).outcome).toBe("done");
    expect(await db.sql(FIRED)).toEqual([
      { by: "always", n: 301 },
      { by: "usual", n: 1 },
    ]);
    expect(await db.sql(`${HITS} order by hits`)).toEqual([
      { hits: 1, seen: null, n: 299 },
      { hits: 7, seen: "stamped", n: 1 },
    ]);
  });
});

test("row-level security that is forced is an error, and never an update of no row", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": `${TABLE} create policy visible on products using (id < 100);
alter table products enable row level security; alter table products force row level security;`,
    "0002_b.sql": SQL,
  });
  const target = targetOf({ url: db.url, folder });
  await expect(up(target)).rejects.toMatchObject({
    code: "STEP_FAILED",
    message: expect.stringContaining("row-level security"),
    hint: expect.stringContaining("-- godwit: row-security=on"),
  });
  expect(await db.admin(HITS)).toEqual([{ hits: 0, seen: null, n: 300 }]);
  writeFiles(folder, { "0002_b.sql": SQL.replace("\n", "\n-- godwit: row-security=on\n") });
  expect((await up(target)).outcome).toBe("done");
  expect(await db.admin(`${HITS} order by hits`)).toMatchObject([
    { hits: 0, n: 201 },
    { hits: 1, n: 99 },
  ]);
});
