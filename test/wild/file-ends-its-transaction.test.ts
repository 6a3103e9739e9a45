import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const APPLIED = `select to_regclass('"${ledgerSchema}".migration_history') as history, to_regclass('before_it') as before`;

describe("21: A file that says BEGIN or COMMIT ends the transaction it runs in, and its row survives the rollback", () => {
  for (const [line, statement] of [
    [3, "create table a (id int);\n\n  COMMIT;\ninsert into nowhere values (1);"],
    [1, "begin; create table a (id int);"],
    [2, "create table a (id int);\n/* ; */ end work;"],
    [1, "start transaction; select 1; commit"],
    [2, "select 1;\nprepare transaction 'x';"],
    [1, "rollback;"],
  ] as const)
    test(`${statement.split("\n").join(" ")} is refused before anything is done`, async ({ db }) => {
      const folder = folderOf({
        "0001_before.sql": "create table before_it (id int);",
        "0002_ends.sql": statement,
      });
      await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
        code: "SOURCE_TRANSACTION_CONTROL",
        place: { file: "0002_ends.sql", line },
      });
      const [after] = await db.sql<{ before: string | null }>(APPLIED);
      expect(after?.before).toBeNull();
    });

  test("what only looks like it is not", async ({ db }) => {
    const folder = folderOf({
      "0001_looks.sql": `create table notes (text text); -- commit;
insert into notes values ('begin; commit;');
do $$ begin insert into notes values ($q$ rollback; $q$); end $$;
savepoint one; insert into notes values ('gone'); rollback to savepoint one; release savepoint one;`,
    });
    await up(targetOf({ url: db.url, folder }));
    expect(await db.sql("select text from notes")).toEqual([
      { text: "begin; commit;" },
      { text: " rollback; " },
    ]);
  });

  test("one that a module hides is refused before it is sent, and nothing stays", async ({ db }) => {
    const folder = folderOf({
      "0001_hides.ts": `export async function up({ execute }: any) {
  await execute("create table half (id int)");
  await execute("commit");
  await execute("begin");
  await execute("create table other (id int)");
}`,
      "0002_after.sql": "create table after_it (id int);",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "STEP_ENDED_TRANSACTION",
      hint: expect.stringContaining("nothing of it was kept"),
    });
    expect(await db.sql("select to_regclass('half') as half, to_regclass('after_it') as after")).toEqual([
      { half: null, after: null },
    ]);
  });
});
