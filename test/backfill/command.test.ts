/** A backfill by the command: what is said of it before, while it runs and after, and where it cannot run. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const FILES = {
  "migrations/0001_table.sql": `create table products (id int primary key, name text not null, slug text);
insert into products select n, 'Name ' || n from generate_series(1, 2000) n;`,
  "migrations/0002_slug.sql": `-- godwit: backfill table=products
-- godwit: where slug is null
update products set slug = lower(name) where :window;
`,
  "migrations/0002_slug.down.sql": "update products set slug = null;",
};

describe("godwit, with a backfill,", () => {
  test("up and down do it, and plan, a dry run and a script say what they can", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(FILES), url: db.url });
    expect((await godwit("plan")).stdout).toContain("0002_slug");
    // Only what is there can be looked at.
    await godwit("up", "+1");
    await db.sql("analyze products");
    const { stdout } = await godwit("plan");
    expect(stdout).toContain("0002_slug goes through public.products by id, about 2,000 rows.");
    expect(stdout).toContain("no room set aside (fillfactor 100)");
    await db.sql("create index named on products (lower(slug))");
    expect((await godwit("plan")).stdout).toContain("it sets slug (named)");
    await db.sql("drop index named; alter table products set (fillfactor = 80)");
    const { json } = await godwit("plan", "--json");
    expect(json.plan.backfills).toEqual([
      {
        revision: "0002_slug",
        table: "public.products",
        key: ["id"],
        ...{ rows: 2000, done: 0, left: 2000, refused: 0, waitsFor: null },
        indexes: 1,
        indexed: [],
        ...{ fillfactor: 80, byFunction: false },
      },
    ]);
    const script = await godwit.fails(1, "up", "--sql");
    expect(script.stderr).toContain("it is a backfill, whose windows follow the time that they take");
    const tried = await godwit("up", "--dry-run");
    expect(tried.stdout + tried.stderr).toMatch(/0002_slug.*(?:not tried|backfill)/s);
    expect((await godwit("up")).stderr).toContain("0002_slug applied");
    const left = "select count(*)::int as n from products where slug is null";
    expect(await db.sql(left)).toEqual([{ n: 0 }]);
    await godwit("down", "-1");
    expect(await db.sql(left)).toEqual([{ n: 2000 }]);
    // Its figures are none of what is pending.
    expect((await godwit("backfill", "--json")).json.backfills).toMatchObject([
      { state: "pending", rows: 0 },
    ]);
    await godwit("up");
    expect(await db.sql(left)).toEqual([{ n: 0 }]);
  });

  test("a table without a key, a missing one and an unusable statement have their answers", async ({
    db,
  }) => {
    const answer = async (sql: string) => {
      const folder = folderOf({
        "migrations/0001_a.sql":
          "create table bare (id int); create table keyed (id int unique, code text not null unique);",
        "migrations/0002_b.sql": sql,
      });
      const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
      return json.problems[0];
    };
    expect(
      await answer("-- godwit: backfill table=bare\nupdate bare set id = 1 where :window"),
    ).toMatchObject({
      code: "BACKFILL_KEY",
      message: expect.stringContaining("public.bare, which has no primary key"),
    });
    expect(
      await answer("-- godwit: backfill table=keyed key=id\nupdate keyed set id = 1 where :window"),
    ).toMatchObject({ code: "BACKFILL_KEY", message: expect.stringContaining("id may be NULL") });
    expect(
      await answer("-- godwit: backfill table=keyed\nupdate keyed set id = 1 where :window"),
    ).toMatchObject({ code: "BACKFILL_KEY", hint: expect.stringContaining("key=code") });
    expect(await answer("-- godwit: backfill table=gone\nupdate gone set a = 1 where :window")).toMatchObject(
      {
        code: "BACKFILL_TABLE",
      },
    );
    expect(await answer("-- godwit: backfill table=bare\nupdate bare set id = 1")).toMatchObject({
      code: "PLAN_BROKEN_FILE",
      details: { code: "BACKFILL_STATEMENT" },
      place: { file: "0002_b.sql", line: 2 },
    });
    expect(
      await answer(
        "-- godwit: backfill table=keyed key=code\nupdate keyed set idd = 1 where :window and 'ü' <> ''",
      ),
    ).toMatchObject({ code: "STEP_FAILED", place: { line: 2, column: 18 } });
  });
});
