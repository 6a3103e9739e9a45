/** 48: a command that empties a database was run on the wrong one. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("48: no word of other tools empties a database, and tables beside the migrations stay through all of ours", async ({
  db,
}) => {
  await db.sql("create table of_another_app (id int); insert into of_another_app values (1)");
  const folder = folderOf({
    "migrations/0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  for (const words of [["reset"], ["drop"], ["clean"], ["fresh"], ["nuke"], ["push"], ["reset", "--force"]])
    await godwit.start(...words).exits(1, 2);
  await godwit("down", "base");
  await godwit("up");
  expect(await db.sql("select * from of_another_app")).toEqual([{ id: 1 }]);
  expect(await db.sql("select to_regclass('a') is not null as there")).toEqual([{ there: true }]);
});
