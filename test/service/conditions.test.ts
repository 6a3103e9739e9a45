/** Whether migrations run, what is read from the environment for that, and what it says where they do not. */
import { describe } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { problemsOf } from "../../src/errors.ts";
import { delayOf, parseDelays } from "../../src/std/delays.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const ONE: Files = { "migrations/0001_shops.sql": "create table shops (id int)" };
const TRUE = process.execPath;

for (const [env, why] of [
  [{ SKIP_MIGRATIONS: "true" }, "No migration is run: SKIP_MIGRATIONS is true."],
  [{ MIGRATION_ENABLED: "false" }, "No migration is run: MIGRATION_ENABLED is false."],
] as const)
  test(`up says that nothing is run, and exits 0: ${why}`, async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(ONE), url: db.url, env });
    expect((await godwit("up")).stderr).toContain(why);
    const { ok, report } = (await godwit("up", "--json")).json;
    expect({ ok, report }).toMatchObject({
      ok: true,
      report: { outcome: "skipped", skipped: why, steps: [] },
    });
    expect(await db.sql("select to_regclass('shops') as there")).toEqual([{ there: null }]);
    // What changes nothing is not switched off.
    expect((await godwit.fails(1, "status", "--check")).stdout).toContain("0001_shops");
    expect((await godwit("up", "--sql")).stdout).toContain("create table shops");
  });

test("a program that calls up is told the same", async ({ db }) => {
  const said: string[] = [];
  await using migrator = createMigrator({
    root: folderOf(ONE),
    databaseUrl: db.url,
    environment: { SKIP_MIGRATIONS: "true" },
    say: (line) => said.push(line),
  });
  const why = "No migration is run: SKIP_MIGRATIONS is true.";
  expect(await migrator.up()).toMatchObject({ outcome: "skipped", skipped: why, steps: [] });
  expect(said).toEqual([why]);
  expect(await db.sql("select to_regclass('shops') as there")).toEqual([{ there: null }]);
});

test("up runs whatever NODE_ENV is: it is what somebody wants now", async ({ db }) => {
  await commandIn({ folder: folderOf(ONE), url: db.url, env: { NODE_ENV: "development" } })("up");
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
});

test("beside an app NODE_ENV counts, and the environments are configurable", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf(ONE), url: db.url });
  const app = ["run", "--wait", "--", TRUE, "-e", ""];
  expect((await godwit(...app)).stderr).toContain("No migration is run: NODE_ENV is not set.");
  const development = godwit.with({ NODE_ENV: "development" });
  expect((await development(...app)).stderr).toContain('No migration is run: NODE_ENV is "development".');
  expect(await db.sql("select to_regclass('shops') as there")).toEqual([{ there: null }]);
  expect((await development("run", "--environments=development", ...app.slice(1))).stderr).toContain(
    "1 migration applied",
  );
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
});

for (const name of ["production", "staging"])
  test(`beside an app migrations run where NODE_ENV is ${name}`, async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(ONE), url: db.url, env: { NODE_ENV: name } });
    expect((await godwit("run", "--wait", "--", TRUE, "-e", "")).stderr).toContain("1 migration applied");
  });

test("SUPABASE_DB_URL is a database URL, and supabase/migrations is found by itself", async ({ db }) => {
  const folder = folderOf({ "supabase/migrations/20250101000000_shops.sql": "create table shops (id int)" });
  await commandIn({ folder, env: { SUPABASE_DB_URL: db.url } })("up");
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
});

test("a folder for each environment", async ({ db }) => {
  const folder = folderOf({
    "migrations/staging/0001_shops.sql": "create table shops (id int)",
    "migrations/production/0001_brands.sql": "create table brands (id int)",
  });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: "migrations/{NODE_ENV}" } });
  expect((await godwit.fails(1, "up")).stderr).toContain("NODE_ENV is not set");
  expect((await godwit.with({ NODE_ENV: "../x" }).fails(1, "up")).stderr).toContain("no name of a folder");
  await godwit.with({ NODE_ENV: "staging" })("up");
  expect(await db.sql("select to_regclass('brands') as there")).toEqual([{ there: null }]);
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
});

describe("variables that begin with GODWIT_", () => {
  const load = (environment: Record<string, string>, file: Record<string, unknown> = {}) =>
    loadConfig({ flags: {}, environment, file, workingFolder: folderOf({}) });

  test("that nobody knows are refused, all at once, with what was meant", async () => {
    const error: unknown = await load({ GODWIT_LOCKTIMEOUT: "9s", GODWIT_XYZZY: "1" }).catch(
      (e: unknown) => e,
    );
    expect(problemsOf(error).map(({ message, hint }) => `${message} ${hint}`)).toEqual([
      "There is no variable GODWIT_LOCKTIMEOUT, and nobody reads it. Did you mean GODWIT_LOCK_TIMEOUT?",
      expect.stringMatching(/^There is no variable GODWIT_XYZZY.*config\.md/),
    ]);
  });

  test("that the configuration names are its own", async () => {
    const file = { targets: { shop: { url: { variable: "GODWIT_SHOP_URL" } } } };
    await expect(load({ GODWIT_SHOP_URL: "postgres://a@h/b" }, file)).resolves.toBeDefined();
  });

  test("that Kubernetes sets for a service of that name are not ours", async () => {
    const environment = {
      GODWIT_SERVICE_HOST: "10.0.0.1",
      GODWIT_SERVICE_PORT: "80",
      GODWIT_SERVICE_PORT_HTTP: "80",
      GODWIT_PORT: "tcp://10.0.0.1:80",
      GODWIT_PORT_80_TCP: "tcp://10.0.0.1:80",
      GODWIT_PORT_80_TCP_ADDR: "10.0.0.1",
      GODWIT_JOBS_SERVICE_HOST: "10.0.0.2",
      GODWIT_JOBS_PORT: "tcp://10.0.0.2:80",
      GODWIT_HEALTH_PORT: "tcp://10.0.0.3:80",
    };
    expect((await load(environment)).values.healthPort).toBeNull();
    await expect(load({ GODWIT_PORT: "5432" })).rejects.toThrow("GODWIT_PORT");
  });

  test("stop a command too", async () => {
    const godwit = commandIn({ folder: folderOf(ONE), env: { GODWIT_LOCKWAIT: "1s" } });
    expect((await godwit.fails(1, "status")).stderr).toContain("Did you mean GODWIT_LOCK_WAIT?");
  });
});

test("a pause is one for all, a list, or growing", () => {
  const pauses = (text: string) => {
    const delays = parseDelays(text);
    return delays === null ? null : [1, 2, 3].map((retry) => delayOf(delays, retry));
  };
  expect(pauses("5")).toEqual([5000, 5000, 5000]);
  expect(pauses("1s,5s")).toEqual([1000, 5000, 5000]);
  for (const text of ["", "often", "5s,", "exponential often"]) expect(pauses(text), text).toBeNull();
  const growing = pauses("exponential 2s") ?? [];
  for (const [at, full] of [2000, 4000, 8000].entries()) {
    expect(growing[at]).toBeGreaterThanOrEqual(full / 2);
    expect(growing[at]).toBeLessThanOrEqual(full);
  }
});
