/** Whose a history is: a table that was named and is not there, and tables that only their rows tell. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const dbmate = (n: number) =>
  `-- migrate:up\ncreate table if not exists eff (n int); insert into eff values (${n});\n-- migrate:down\ndelete from eff where n = ${n};\n`;
const LONG: Files = { "20240101000000_x1.sql": dbmate(1), "20240102000000_x2.sql": dbmate(2) };
const SHORT: Files = { "0001_x1.sql": dbmate(1), "0002_x2.sql": dbmate(2) };
const DONE = "create table eff (n int); insert into eff values (1), (2);";
const applied = (table: string, ...versions: readonly string[]) =>
  `${DONE} create table ${table} (version varchar primary key); insert into ${table} values ${versions.map((one) => `('${one}')`).join(", ")}`;

const commandFor = (db: TestDatabase, files: Files) =>
  commandIn({ folder: folderOf({ ".git/HEAD": "", ...inside(files) }), url: db.url });
const inside = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
const effects = async (db: TestDatabase) =>
  (await db.sql("select n from eff order by n")).map(({ n }) => Number(n));

describe("a table that is named with --mirror, and is not there", () => {
  const MIRROR = ["--mirror", "dbmate:app.schema_migrations"];

  test("is asked about where another one has these files, by every command", async ({ db }) => {
    await db.sql(applied("schema_migrations", "20240101000000", "20240102000000"));
    const godwit = commandFor(db, LONG);
    for (const [command = "", ...more] of [["up"], ["up", "--dry-run"], ["plan"], ["baseline", "head"]]) {
      const { stderr } = await godwit.fails(1, command, ...more, ...MIRROR);
      expect(stderr).toContain("[ADOPT_AMBIGUOUS]");
      expect(stderr).toContain("--mirror dbmate:public.schema_migrations");
      expect(stderr).toContain("--mirror none:public.schema_migrations");
    }
    expect((await godwit.fails(1, "status", ...MIRROR)).stdout).toContain("ADOPT_AMBIGUOUS");
    expect(await effects(db)).toEqual([1, 2]);
    // It was a slip.
    await godwit("up", "--mirror", "dbmate:public.schema_migrations");
    expect(await effects(db)).toEqual([1, 2]);
  });

  test("is made where the other one is another project's, once that was said", async ({ db }) => {
    await db.sql(applied("schema_migrations", "20240101000000", "20240102000000"));
    const godwit = commandFor(db, LONG);
    const { stderr } = await godwit.fails(1, "up", ...MIRROR);
    const [, own = ""] = /make your own first: `([^`]+)`/.exec(stderr) ?? [];
    await db.sql(own);
    await godwit("up", ...MIRROR);
    expect(await effects(db)).toEqual([1, 1, 2, 2]);
    expect(await db.sql("select from app.schema_migrations")).toHaveLength(2);
  });

  test("is asked about later too, where the tool went on", async ({ db }) => {
    await db.sql(applied("schema_migrations", "20240101000000"));
    const godwit = commandFor(db, LONG);
    await godwit("adopt");
    await db.sql("insert into schema_migrations values ('20240102000000')");
    expect((await godwit.fails(1, "up", ...MIRROR)).stderr).toContain("20240102000000_x2 is applied");
    expect(await effects(db)).toEqual([1, 2]);
  });
});

describe("a table of any name in which every row is a file's", () => {
  test.for([
    [
      "by detection",
      [],
      "create table my_migs (version varchar primary key); insert into my_migs values ('0001'), ('0002')",
    ],
    [
      "said to be plain",
      ["--layout", "plain"],
      "create table my_migs (version varchar primary key); insert into my_migs values ('0001'), ('0002')",
    ],
    [
      "one of two",
      [],
      "create schema app; create table app.done (version text); insert into app.done values ('1')",
    ],
    [
      "golang-migrate",
      [],
      "create table my_migs (version bigint primary key, dirty boolean not null); insert into my_migs values (2, false)",
    ],
    [
      "alembic",
      [],
      "create table my_migs (version_num varchar(32) primary key); insert into my_migs values ('0002')",
    ],
  ] as const)(
    "is asked about before our first run, with short numbers too: %s",
    async ([, flags, sql], { db }) => {
      await db.sql(`${DONE} ${sql}`);
      const godwit = commandFor(db, SHORT);
      for (const [command = "", ...more] of [["up"], ["up", "--dry-run"], ["plan"]])
        expect((await godwit.fails(1, command, ...more, ...flags)).stderr).toMatch(
          /\[ADOPT_(?:NEEDED|AMBIGUOUS)\]/,
        );
      expect(await effects(db)).toEqual([1, 2]);
    },
  );

  test("the ways out lead on", async ({ db }) => {
    await db.sql(applied("my_migs", "0001"));
    const { stderr } = await commandFor(db, SHORT).fails(1, "up", "--layout", "plain");
    expect(stderr).toContain("--layout dbmate");
    expect(stderr).toContain("`godwit adopt --tool dbmate --table public.my_migs`");
    const godwit = commandFor(db, SHORT);
    await godwit("adopt", "--tool", "dbmate", "--table", "public.my_migs", "--layout", "dbmate");
    await godwit("up", "--layout", "dbmate");
    expect(await effects(db)).toEqual([1, 2, 2]);
    expect((await godwit("up", "--layout", "plain")).stdout).toContain("nothing to do");
  });

  test("one in which another row stands is nobody's here", async ({ db }) => {
    await db.sql(applied("done", "0001", "1.0.3"));
    await commandFor(db, SHORT)("up", "--layout", "plain");
    expect(await effects(db)).toEqual([1, 1, 2, 2]);
  });
});
