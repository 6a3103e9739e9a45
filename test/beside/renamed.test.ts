/** A file that was applied and has another name now is not carried out a second time. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { repair } from "../../src/run/repair.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const ROWS = "insert into rows values (1);";
const SCENES: Readonly<Record<string, readonly [Files, old: string, renamed: string]>> = {
  "a graph": [
    {
      "a1_begin.sql": "-- godwit: revises=none\ncreate table rows (n int);",
      "b2_rows.sql": `-- godwit: revises=a1_begin\n${ROWS}`,
    },
    "b2_rows",
    "c3_rows",
  ],
  "a line without numbers": [{ "begin.sql": "create table rows (n int);", "rows.sql": ROWS }, "rows", "seed"],
};

test.for(Object.entries(SCENES))(
  "renamed in %s: refused, and each way out leads on",
  async ([, scene], { db }) => {
    const [files, old, renamed] = scene;
    const folder = folderOf(files);
    const target = targetOf({ url: db.url, folder });
    await up(target);
    const rename = (from: string, to: string) =>
      renameSync(join(folder, `${from}.sql`), join(folder, `${to}.sql`));
    rename(old, renamed);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["PLAN_VANISHED"]);
    expect(error.hint).toContain(`Rename it back to ${old}.sql`);
    expect(error.hint).toMatch(new RegExp(`--mark-done ${renamed}.*--forget ${old}`));

    rename(renamed, old);
    expect((await up(target)).steps).toEqual([]);
    rename(old, renamed);
    const fix = { confirm: db.name };
    await repair(target, { kind: "mark-done", revision: renamed, position: null }, fix, recorder());
    await repair(target, { kind: "forget", revision: old }, fix, recorder());
    expect((await up(target)).steps).toEqual([]);
    expect(await db.sql("select * from rows")).toEqual([{ n: 1 }]);
    expect(await appliedIn(db)).toContain(renamed);
  },
);

test("the same text a second time, under a name of its own, is no renaming", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "select 1;" });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  writeFiles(folder, { "0002_b.sql": "select 1;" });
  expect((await up(target)).steps).toHaveLength(1);
});
