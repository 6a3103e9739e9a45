/** `up --rollback-on-failure` begins only what it can take back, and names what it can't. */
import { describe } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const up = (name: string) =>
  `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\ndrop table ${name};\n`;

const tables = (db: TestDatabase) => db.sql("select tablename from pg_tables where schemaname = 'public'");

describe("before it begins", () => {
  const refused = async (db: TestDatabase, files: Record<string, string>, ...more: string[]) => {
    const folder = folderOf(files);
    const done = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--rollback-on-failure",
      "--json",
      ...more,
    );
    return done.json;
  };

  test("a run is refused by the name of each step that has no way back", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_b.sql": "create table b (id int);",
      "migrations/0003_c.sql": "create table c (id int);",
      "migrations/0004_two.sql":
        "-- migrate:up\ncreate index concurrently a_one on a (id);\ncreate index concurrently a_two on a (id);\n-- migrate:down\nselect 1;\n",
    });
    const godwit = commandIn({ folder, url: db.url });
    const { json } = await godwit.fails(1, "up", "--rollback-on-failure", "--json");
    expect(json.problems.map(({ code }: { code: string }) => code)).toEqual(
      Array(3).fill("PLAN_NO_ROLLBACK"),
    );
    expect(json.problems.map(({ details }: { details: { revision: string } }) => details.revision)).toEqual([
      "0002_b",
      "0003_c",
      "0004_two",
    ]);
    expect(json.problems[2].message).toMatch(/a part of it stays/);
    const told = godwit.with({ GODWIT_ROLLBACK_ON_FAILURE: "true" });
    expect((await told.fails(1, "plan", "--json")).json.problems).toEqual(json.problems);
    expect(await tables(db)).toEqual([]);
  });

  test("one statement outside a transaction is no reason, because it fails as a whole", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_i.sql":
        "-- migrate:up\ncreate index concurrently a_id on a (id);\n-- migrate:down\ndrop index concurrently a_id;\n",
      "migrations/0003_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json } = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--rollback-on-failure",
      "--json",
    );
    expect(json.report.rollback).toMatchObject({ outcome: "done", reverted: ["0002_i", "0001_a"] });
    expect(await tables(db)).toEqual([]);
  });

  test("one statement that commits by itself is refused, and so is a call that may", async ({ db }) => {
    await db.sql("create table t (x int)");
    await db.sql(
      "create procedure p(x int) language plpgsql as $$ begin insert into t values (1); commit; perform 1 / x; end $$",
    );
    await db.sql(
      "create procedure whole(x int) language plpgsql as $$ begin insert into t values (x); end $$",
    );
    const way = (text: string) => `-- migrate:up\n${text}\n-- migrate:down\ndelete from t;\n`;
    const files = {
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_do.sql": way("do $$ begin insert into t values (1); commit; perform 1 / 0; end $$;"),
      "migrations/0003_call.sql": way("call p(0);"),
      "migrations/0004_within.sql": way("do $$ begin call p(0); end $$;"),
      "migrations/0005_off.sql": `-- godwit: transaction=off\n${way("call p(0);")}`,
      "migrations/0006_beside.sql": way("call p(1); select 1;"),
    };
    const { problems } = await refused(db, files);
    expect(problems.map(({ code, details }: Json) => `${code} ${details.revision}`)).toEqual(
      ["0002_do", "0003_call", "0004_within", "0005_off"].map((name) => `PLAN_NO_ROLLBACK ${name}`),
    );
    expect(problems[0].message).toContain("line 2: it commits by itself");
    expect(problems[1].message).toContain("line 2: what it calls may commit");
    expect(await tables(db)).toEqual([{ tablename: "t" }]);
    // The hint works, and where it was wrong nothing stays.
    expect(problems[1].hint).toContain("`-- godwit: transaction=on`");
    const said = (name: string) => ({
      "migrations/0001_a.sql": up("a"),
      "migrations/0003_call.sql": `-- godwit: transaction=on\n${way(`call ${name}(0);`)}`,
    });
    const wrong = await refused(db, said("p"));
    expect(wrong.report.rollback).toMatchObject({ outcome: "done", reverted: ["0001_a"] });
    await commandIn({ folder: folderOf(said("whole")), url: db.url })("up", "--rollback-on-failure");
    expect(await db.sql("select x from t")).toEqual([{ x: 0 }]);
  });

  test("a view that replaces an older text is refused, because that text is not kept", async ({ db }) => {
    const view = (x: number) =>
      `-- migrate:up\ncreate or replace view v as select ${x} as x;\n-- migrate:down\ndrop view v;\n`;
    const folder = folderOf({ "migrations/repeatable/v.sql": view(1) });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up", "--rollback-on-failure");
    writeFiles(folder, { "migrations/repeatable/v.sql": view(2) });
    const { json } = await godwit.fails(1, "up", "--rollback-on-failure", "--json");
    expect(json.problems[0]).toMatchObject({ code: "PLAN_NO_ROLLBACK", details: { revision: "v" } });
    // The hint works.
    expect(json.problems[0].hint).toContain("GODWIT_ROLLBACK_ON_FAILURE=false");
    await godwit.with({ GODWIT_ROLLBACK_ON_FAILURE: "false" })("up");
  });

  test("imports, and going on after a failure, are refused by name", async ({ db }) => {
    const imports = await refused(db, {
      "migrations/0001_a.sql": up("a"),
      "godwit.config.json": JSON.stringify({ imports: { nas: { from: "." } } }),
    });
    expect(imports.problems[0]).toMatchObject({
      code: "PLAN_NO_ROLLBACK",
      message: expect.stringMatching(/nas/),
    });
    expect(imports.problems[0].hint).toContain("--phase startup complex");
    const both = await refused(db, { "migrations/0001_a.sql": up("a") }, "--on-failure", "continue");
    expect(both.problems[0].message).toMatch(/goes on .* or goes back/);
    expect(await tables(db)).toEqual([]);
  });
});
