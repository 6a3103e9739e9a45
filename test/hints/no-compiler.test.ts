/** A build needs the optional packages, which are not everywhere. */
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { BINARY, commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("a build without the optional packages is refused, and the hint is followed where they are", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_a.js": "export async function up({ sql }) { await sql`create table a (id int)`; }",
  });
  const alone = folderOf({ "package.json": '{ "name": "godwit", "version": "0.0.0" }' });
  cpSync(dirname(BINARY), join(alone, "dist"), { recursive: true });
  const program = join(alone, "dist", "godwit.cjs");
  const { stderr, status } = spawnSync(process.execPath, [program, "build"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/compiler is not installed[\s\S]*`godwit build`/);
  const godwit = commandIn({ folder, url: db.url });
  await godwit("build");
  await godwit("up", "--dir", "dist/migrations");
  expect(await db.sql("select to_regclass('a') is not null as made")).toEqual([{ made: true }]);
});
