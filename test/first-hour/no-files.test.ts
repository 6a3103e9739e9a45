/** Without migrations no embedded server is made, because what needs them fails at once. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const MISSING = "SOURCE_FOLDER_MISSING";
const serverIn = (folder: string) => existsSync(join(folder, ".godwit"));

test("no command that needs migrations makes a server without them", async () => {
  const missing = folderOf({ "notes.txt": "" });
  const empty = folderOf({ "migrations/old/0001_a.sql": "create table a (id int);" });
  const commands = [
    ["status"],
    ["up"],
    ["up", "--dry-run"],
    ["plan"],
    ["down", "-1"],
    ["current"],
    ["history"],
    ["baseline", "heads"],
    ["backfill"],
    ["backfill", "pause", "1"],
  ];
  for (const words of commands)
    for (const [folder, code] of [
      [missing, MISSING],
      [empty, "SOURCE_FOLDER_EMPTY"],
    ] as const) {
      const { json, stderr } = await commandIn({ folder }).fails(1, ...words, "--json");
      expect(json.problems, words.join(" ")).toMatchObject([{ code }]);
      expect(stderr).not.toContain("embedded");
      expect(serverIn(folder), words.join(" ")).toBe(false);
    }
});

test("the library makes none either, and opens it once there are files", async () => {
  const folder = folderOf({});
  const environment = {};
  await using migrator = createMigrator({ root: folder, environment });
  await expect(migrator.status()).rejects.toMatchObject({ code: MISSING });
  await expect(migrator.up()).rejects.toMatchObject({ code: MISSING });
  await expect(migrator.backfills.status()).rejects.toMatchObject({ code: MISSING });
  expect(serverIn(folder)).toBe(false);
  writeFiles(folder, { "migrations/0001_a.sql": "create table a (id int);" });
  expect((await migrator.up()).steps).toHaveLength(1);
});

test("what needs no migrations works as before, and production is refused first", async () => {
  const folder = folderOf({ "notes.txt": "" });
  const godwit = commandIn({ folder });
  const { json } = await godwit.with({ NODE_ENV: "production" }).fails(1, "up", "--json");
  expect(json.problems).toMatchObject([{ code: "URL_MISSING" }]);
  expect(serverIn(folder)).toBe(false);
  expect((await godwit("history", "--log", "--json")).json).toMatchObject({ ok: true });
  expect(serverIn(folder)).toBe(true);
});
