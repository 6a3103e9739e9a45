/** A prepared transaction outlives the run with its locks, so no step may leave one or end one, in whatever form it runs. */
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, targetOf, up } from "../support/target.ts";

const module = (options: string, body: string) =>
  `export default { ${options} async up({ execute }: any) {\n${body}\n} };\n`;

test.for<[string, Files, string]>([
  [
    "a module outside a transaction",
    {
      "0001_a.ts": module(
        "transaction: false,",
        `await execute("begin"); await execute("create table a ()"); await execute("prepare transaction 'x'");`,
      ),
    },
    "0001_a.ts sends PREPARE TRANSACTION",
  ],
  [
    "one that catches the refusal",
    {
      "0001_a.ts": module(
        "transaction: false,",
        `await execute("begin; create table a (); /* so */ prepare transaction 'x'").catch(() => {});`,
      ),
    },
    "sends PREPARE TRANSACTION",
  ],
  [
    "one that ends somebody's prepared transaction",
    { "0001_a.ts": module("transaction: false,", `await execute("commit prepared 'theirs'");`) },
    "sends COMMIT PREPARED",
  ],
  [
    "a module in its transaction",
    {
      "0001_a.ts": module(
        "",
        `await execute("create table a ()"); await execute("prepare transaction 'Ship-x'");`,
      ),
    },
    "sends PREPARE TRANSACTION 'Ship-x',",
  ],
  [
    "a file outside a transaction",
    { "0001_a.sql": "-- godwit: transaction=off\ncreate table a ();\nprepare transaction 'x';" },
    "contains PREPARE TRANSACTION",
  ],
  [
    "a file in its transaction",
    { "0001_a.sql": "create table a ();\nprepare  transaction 'Ship-x';" },
    "contains PREPARE TRANSACTION 'Ship-x'",
  ],
])("%s is refused by name, and nothing stays", async ([, files, said], { db }) => {
  const { error } = await refusalOf(up(targetOf({ url: db.url, folder: folderOf(files) })));
  expect(error.message).toContain(said);
  expect(await db.sql("select gid from pg_prepared_xacts where database = current_database()")).toEqual([]);
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});
