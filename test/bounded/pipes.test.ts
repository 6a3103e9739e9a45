/** A pipe that nobody writes to, in the place of a file that is read before anything else. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const FILES = { "migrations/0001_a.sql": "select 1;" };

test.skipIf(process.platform === "win32")("the configuration file", async ({ db }) => {
  const folder = folderOf(FILES);
  execFileSync("mkfifo", [join(folder, "godwit.config.json")]);
  const godwit = commandIn({ folder, url: db.url });
  for (const command of ["up", "status", "doctor"]) {
    const { stderr } = await godwit.fails(1, command);
    expect(stderr).toContain("godwit.config.json cannot be loaded: it is not a file.");
  }
});

test.skipIf(process.platform === "win32")("the authority of the server", async ({ db }) => {
  const folder = folderOf(FILES);
  execFileSync("mkfifo", [join(folder, "root.crt")]);
  const url = `${db.url}?sslmode=verify-ca&sslrootcert=${join(folder, "root.crt")}`;
  const { stderr } = await commandIn({ folder, url }).fails(1, "up");
  expect(stderr).toContain("sslrootcert cannot be read: it is a pipe.");
});
