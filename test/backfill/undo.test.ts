/** Old values that a backfill keeps: all of them come back, of every type, however often the way back is ended. */
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { chanceFor } from "../support/seed.ts";
import { down, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";
import { KEYS } from "./key-kinds.ts";

const TABLE = `create table products (id int primary key, name text not null, slug text, hits int not null default 0);
insert into products (id, name, slug) select n, 'Name ' || n, case when n % 3 = 0 then 'old ' || n end from generate_series(1, 1000) n;
create table before as select * from products;`;
const SQL = `-- godwit: backfill table=products undo=yes min-rows=50 max-rows=200
update products set slug = lower(name), hits = hits + 1 where :window and id % 10 <> 0;
`;
const SKIP = SQL.replace("undo=yes", "undo=yes triggers=skip");
const SHOUT = `
create function shout() returns trigger language plpgsql as $$ begin new.slug := upper(new.slug); return new; end $$;
create trigger shouts before update on products for each row execute function shout();`;
const DIFFERENT =
  "select p.id, p.slug, p.hits from products p join before b using (id) where p is distinct from b order by 1";
const KEPT = `select relname from pg_class where relnamespace = '"${ledgerSchema}"'::regnamespace and relname ~ 'migration_undo_' and relkind = 'r'`;
const HISTORY = `select revision, state from "${ledgerSchema}".migration_history order by 1`;

describe("a backfill with undo", () => {
  test("is taken back by down, and applied again", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    expect((await up(target)).outcome).toBe("done");
    const [{ relname } = { relname: "" }] = await db.sql(KEPT);
    expect(await db.sql(`select count(*)::int as n from "${ledgerSchema}"."${relname}"`)).toEqual([
      { n: 900 },
    ]);
    expect(await db.sql(DIFFERENT)).toHaveLength(900);

    const report = await migrate(target, down("-1"), recorder());
    expect(report).toMatchObject({ outcome: "done", warnings: [] });
    expect(await db.sql(DIFFERENT)).toEqual([]);
    expect(await db.sql(KEPT)).toEqual([]);
    expect(await db.sql(HISTORY)).toEqual([{ revision: "0001_a", state: "applied" }]);

    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(DIFFERENT)).toHaveLength(900);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("rows that changed since are left, and named", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    // A column that the backfill did not set says nothing about those that it did.
    await db.sql(`update products set slug = 'mine' where id in (7, 8);
update products set name = 'Other' where id = 9; update before set name = 'Other' where id = 9;
delete from products where id in (21, 22, 23)`);
    const report = await migrate(target, down("-1"), recorder());
    expect(report.warnings).toMatchObject([
      {
        code: "BACKFILL_UNDO_LEFT",
        message: expect.stringMatching(
          /895 rows .* 5 do not: 2 rows were changed since, or by a trigger \(id 7; id 8\); 3 are deleted/,
        ),
      },
    ]);
    expect(await db.sql(DIFFERENT)).toMatchObject([
      { id: 7, slug: "mine" },
      { id: 8, slug: "mine" },
    ]);
  });

  test("goes on where it was ended, on the way there and on the way back", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    const ended = (run: (context: ReturnType<typeof recorder>) => Promise<unknown>) => {
      const recorded = recorder((event) => {
        if (event.kind === "backfill-progress") recorded.abort(new Error("ended by the test"));
      });
      return expect(run(recorded)).rejects.toThrow();
    };
    await ended((context) => up(target, context));
    await ended((context) => up(target, context));
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(DIFFERENT)).toHaveLength(900);
    await ended((context) => migrate(target, down("-1"), context));
    expect(await db.sql(HISTORY)).toMatchObject([{}, { state: "reverting" }]);
    await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
    await ended((context) => migrate(target, down("0001_a"), context));
    await migrate(target, down("0001_a"), recorder());
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("what it begins anew keeps the values from before its first attempt", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} alter table products add check (hits <> 2 or id <> 905);`,
      "0002_b.sql": SQL,
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    // As `repair --retry` leaves it: the rows are changed, and the next run begins at the first.
    await db.sql(`delete from "${ledgerSchema}".migration_history where revision = '0002_b';
update "${ledgerSchema}".migration_log set event = 'failed' where revision = '0002_b';
update products set slug = 'mine', hits = 0 where id = 5; update before set slug = 'mine' where id = 5`);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
    await db.sql("update products set hits = 0 where id = 905");
    await db.sql("update before set slug = 'name 905' where id = 905");
    await up(target);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("triggers that it skips see nothing of the way back either", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": `${TABLE}${SHOUT}`, "0002_b.sql": SKIP });
    const target = targetOf({ url: db.adminUrl, folder });
    await up(target);
    expect((await migrate(target, down("-1"), recorder())).warnings).toEqual([]);
    expect(await db.admin(DIFFERENT)).toEqual([]);
  });

  test("rows that a trigger gives another value on the way back are named", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": `${TABLE}${SHOUT}`, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    const { warnings } = await migrate(target, down("-1"), recorder());
    const different = await db.sql(DIFFERENT);
    expect(different).toHaveLength(300);
    expect(warnings).toMatchObject([
      {
        code: "BACKFILL_UNDO_LEFT",
        message: expect.stringMatching(/600 rows .* 300 do not: 300 rows .* trigger \(id 3; id 6;/),
      },
    ]);
  });

  test("no window of a run before it is committed behind the way back", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("undo=yes", "undo=yes parallel=4"),
    });
    const target = targetOf({ url: db.url, folder });
    const ended = () => {
      const recorded = recorder((event) => {
        if (event.kind === "backfill-progress") recorded.abort(new Error("enough"));
      });
      return recorded;
    };
    const claims = `select distinct claimed_by from "${ledgerSchema}".migration_backfill_ranges`;
    await expect(up(target, ended())).rejects.toThrow();
    const before = await db.sql(claims);
    expect(before).toHaveLength(1);
    const goal = { ...down("0002").goal, undo: true };
    await expect(migrate(target, { ...down("0002"), goal }, ended())).rejects.toThrow();
    const after = await db.sql(claims);
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  test("the time of an earlier attempt does not drop what a later one keeps", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} alter table products add check (hits <> 2 or id <> 905);`,
      "0002_b.sql": SQL.replace("undo=yes", "undo=1d"),
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await db.sql(`delete from "${ledgerSchema}".migration_history where revision = '0002_b';
update "${ledgerSchema}".migration_log set event = 'failed' where revision = '0002_b'`);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
    const expires = `select expires_at from "${ledgerSchema}".migration_backfill_undo`;
    expect(await db.sql(expires)).toEqual([{ expires_at: null }]);
    await db.sql(
      "update products set hits = 0 where id = 905; update before set slug = 'name 905' where id = 905",
    );
    expect((await up(target)).warnings).toEqual([]);
    expect(await db.sql(expires)).toEqual([{ expires_at: expect.any(Date) }]);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("in TypeScript too, beside a condition and a time", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.ts": `import { backfill } from "godwit";
export default backfill({ table: "products", set: { slug: "lower(name)" }, where: "slug is null or id in (select 0 from before)", undo: "30d" });
`,
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    expect(await db.sql(DIFFERENT)).toHaveLength(667);
    expect(
      await db.sql(
        `select keep_ms, expires_at > now() + interval '29 days' as later from "${ledgerSchema}".migration_backfill_undo`,
      ),
    ).toEqual([{ keep_ms: 30 * 86_400_000, later: true }]);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("of what a function sets, too: of the columns that it names, and of no others", async ({ db }) => {
    const module = (rest: string) => `import { backfill } from "godwit";
export default backfill({ table: "products", columns: ["name", "hits"], undo: true, maxRows: 200, ${rest} });
`;
    const rows =
      "rows: (rows) => rows.map(({ id, name, hits }) => id % 10 === 0 ? null : id % 2 ? { slug: name.toLowerCase(), hits: hits + 1 } : { hits: hits + 1 })";
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.ts": module(rows) });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "PLAN_BROKEN_FILE",
      hint: expect.stringContaining("whose old values `undo` keeps"),
    });
    for (const [writes, code, message] of [
      ['["hits"]', "BACKFILL_PATCH", "set slug, which its `writes` does not name"],
      ['["slug", "hitz"]', "BACKFILL_TABLE", "writes the column hitz"],
      ['["slug", "id"]', "BACKFILL_UNDO", "`rows` sets id, by which its rows are found again"],
    ] as const) {
      writeFiles(folder, { "0002_b.ts": module(`writes: ${writes}, ${rows}`) });
      await expect(up(target)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
      expect(await db.sql(DIFFERENT)).toEqual([]);
    }
    writeFiles(folder, { "0002_b.ts": module(`writes: ["slug", "hits"], ${rows}`) });
    const ended = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 2) ended.abort(new Error("enough"));
    });
    await expect(up(target, ended)).rejects.toThrow();
    await up(target);
    expect(await db.sql(DIFFERENT)).toHaveLength(900);
    const [state] = await db.sql(`select rows, changed from "${ledgerSchema}".migration_backfills`);
    expect(state).toEqual({ rows: 1000, changed: 900 });
    await db.sql("update products set slug = 'mine' where id = 7");
    const { warnings } = await migrate(target, down("-1"), recorder());
    expect(warnings).toMatchObject([
      { code: "BACKFILL_UNDO_LEFT", message: expect.stringContaining("899 rows") },
    ]);
    expect(await db.sql(DIFFERENT)).toMatchObject([{ id: 7, slug: "mine", hits: 1 }]);
    expect(await db.sql(KEPT)).toEqual([]);
  });

  test("values of every kind come back as they were", async ({ db }) => {
    const kinds: Readonly<Record<string, readonly [type: string, ...values: string[]]>> = {
      float: ["float8", "'-0'", "'NaN'", "0.1::float8 + 0.2::float8", "'-Infinity'"],
      bytes: ["bytea", "'\\x00ff'", "''", "decode(repeat('ab', 90000), 'hex')"],
      number: ["numeric", "1.00", "'NaN'", "1e-300", "12345678901234567890.000000000000000001"],
      precise: ["numeric(10,3)", "1.5"],
      moment: ["timestamptz", "'infinity'", "'2024-03-31 00:59:59.999999+01'", "'4713-01-01 BC'"],
      span: ["interval", "'1 mon -3 days 00:00:00.000001'"],
      list: ["int[]", "'[3:4]={1,2}'", "'{}'", "'{{1,NULL},{3,4}}'"],
      texts: ["text[]", "array['', null, 'NULL', 'a\"b']"],
      json: ["json", "'null'", '\'{"a":1, "a":  2}\''],
      jsonb: ["jsonb", "'null'", "'{\"b\":[1.0]}'"],
      place: ["place", "row('Berlin', null)", "row(null, null)"],
      mood: ["mood", "'sad'"],
      code: ["code", "'abc'"],
      address: ["inet", "'10.0.0.1/8'"],
      range: ["tstzrange", "'[2024-01-01,)'", "'empty'"],
      mark: ["char(5)", "'a'"],
      bits: ["bit varying", "B'101'"],
      sum: ["money", "12.5::numeric::money"],
      at: ["point", "point(1.5, 'NaN')"],
      xml: ['text collate "C"', "'<a>\u00e4</a>'", "repeat('lang', 50000)"],
    };
    const names = Object.keys(kinds);
    const most = Math.max(...Object.values(kinds).map((kind) => kind.length - 1));
    const rows = Array.from({ length: most + 1 }, (_, at) => {
      const cells = Object.values(kinds).map(([type, ...values]) => {
        const value = at === most ? "null" : (values[at % values.length] ?? "null");
        return `(${value})::${type.replace(/ collate .*/, "")}`;
      });
      return `(${at}, ${cells.join(", ")})`;
    });
    const set = names.map(
      (name) => `${name} = case when ${name} is null then (select ${name} from before where id = 0) end`,
    );
    const folder = folderOf({
      "0001_a.sql": `create type place as (town text, lot int); create type mood as enum ('sad', 'glad'); create domain code as varchar(3);
create table things (id int primary key, ${names.map((name) => `${name} ${kinds[name]?.[0]}`).join(", ")});
insert into things values ${rows.join(",\n")};
create table before as select * from things;`,
      "0002_b.sql": `-- godwit: backfill table=things undo=30d min-rows=2\nupdate things t set ${set.join(",\n")} where :window(t);\n`,
    });
    const target = targetOf({ url: db.url, folder });
    const same = "select t.id from things t join before b using (id) where not (t *= b)";
    await up(target);
    expect(await db.sql(same)).toHaveLength(most + 1);
    expect((await migrate(target, down("-1"), recorder())).warnings).toEqual([]);
    expect(await db.sql(same)).toEqual([]);
  });

  test("is refused where an old value would not be known", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE });
    const target = targetOf({ url: db.url, folder });
    const refused: Readonly<Record<string, string>> = {
      "update products set hits = 1 where :window returning id;": "is not an UPDATE of the table",
      "delete from products where :window;": "is not an UPDATE of the table",
      "update products set id = id where :window;": "sets id, by which its rows are found again",
      "update products set hitz = 1 where :window;": "sets hitz, which is no column",
    };
    for (const [text, message] of Object.entries(refused)) {
      writeFiles(folder, { "0002_b.sql": `-- godwit: backfill table=products undo=yes\n${text}\n` });
      await expect(up(target)).rejects.toThrow(message);
    }
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });
});

describe("godwit backfill", () => {
  test("undo brings back a half of it, and one that later migrations stand on", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL,
      "0003_c.sql": "alter table products add column later int;",
    });
    const target = targetOf({ url: db.url, folder });
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 2) recorded.abort(new Error("enough"));
    });
    await expect(up(target, recorded)).rejects.toThrow();
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    const changed = (await db.sql(DIFFERENT)).length;
    expect(changed).toBeGreaterThan(0);
    expect((await godwit.fails(1, "backfill", "forget", "0002")).stderr).toContain("godwit up");
    expect((await godwit("backfill", "undo", "0002")).stderr).toContain("0002_b reverted");
    expect(await db.sql(DIFFERENT)).toEqual([]);
    expect(await db.sql(HISTORY)).toEqual([{ revision: "0001_a", state: "applied" }]);
    await up(target);
    expect((await godwit("backfill", "undo", "0002_b", "--json")).json.report.steps).toMatchObject([
      { revision: "0002_b", direction: "down" },
    ]);
    expect(await db.sql("select count(*)::int as n from products where hits > 0")).toEqual([{ n: 0 }]);
    expect((await godwit.fails(1, "backfill", "undo", "0001")).stderr).toContain("has no old values");
    expect((await godwit.fails(1, "backfill", "undo", "0002")).stderr).toContain("is not applied");
    expect((await up(target, recorder(), { outOfOrder: true })).outcome).toBe("done");
  });

  test("forget drops them, and down says that there is no way back before it reverts anything", async ({
    db,
  }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL,
      "0003_c.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;",
    });
    await using migrator = createMigrator({
      dir: folder,
      databaseUrl: db.url,
      ledgerSchema,
      environment: {},
    });
    await migrator.up();
    expect(await migrator.backfills.forget("0002")).toEqual({
      revision: "0002_b",
      table: "public.products",
    });
    expect(await db.sql(KEPT)).toEqual([]);
    await expect(migrator.backfills.forget("0002")).rejects.toMatchObject({ code: "BACKFILL_UNDO" });
    await expect(migrator.backfills.undo("0002")).rejects.toMatchObject({ code: "BACKFILL_UNDO" });
    await expect(migrator.down("0001")).rejects.toMatchObject({ code: "BACKFILL_UNDO" });
    expect(await db.sql(HISTORY)).toHaveLength(3);
  });

  test("what its refusals advise leads on", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const target = targetOf({ url: db.url, folder });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    const ended = () =>
      recorder((event) => {
        if (event.kind === "backfill-progress") stopping.abort(new Error("enough"));
      });
    let stopping = ended();
    await expect(up(target, stopping)).rejects.toThrow();
    expect((await godwit.fails(1, "backfill", "forget", "0002")).stderr).toContain("`godwit up`");
    await godwit("up");
    stopping = ended();
    await expect(migrate(target, down("-1"), stopping)).rejects.toThrow();
    const half = await godwit.fails(1, "backfill", "forget", "0002");
    expect(half.stderr).toContain("`godwit backfill undo 0002_b`");
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(DIFFERENT)).toEqual([]);
    expect((await godwit.fails(1, "backfill", "undo", "0002")).stderr).toContain("`godwit status`");
    expect((await godwit("status", "--json")).json.pending).toBe(1);

    // An earlier attempt has kept the values of other columns.
    await godwit("up");
    await db.sql(`delete from "${ledgerSchema}".migration_history where revision = '0002_b';
update "${ledgerSchema}".migration_log set event = 'failed' where revision = '0002_b'`);
    writeFiles(folder, { "0002_b.sql": SQL.replace("hits = hits + 1", "name = name || '!'") });
    const other = await godwit.fails(1, "up");
    expect(other.stderr).toContain("`godwit backfill forget 0002_b`");
    await godwit("backfill", "forget", "0002_b");
    await godwit("up");
    await godwit("backfill", "forget", "0002_b");
    expect((await godwit.fails(1, "backfill", "forget", "0002_b")).stderr).toContain("`godwit status`");
    expect((await godwit("status", "--json")).json.pending).toBe(0);
    expect((await godwit.fails(1, "down", "-1")).stderr).toContain("`godwit new <name>`");
    await godwit("new", "correction");
  });

  test("where a half of it is in the way, that is advised, and leads on", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL, "0003_c.sql": "select 1;" });
    const target = targetOf({ url: db.url, folder });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    const ended = () => {
      const recorded = recorder((event) => {
        if (event.kind === "backfill-progress") recorded.abort(new Error("enough"));
      });
      return recorded;
    };
    await expect(up(target, ended())).rejects.toThrow();
    expect((await godwit.fails(1, "down", "0001")).stderr).toContain("`godwit backfill undo 0002_b`");
    await godwit("backfill", "undo", "0002_b");
    await godwit("up");
    const goal = { ...down("0002").goal, undo: true };
    await expect(migrate(target, { ...down("0002"), goal }, ended())).rejects.toThrow();
    expect((await godwit.fails(1, "up")).stderr).toContain("`godwit backfill undo 0002_b`");
    expect((await godwit("backfill")).stdout).toMatch(/taken back in part.*`godwit backfill undo 0002_b`/);
    const [told] = (await godwit("backfill", "--json")).json.backfills;
    expect(told).toMatchObject({
      ...{ state: "reverting", share: expect.any(Number), slowedBy: null, windowRows: 50 },
      undo: { restored: 50, changed: 0, gone: 0, position: ["55"] },
    });
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(DIFFERENT)).toEqual([]);
  });

  test("old values go when their time is over, which the next run says", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL.replace("undo=yes", "undo=1d") });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    expect((await up(target)).warnings).toEqual([]);
    await db.sql(
      `update "${ledgerSchema}".migration_backfill_undo set expires_at = expires_at - interval '25 hours'`,
    );
    expect((await up(target)).warnings).toMatchObject([{ code: "BACKFILL_UNDO_EXPIRED" }]);
    expect(await db.sql(KEPT)).toEqual([]);
    expect((await up(target)).warnings).toEqual([]);
  });
});

describe.each(Object.entries(KEYS))("old values by %s", (kind, { columns, values }) => {
  test("come back once, beside writers, however often both ways are ended", async ({ db }) => {
    const random = chanceFor(`undo by ${kind}`);
    const names = columns.map((column) => column.split(" ")[0] ?? "");
    const partitions = kind.includes("partition");
    await db.sql(`create table rows (${columns.join(", ")}, n int not null, value int not null, touched int not null default 0,
  primary key (${names.join(", ")}))${partitions ? " partition by list (region)" : ""}`);
    if (partitions)
      for (const region of [0, 1, 2])
        await db.sql(`create table rows_${region} partition of rows for values in (${region})`);
    await db.sql(`insert into rows select ${values}, n, n from generate_series(1, 400) n`);
    const most = random.int(1, 90);
    const folder = folderOf({
      "0001_a.sql": "select 1;",
      "0002_b.sql": `-- godwit: backfill table=rows key=${names.join(",")} undo=yes parallel=${random.int(1, 3)} min-rows=${random.int(1, most)} max-rows=${most}
update rows r set value = r.value + 1000 where :window(r) and r.n % 3 <> 0;
`,
    });
    const target = targetOf({ url: db.url, folder });
    for (const options of [UP, down("0001_a")]) {
      for (let outcome: string | undefined, tries = 0; outcome !== "done"; tries++) {
        expect(tries).toBeLessThan(500);
        const after = random.int(1, 12);
        let windows = 0;
        const recorded = recorder((event) => {
          if (event.kind !== "backfill-progress") return;
          if (++windows === after) recorded.abort(new Error("ended by the test"));
        });
        const from = random.int(1, 380);
        const writing = db.sql(
          `update rows set touched = touched + 1 where n between ${from} and ${from + 20}`,
        );
        outcome = await migrate(target, options, recorded).then(
          (report) => {
            expect(report.warnings).toEqual([]);
            return report.outcome;
          },
          (error: unknown) => {
            if (!recorded.signal.aborted) throw error;
            return undefined;
          },
        );
        await writing;
      }
      const changed = options === UP ? "n + case when n % 3 <> 0 then 1000 else 0 end" : "n";
      expect(await db.sql(`select * from rows where value <> ${changed}`)).toEqual([]);
    }
    expect(await db.sql(KEPT)).toEqual([]);
  });
});
