/** Hints that only the library gives: the command refuses earlier. */

import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

test("up to an empty revision: `godwit up` applies everything", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
  await using migrator = createMigrator({ databaseUrl: db.url, dir: `${folder}/migrations`, ledgerSchema });
  await expect(migrator.up("")).rejects.toMatchObject({
    code: "REVISION_UNKNOWN",
    hint: expect.stringContaining("`godwit up`"),
  });
  await commandIn({ folder, url: db.url })("up");
  expect((await migrator.status()).pending).toEqual([]);
});
