/** A pattern of `driftIgnore` that ignores nothing is said, because it may be mistyped. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";

function project(url: string, files: Files) {
  const folder = folderOf({
    "migrations/0001_users.sql": "create table users (id integer primary key, email text);",
    ...files,
  });
  return { folder, godwit: commandIn({ folder, url }) };
}

test("a pattern that matches no object is named, and one of an object that has not changed is not", async ({
  db,
}) => {
  const { folder, godwit } = project(db.url, {
    "godwit.config.json": JSON.stringify({ driftIgnore: ["table public.users", "*.by_emial"] }),
  });
  await godwit("up");
  const note = '\n  note: driftIgnore has "*.by_emial", which matches no object that is compared\n';
  const { stdout } = await godwit("drift");
  expect(stdout).toContain(note);
  expect(stdout.match(/note:/g)).toHaveLength(1);
  expect((await godwit("drift", "--json")).json).toMatchObject({ drifted: false, unmatched: ["*.by_emial"] });
  await db.sql("create index by_email on users (email); create table other ()");
  expect((await godwit.fails(1, "drift")).stdout).toContain(note);
  expect((await godwit("drift", "--accept")).stdout).toContain(note);
  writeFiles(folder, { "godwit.config.json": JSON.stringify({ driftIgnore: ["*.by_email"] }) });
  expect((await godwit("drift", "--json")).json.unmatched).toEqual([]);
});
