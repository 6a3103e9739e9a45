/** What cannot be run is said before anything begins, or, where it is about the migrations alone, beside the app. */
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const NODE = process.execPath;
const ONE: Files = { "migrations/0001_shops.sql": "create table shops (id int)" };

test("an app that is missing is exit code 127, one that is not executable 126, and nothing is migrated", async ({
  db,
}) => {
  const folder = folderOf({ ...ONE, "app.txt": "no program" });
  const godwit = commandIn({ folder, url: db.url, env: { NODE_ENV: "production" } });
  expect((await godwit.fails(127, "run", "--", "no-such-app")).stderr).toContain(
    'there is no command "no-such-app". [APP_NOT_STARTED]',
  );
  const { stderr } = await godwit.fails(126, "run", "--", join(folder, "app.txt"));
  expect(stderr).toContain("is not executable. [APP_NOT_STARTED]");
  expect(await db.sql("select to_regclass('shops') as there")).toEqual([{ there: null }]);
});

test("words that make no sense are refused before the app starts", async () => {
  const godwit = commandIn({ folder: folderOf(ONE) });
  const refused = async (...words: readonly string[]) => (await godwit.fails(2, ...words)).stderr;
  expect(await refused("run")).toContain("Write: `godwit run -- node server.js`");
  expect(await refused("run", "--")).toContain("needs the command of the app behind --");
  expect(await refused("run", "node", "server.js")).toContain("Write: `godwit run -- node server.js`");
  expect(await refused("run", "--wiat", "--", NODE)).toContain("Did you mean --wait?");
  expect(await refused("--json", "run", "--", NODE)).toContain("standard output is the app's");
  expect(await refused("up", "--retry-count", "1")).toContain("godwit up does not honour --retry-count");
});

test("the app's words are its own: flags, names of our commands, and empty ones", async () => {
  const godwit = commandIn({ folder: folderOf(ONE) });
  const words = ["up", "--json", "--quiet", "", "--"];
  const { stdout } = await godwit(
    "run",
    "--",
    NODE,
    "-p",
    "JSON.stringify(process.argv.slice(1))",
    "--",
    ...words,
  );
  expect(JSON.parse(stdout)).toEqual(words);
});

test("flags before -- are for the migrations", async ({ db }) => {
  const folder = folderOf({ "elsewhere/0001_shops.sql": "create table shops (id int)" });
  const godwit = commandIn({ folder, env: { NODE_ENV: "production" } });
  const flags = ["--dir", "elsewhere", "--database-url", db.url, "--phase", "startup", "complex"];
  expect((await godwit("run", "--wait", ...flags, "--", NODE, "-e", "")).stderr).toContain(
    "1 migration applied",
  );
});

for (const [what, files, env, says] of [
  ["a configuration that is broken", { "godwit.config.json": "{" }, {}, "is not JSON"],
  [
    "a variable that is wrong",
    {},
    { MIGRATION_MAX_MEMORY_MB: "much" },
    "MIGRATION_MAX_MEMORY_MB is not a whole number",
  ],
  ["a pause that is none", {}, { MIGRATION_RETRY_DELAY: "often" }, "MIGRATION_RETRY_DELAY is not a"],
  ["a variable of ours that nobody knows", {}, { GODWIT_LOCKWAIT: "1s" }, "Did you mean GODWIT_LOCK_WAIT?"],
  ["no database", {}, { NODE_ENV: "production" }, "No database URL was given"],
] as const)
  test(`${what} never keeps the app from running`, async () => {
    const godwit = commandIn({
      folder: folderOf({ ...ONE, ...files }),
      env: { NODE_ENV: "staging", ...env },
    });
    const { stdout, stderr } = await godwit("run", "--wait", "--", NODE, "-p", "'the app ran'");
    expect(stderr).toContain(says);
    expect(stderr).toContain("The app goes on.");
    expect(stdout).toBe("the app ran\n");
  });

test("a signal while the app is still held back ends it before it begins", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "select pg_sleep(600)" });
  const godwit = commandIn({ folder, url: db.url, env: { NODE_ENV: "production" } });
  const running = godwit.start("run", "--verbose", "--wait", "--", NODE, "-p", "'the app ran'");
  await running.says("0001_a begins");
  running.child.kill("SIGTERM");
  expect((await running.exits(143)).stdout).toBe("");
});

test("with --log-format json every line of ours is JSON", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf(ONE), url: db.url, env: { NODE_ENV: "production" } });
  const { stderr } = await godwit("run", "--wait", "--log-format=json", "--", NODE, "-e", "");
  const lines = stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ message }) => message)).toContainEqual(expect.stringContaining("1 migration applied"));
  for (const line of lines) expect(line).toMatchObject({ component: "godwit", level: "info" });
});
