/** An isolation level that a file sets for its session counts for the step's transaction, or is refused by name. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const SEE = "insert into seen select current_setting('transaction_isolation');";
const seen = async (db: TestDatabase) =>
  (await db.sql<{ value: string }>("select value from seen")).map(({ value }) => value);
const table = (db: TestDatabase) => db.sql("create table seen (value text)");

describe("in front of the statements it is that of the transaction", () => {
  test.for([
    ["set session characteristics as transaction isolation level serializable;", "serializable"],
    ["set default_transaction_isolation = 'repeatable read';", "repeatable read"],
    ["set search_path = public; set default_transaction_isolation to serializable;", "serializable"],
    ["select pg_catalog.set_config('default_transaction_isolation', 'serializable', false);", "serializable"],
    [
      "set session characteristics as transaction isolation level serializable; set transaction isolation level repeatable read;",
      "repeatable read",
    ],
  ] as const)("%s", async ([text, level], { db }) => {
    await table(db);
    const folder = folderOf({
      "0001_a.sql": `${text}\n${SEE}`,
      "0002_b.sql": SEE,
    });
    await up(targetOf({ url: db.url, folder }));
    expect(await seen(db)).toEqual([level, "read committed"]);
  });

  test("also where the file has its own BEGIN behind it", async ({ db }) => {
    await table(db);
    const folder = folderOf({
      "migrations/1_a.up.sql": `set session characteristics as transaction isolation level serializable;\nbegin;\n${SEE}\ncommit;`,
    });
    await commandIn({ folder, url: db.url })("up", "--layout", "golang-migrate");
    expect(await seen(db)).toEqual(["serializable"]);
  });
});

test("behind a query it is refused by name, and following the hint helps", async ({ db }) => {
  await table(db);
  const set = "set session characteristics as transaction isolation level serializable;";
  const folder = folderOf({ "0001_a.sql": `select 1;\n${set}\n${SEE}` });
  const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
  expect(error).toMatchObject({
    code: "SOURCE_TRANSACTION_CONTROL",
    message: expect.stringContaining("SET SESSION CHARACTERISTICS"),
    hint: expect.stringContaining("front"),
  });
  writeFiles(folder, { "0001_a.sql": `${set}\nselect 1;\n${SEE}` });
  await up(targetOf({ url: db.url, folder }));
  expect(await seen(db)).toEqual(["serializable"]);
});

test("a module's is refused by name", async ({ db }) => {
  await table(db);
  const folder = folderOf({
    "0001_a.ts": `export async function up({ execute }: any) { await execute("set default_transaction_isolation = 'serializable'"); await execute(${JSON.stringify(SEE)}); }`,
  });
  const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
  expect(error).toMatchObject({
    code: "STEP_ENDED_TRANSACTION",
    message: expect.stringContaining("0001_a.ts sends SET DEFAULT_TRANSACTION_ISOLATION"),
  });
});
