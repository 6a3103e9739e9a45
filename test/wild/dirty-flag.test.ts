import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

test("15: A failed migration leaves a dirty flag that a person must take away, though the database rolled it back", async ({
  db,
}) => {
  const folder = folderOf({
    "0001_a.sql": "create table a (id int);",
    "0002_b.sql": "create table b (id int);\ninsert into a values ('x');",
  });
  const target = targetOf({ url: db.url, folder });
  await expect(up(target)).rejects.toMatchObject({
    code: "STEP_FAILED",
    report: { failures: [{ revision: "0002_b", committed: "none" }] },
  });
  // The attempt is remembered beside the history, not in it.
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
    { revision: "0001_a" },
  ]);
  expect(
    await db.sql(
      `select revision, details ->> 'committed' as committed from "${ledgerSchema}".migration_log where event = 'failed'`,
    ),
  ).toEqual([{ revision: "0002_b", committed: "none" }]);

  writeFiles(folder, { "0002_b.sql": "create table b (id int);\ninsert into a values (1);" });
  expect((await up(target)).steps.map((step) => step.revision)).toEqual(["0002_b"]);
  expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
});
