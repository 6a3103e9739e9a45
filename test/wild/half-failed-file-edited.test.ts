import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

test("17: A half-failed file is edited, and what was never carried out counts as done", async ({ db }) => {
  const file = (first: string, last: string) =>
    `-- godwit: transaction=off\ncreate table kept (id int);\ninsert into kept values (${first});\ninsert into kept values (${last});`;
  const folder = folderOf({ "0001_kept.sql": file("1", "'x'") });
  const target = targetOf({ url: db.url, folder });
  await expect(up(target)).rejects.toMatchObject({ code: "STEP_FAILED" });

  writeFiles(folder, { "0001_kept.sql": file("100", "2") });
  await expect(up(target)).rejects.toMatchObject({
    code: "PLAN_PARTIAL_EDITED",
    place: { file: "0001_kept.sql", line: 3 },
    hint: expect.stringContaining("godwit repair --mark-done 0001_kept"),
  });
  expect(await db.sql("select id from kept")).toEqual([{ id: 1 }]);
  expect(await db.sql(`select state from "${ledgerSchema}".migration_history`)).toEqual([
    { state: "partial" },
  ]);

  // A statement that was done and is gone from the file is a change as well.
  writeFiles(folder, { "0001_kept.sql": "-- godwit: transaction=off\ncreate table kept (id int);" });
  await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL_EDITED" });

  writeFiles(folder, { "0001_kept.sql": file("1", "2") });
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql("select id from kept")).toEqual([{ id: 1 }, { id: 2 }]);
});
