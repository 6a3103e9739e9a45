/** A command that a hint names is about the same project: it is typed as it is printed. */
import { join } from "node:path";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { picture, put } from "../support/import-place.ts";
import { folderOf, writeFiles } from "../support/target.ts";

test("an import of a project in another folder, with a ledger of its own", async ({ db }) => {
  const folder = folderOf({
    "db/0001_design_images.sql": IMAGE_TABLE,
    "pictures/.gitkeep": "",
    "elsewhere/.gitkeep": "",
  });
  const godwit = commandIn({ folder, url: db.url });
  const flags = ["--dir", "db", "--layout", "plain", "--ledger-schema", "theirs"];
  const typed = (hint: string) => (/`godwit ([^`]*)`/.exec(hint)?.[1] ?? "").split(" ");
  const from = (origin: string) => ["import", "nas", "--from", origin, ...flags, "--json"];
  const missing = (await godwit.fails(1, ...from("pictures"))).json.problems[0];
  expect(missing.code).toBe("IMPORT_TABLE_MISSING");
  expect(typed(missing.hint)).toEqual(["up", "--phase", "startup", ...flags]);
  await godwit(...typed(missing.hint));
  put(join(folder, "pictures"), { "shop/one/1.png": await picture(1) });
  await godwit(...from("pictures"));
  const other = (await godwit.fails(1, ...from("elsewhere"))).json.problems[0];
  expect(other.code).toBe("IMPORT_ORIGIN_CHANGED");
  const words = typed(other.hint);
  expect(words).toEqual(expect.arrayContaining(flags));
  expect((await godwit.start(...words, "--json").exits(1)).json.problems[0].code).not.toBe(other.code);
});

test("commands of hints about drift are about the project of the run, and lead on", async ({ db }) => {
  const folder = folderOf({ "db/my files/0001_a.sql": "create table users (id integer);" });
  const godwit = commandIn({ folder, url: db.url });
  const flags = ["--dir", "db/my files", "--layout", "plain", "--ledger-schema", "their ledger"];
  const said = " --dir 'db/my files' --layout plain --ledger-schema 'their ledger'";
  const follow = async (code: number, hint: string, command: string) => {
    expect(hint).toContain(`\`godwit ${command}${said}\``);
    await godwit.start(...command.split(" "), ...flags).exits(code);
  };
  const hintOf = ({ json }: { json: Json }) => json.problems[0].hint;
  await follow(0, hintOf(await godwit.fails(1, "drift", ...flags, "--json")), "up");
  await db.sql("create table by_hand ()");
  writeFiles(folder, { "db/my files/0002_b.sql": "create table b ();" });
  const refused = hintOf(await godwit.fails(1, "up", ...flags, "--require-no-drift", "--json"));
  await follow(1, refused, "drift");
  const { json } = await godwit("up", ...flags, "--json");
  await follow(1, json.report.warnings[0].hint, "drift");
  await follow(0, refused, "drift --accept");
  await db.sql('drop table "their ledger".migration_schema');
  await follow(0, hintOf(await godwit.fails(1, "drift", ...flags, "--json")), "drift --accept");
  await follow(0, json.report.warnings[0].hint, "drift --accept");
});
