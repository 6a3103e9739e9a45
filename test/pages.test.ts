/** The pages that people read first are true: their commands are run, their snippets too. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { transformSync } from "esbuild";
import { expect, ledgerSchema, test } from "./support/database.ts";
import { folderOf } from "./support/target.ts";
import { blocksOf, follow, missing } from "./support/walkthrough.ts";

const ROOT = resolve(import.meta.dirname, "..");
const GODWIT = join(ROOT, "dist", "godwit.cjs");

function world(url: string) {
  const folder = folderOf({ "package.json": '{ "type": "module" }' });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules", "godwit"));
  const env = { ...process.env, DATABASE_URL: url, GODWIT_LEDGER_SCHEMA: ledgerSchema, NO_COLOR: "1" };
  return { folder, command: [process.execPath, GODWIT], env };
}

test("the README's terminal session ends as it says, and so does its program", async ({ db }) => {
  const here = world(db.url);
  const blocks = blocksOf(readFileSync(join(ROOT, "README.md"), "utf8"));
  const session = follow(blocks, here);
  expect(session.length).toBeGreaterThan(3);
  for (const said of session) expect(missing(said), `${said.command}\n${said.lines.join("\n")}`).toEqual([]);

  const program = blocks.find((block) => block.info === "ts")?.text ?? "";
  writeFileSync(join(here.folder, "program.mjs"), transformSync(program, { loader: "ts" }).code);
  const { stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], {
    cwd: here.folder,
    env: here.env,
    encoding: "utf8",
  });
  expect(stdout, stderr).toBe("done []\n");
});

test("the guide's commands do what it says, from top to bottom", async ({ db }) => {
  const session = follow(blocksOf(readFileSync(join(ROOT, "docs/guide.md"), "utf8")), world(db.url));
  expect(session.length).toBeGreaterThan(10);
  for (const said of session) expect(missing(said), `${said.command}\n${said.lines.join("\n")}`).toEqual([]);
  expect(await db.sql("select slug from shops order by id")).toEqual([
    { slug: "paper-ink" },
    { slug: "old-harbour-prints" },
  ]);
  await db.sql("insert into users (first_name, last_name) values ('Later', 'Row')");
  expect(await db.sql("select count(*)::int as n, count(display_name)::int as named from users")).toEqual([
    { n: 4501, named: 4501 },
  ]);
});
