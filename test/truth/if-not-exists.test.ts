/** `CREATE INDEX IF NOT EXISTS` in every form ends with the index that the text asks for, or says what it has kept. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

async function invalid(db: TestDatabase, index: string): Promise<void> {
  await db.admin(`update pg_index set indisvalid = false where indexrelid = '${index}'::regclass`);
}

const invalidOnes = (db: TestDatabase) =>
  db.sql("select indexrelid::regclass::text as index from pg_index where not indisvalid order by 1");

const isThere = async (db: TestDatabase, name: string) =>
  (await db.sql(`select to_regclass('${name}') is not null as there`))[0]?.there;

const STATEMENT = "create index if not exists ix on shops (id)";
const FORMS: readonly (readonly [string, Record<string, string>])[] = [
  ["a transaction", { "0001_a.sql": `create table made ();\n${STATEMENT};` }],
  ["statements", { "0001_a.sql": `-- godwit: transaction=off\n${STATEMENT};\ncreate table made ();` }],
  [
    "a module",
    {
      "0001_a.ts": `export async function up({ sql, execute }: any) {
        await execute("create table made ()"); await sql\`${STATEMENT}\`.catch(() => {}); }`,
    },
  ],
];

describe("a name that belongs to something else is refused, and nothing is kept: in", () => {
  test.for(FORMS)("%s", async ([, files], { db }) => {
    await db.sql("create table shops (id int); create table orders (id int)");
    const target = targetOf({ url: db.url, folder: folderOf(files) });
    for (const [make, drop, what] of [
      ["create sequence ix", "drop sequence ix", "a sequence"],
      ["create table ix (a int)", "drop table ix", "a table"],
      ["create index ix on orders (id)", "drop index ix", "an index on public.orders"],
    ] as const) {
      await db.sql(make);
      const { error } = await refusalOf(up(target));
      expect(error).toMatchObject({
        code: "STEP_INDEX_INVALID",
        message: expect.stringContaining(
          `The name ix belongs to ${what}, so IF NOT EXISTS has made no index on shops`,
        ),
        hint: expect.stringContaining("another name"),
        report: { failures: [{ committed: "none" }] },
      });
      expect(await isThere(db, "made")).toBe(false);
      await db.sql(drop);
    }
    await up(target);
    expect(await isThere(db, "ix")).toBe(true);
  });

  test("CONCURRENTLY", async ({ db }) => {
    await db.sql("create table shops (id int)");
    const folder = folderOf({
      "0001_a.sql": "create index concurrently if not exists shops on shops (id);",
    });
    const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
    expect(error).toMatchObject({
      code: "STEP_INDEX_INVALID",
      message: "The name shops belongs to a table, so IF NOT EXISTS has made no index on public.shops.",
      hint: expect.stringContaining("another name"),
    });
  });
});

test("an index of another definition that is kept in a transaction is a warning", async ({ db }) => {
  await db.sql(`create table shops (id int, v int) partition by list (id); create table plain (id int, v int);
    create index same on shops (v); create index ix on plain (id); create index ok on plain (v)`);
  const folder = folderOf({
    "0001_a.sql":
      "create index if not exists same on shops (v);\ncreate index if not exists ix on plain (v);\ncreate index if not exists ok on plain using btree (v);",
  });
  const report = await up(targetOf({ url: db.url, folder }));
  expect(report.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "STEP_INDEX_KEPT Index public.ix was there already with another definition, and IF NOT EXISTS has kept it.",
  ]);
});

test("a module's index that is invalid is refused, and following the hint helps", async ({ db }) => {
  await db.sql("create table shops (id int); create index ix on shops (id)");
  await invalid(db, "ix");
  const target = targetOf({
    url: db.url,
    folder: folderOf({
      "0001_a.ts": `export async function up({ sql }: any) { await sql\`${STATEMENT}\`; }`,
    }),
  });
  const { error } = await refusalOf(up(target));
  expect(error).toMatchObject({
    code: "STEP_INDEX_INVALID",
    message: expect.stringContaining("Index public.ix is invalid"),
    report: { failures: [{ committed: "none" }] },
  });
  const [, command = ""] = /(REINDEX INDEX CONCURRENTLY [\w.]+);/.exec(error.hint ?? "") ?? [];
  await db.sql(command);
  await up(target);
  expect(await invalidOnes(db)).toEqual([]);
});

test("an index of a partitioned table that lacks a part is refused, and following the hint helps", async ({
  db,
}) => {
  await db.sql(`create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
    create index pi on only p (id)`);
  const target = targetOf({
    url: db.url,
    folder: folderOf({ "0001_a.sql": "create index if not exists pi on p (id);" }),
  });
  const { error } = await refusalOf(up(target));
  expect(error).toMatchObject({
    code: "STEP_INDEX_INVALID",
    report: { failures: [{ committed: "none" }] },
  });
  const [, command = ""] = /(DROP INDEX [\w.]+);/.exec(error.hint ?? "") ?? [];
  await db.sql(command);
  await up(target);
  expect(await invalidOnes(db)).toEqual([]);
});

test("a new index that takes over a partition's invalid one fails the run, and following the hint helps", async ({
  db,
}) => {
  await db.sql(`create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
    create index p1_id on p1 (id)`);
  await invalid(db, "p1_id");
  const target = targetOf({
    url: db.url,
    folder: folderOf({ "0001_a.sql": "create index pi on p (id);" }),
  });
  const { error } = await refusalOf(up(target));
  expect(error).toMatchObject({ code: "STEP_INDEX_INVALID", message: expect.stringContaining("public.pi") });
  const [, command = ""] = /(BEGIN; .*; COMMIT)/.exec(error.hint ?? "") ?? [];
  await db.sql(command);
  await up(target);
  expect(await invalidOnes(db)).toEqual([]);
});

test("an invalid index that a DO block keeps fails the run, and status names it until it is rebuilt", async ({
  db,
}) => {
  await db.sql("create table shops (id int); create index ix on shops (id)");
  await invalid(db, "ix");
  const folder = folderOf({ "migrations/0001_a.sql": `do $$ begin execute '${STATEMENT}'; end $$;` });
  const godwit = commandIn({ folder, url: db.url });
  const { stderr } = await godwit.fails(1, "up");
  expect(stderr).toContain("public.ix");
  expect((await godwit("status")).stdout).toContain("Index public.ix is invalid");
  const { json } = await godwit("status", "--json");
  const [, command = ""] = /(REINDEX INDEX CONCURRENTLY [\w.]+);/.exec(json.warnings[0].hint) ?? [];
  await db.sql(command);
  expect((await godwit("status", "--json")).json.warnings).toEqual([]);
});
