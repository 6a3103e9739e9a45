/** Flags before environment before file before defaults; and what is wrong is said, not guessed at. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { commandIn } from "./support/command.ts";
import { expect, test, withPassword } from "./support/database.ts";
import { folderOf } from "./support/target.ts";

const ONE = { "migrations/0001_a.sql": "create table a (id int);" };

describe("where a value comes from", () => {
  const load = (folder: string, environment = {}, flags = {}) =>
    loadConfig({ flags, environment, workingFolder: folder });

  test("the nearer source counts, and each value knows its own", async () => {
    const file = { lockTimeout: "2s", dir: "db", connectAttempts: 7, searchPath: "shop" };
    const folder = folderOf({ "godwit.config.json": JSON.stringify(file) });
    const environment = { GODWIT_LOCK_TIMEOUT: "500ms", MIGRATION_RETRY_COUNT: "9", GODWIT_DIR: "" };
    const { values, provenances } = await load(folder, environment, { connectAttempts: "11" });
    expect(values).toMatchObject({
      connectAttempts: 11,
      lockTimeout: 500,
      searchPath: "shop",
      statementTimeout: 0,
    });
    expect(values.dir).toBe(join(folder, "db"));
    expect([
      provenances.connectAttempts,
      provenances.lockTimeout,
      provenances.searchPath,
      provenances.idleTimeout,
    ]).toEqual([
      { kind: "flag", name: "connect-attempts" },
      { kind: "variable", name: "GODWIT_LOCK_TIMEOUT" },
      { kind: "file", name: join(folder, "godwit.config.json") },
      { kind: "default" },
    ]);
  });

  test("MIGRATION_RETRY_DELAY and MIGRATION_TIMEOUT are plain seconds", async () => {
    const { values } = await load(folderOf({}), { MIGRATION_RETRY_DELAY: "5", MIGRATION_TIMEOUT: "300" });
    expect([values.connectDelay, values.timeout]).toEqual([5000, 300_000]);
  });

  test("paths of the file are relative to it, those of a flag to where we are", async () => {
    const root = folderOf({ ".git/HEAD": "", "godwit.config.json": '{"dir":"db"}', "apps/shop/x": "" });
    const below = join(root, "apps", "shop");
    expect((await load(below)).folder).toBe(join(root, "db"));
    expect((await load(below, {}, { dir: "db" })).folder).toBe(join(below, "db"));
  });

  test("a file above the project is not this project's", async () => {
    const root = folderOf({ "godwit.config.json": '{"dir":"db"}', "project/.git/HEAD": "" });
    expect((await load(join(root, "project"))).file).toBeNull();
  });

  test.for([
    [{ dirr: "db" }, {}, "Did you mean dir?"],
    [{ lockTimeout: "3 weeks" }, {}, "500ms, 3s, 2min"],
    [{ connectAttempts: "7" }, {}, "a number"],
    [{ dir: 7 }, {}, "text"],
    [{}, { MIGRATION_MODE: "startpu" }, "startup"],
    [{ backfillParallel: 33 }, {}, "backfillParallel in"],
    [{}, { GODWIT_BACKFILL_PARALLEL: "100" }, "is not a whole number from 0 to 32"],
    [{}, { MIGRATION_RETRY_COUNT: "-1" }, "MIGRATION_RETRY_COUNT is not a whole number of at least 1"],
  ] as const)("%j with %j is refused by name", async ([file, environment, says]) => {
    const folder = folderOf({ "godwit.config.json": JSON.stringify(file) });
    const error = await load(folder, environment).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "ConfigError" });
    expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).toContain(says);
  });
});

describe("the command", () => {
  test("reads a configuration in TypeScript, and doctor says so without a password", async ({ db }) => {
    const config = `import { defineConfig } from "godwit";
export default defineConfig({ dir: "db", databaseUrl: ${JSON.stringify(withPassword(db.url, "s3cret"))} });`;
    const folder = folderOf({ "godwit.config.ts": config, "db/0001_a.sql": "create table a (id int);" });
    const godwit = commandIn({ folder });
    await godwit("up");
    const { stdout } = await godwit("doctor");
    expect(stdout).toMatch(/^dir +\S+\/db {2}from dir in .*godwit\.config\.ts$/m);
    expect(stdout).toMatch(/^databaseUrl +postgres:\/\/\w+:\*\*\*@/m);
    expect(stdout).not.toContain("s3cret");
    expect(stdout).toContain("✓ ledger: 1 entry");
  });

  test.for([
    { NODE_ENV: "production" },
    { NODE_ENV: "staging" },
    { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    { RAILWAY_ENVIRONMENT: "x" },
    { DATABASE_URL: "" },
  ])("with %j a missing URL is an error and starts no server", async (env) => {
    const folder = folderOf(ONE);
    const { json } = await commandIn({ folder, env }).fails(1, "up", "--json");
    expect(json.problems).toMatchObject([{ code: "URL_MISSING" }]);
    expect(existsSync(join(folder, ".godwit"))).toBe(false);
  });

  test("without a URL it says loudly that an embedded server is used, and keeps it out of git", async () => {
    const folder = folderOf(ONE);
    const godwit = commandIn({ folder });
    const { stderr, json } = await godwit("up", "--quiet", "--json");
    expect(stderr).toContain("No DATABASE_URL is set");
    expect(json.report.steps).toHaveLength(1);
    expect(existsSync(join(folder, ".godwit", ".gitignore"))).toBe(true);
    expect((await godwit("current")).stdout).toBe("0001_a (head)\n");
  });

  test("waits for a database that is not there, and says how often", async () => {
    const env = { MIGRATION_RETRY_COUNT: "2", MIGRATION_RETRY_DELAY: "0.05" };
    const godwit = commandIn({ folder: folderOf(ONE), url: "postgres://me@127.0.0.1:1/x", env });
    const { stderr } = await godwit.fails(1, "up");
    expect(stderr).toContain("Try 1 of 2");
    expect(stderr).toContain("DATABASE_UNREACHABLE");
  });
});
