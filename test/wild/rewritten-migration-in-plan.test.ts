/** 40: a migration that was published is rewritten, and the application no longer starts. */
import { preview } from "../../src/run/status.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";

test("40: a rewritten migration is seen before the roll-out, by a plan against any database that has the old one", async ({
  db,
}) => {
  const released = "create table a (id int);";
  const folder = folderOf({ "0001_a.sql": released });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  writeFiles(folder, { "0001_a.sql": "create table a (id bigint);", "0002_b.sql": "create table b ();" });

  const { problems } = await refusalOf(preview(target, UP, recorder()));
  expect(problems).toMatchObject([{ code: "PLAN_EDITED", place: { file: "0001_a.sql" } }]);
  expect(problems[0]?.hint).toContain("Restore 0001_a.sql");
  expect(await appliedIn(db)).toEqual(["0001_a"]);

  // Who starts has not done half of it, and starts again as soon as the text is back.
  writeFiles(folder, { "0001_a.sql": released });
  await up(target);
  expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
});
