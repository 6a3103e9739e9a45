/** The guide's chapter on backfills keeps its word while the application writes. `test/pages.test.ts` runs its commands. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";
import { blocksOf } from "../support/walkthrough.ts";

const BLOCKS = blocksOf(readFileSync(join(root, "docs/guide.md"), "utf8"));

function file(name: string): string {
  const block = BLOCKS.find(({ info }) => info.endsWith(` migrations/${name}`));
  if (block === undefined) throw new Error(`The guide has no ${name}.`);
  return block.text;
}

test("rows that come above the last key are the trigger's, and the backfill ends where it was to end", async ({
  db,
}) => {
  const folder = folderOf({
    "0006_users.sql": file("0006_users.sql"),
    "0008_users_display_name.sql": file("0008_users_display_name.sql"),
  });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  writeFiles(folder, {
    "0009_display_names.sql": file("0009_display_names.sql").replace("approve=yes ", ""),
  });
  // A refused row ends the run after the last key was fixed.
  await db.sql("alter table users add constraint no_seven check (display_name <> 'First 7 Last 7')");
  await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
  await db.sql(
    "insert into users (first_name, last_name, display_name) values ('New', 'One', null), ('New', 'Two', 'Own')",
  );
  await db.sql("alter table users drop constraint no_seven");
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql("select display_name from users where id > 4500 order by id")).toEqual([
    { display_name: "New One" },
    { display_name: "Own" },
  ]);
  expect(await db.sql("select count(*)::int as n from users where display_name is null")).toEqual([{ n: 0 }]);
  expect(await db.sql(`select rows::int, bound from "${ledgerSchema}".migration_backfills`)).toEqual([
    { rows: 4500, bound: ["4500"] },
  ]);
});
