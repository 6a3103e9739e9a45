/** `--keep` was what `--mirror` is: it counts wherever it is written, and says once what it is called now. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

function project(db: TestDatabase, env: Record<string, string> = {}, config?: object) {
  const folder = folderOf({
    "migrations/20240101000000_a.sql": "-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;\n",
  });
  if (config !== undefined) writeFileSync(join(folder, "godwit.config.json"), JSON.stringify(config));
  return commandIn({ folder, url: db.url, env });
}

const told = (db: TestDatabase) => db.sql("select version from schema_migrations");
const times = (text: string, part: string) => text.split(part).length - 1;

test.for([
  ["a flag", ["--keep", "dbmate"], {}, undefined, "--keep is called --mirror now"],
  ["a variable", [], { GODWIT_KEEP: "dbmate" }, undefined, "GODWIT_KEEP is called GODWIT_MIRROR now"],
  ["the file", [], {}, { keep: "dbmate" }, "keep is called mirror now"],
] as const)("as %s", async ([, flags, env, config, note], { db }) => {
  const { stderr } = await project(db, env, config)("up", ...flags);
  expect(times(stderr, note)).toBe(1);
  expect(await told(db)).toEqual([{ version: "20240101000000" }]);
});

test("in a target of the file", async ({ db }) => {
  const targets = { one: { url: { variable: "DATABASE_URL" }, keep: "dbmate" } };
  const { stderr } = await project(db, {}, { targets })("up");
  expect(times(stderr, "keep is called mirror now")).toBe(1);
  expect(await told(db)).toHaveLength(1);
});

test("both names at once are refused", async ({ db }) => {
  const { json } = await project(db).fails(1, "up", "--keep", "dbmate", "--mirror", "dbmate", "--json");
  expect(json.problems[0].message).toBe("--keep and --mirror are given, and are the same.");
});

test("help and completion have the present name alone", async ({ db }) => {
  const { stdout } = await project(db)("up", "--help");
  expect(stdout).toContain("--mirror,");
  expect(stdout).not.toContain("--keep");
});
