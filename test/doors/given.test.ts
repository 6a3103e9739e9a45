/** `null`, empty lists and values of another type are refused by name at every door, and are never taken for nothing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect as check, describe, test as plainTest } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator, createTestDatabase } from "../support/watched.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };
/** Nobody is there: what got as far as connecting would say so. */
const NOWHERE = "postgres://nobody@127.0.0.1:1/none";
const IMPATIENT = { GODWIT_CONNECT_ATTEMPTS: "1", DATABASE_URL: NOWHERE };

const refusal = (message: RegExp) => ({ code: "CONFIG_INVALID", message: check.stringMatching(message) });

describe("createMigrator", () => {
  plainTest.each([
    [{ databaseUrl: null }, /^databaseUrl of createMigrator is null\.$/],
    [{ databaseUrl: [] }, /^databaseUrl of createMigrator is (an )?empty/],
    [{ dir: null }, /^dir of createMigrator is null/],
    [{ dir: 5 }, /^dir of createMigrator is not text/],
    [{ dir: "" }, /^dir of createMigrator is empty/],
    [{ mode: null }, /^mode of createMigrator is null/],
    [{ ledgerSchema: null }, /^ledgerSchema of createMigrator is null/],
    [{ timeout: null }, /^timeout of createMigrator is null/],
    [{ timeout: {} }, /^timeout of createMigrator is not a duration/],
    [{ lockTimeout: null }, /^lockTimeout of createMigrator is null/],
    [{ lockTimeout: Object.create(null) }, /^lockTimeout of createMigrator is not a duration/],
    [{ phase: [] }, /^phase of createMigrator is empty/],
    [{ order: null }, /^order of createMigrator is null/],
    [{ placeholders: null }, /^placeholders of createMigrator is null/],
    [{ imports: null }, /^imports of createMigrator is null/],
    [{ imports: { nas: { pattern: null } } }, /^imports\.nas\.pattern in .* is null/],
    [{ contract: null }, /^contract of createMigrator is null/],
    [{ signal: {} }, /^signal of createMigrator is not an AbortSignal/],
    [{ observe: 5 }, /^observe of createMigrator is not a function/],
    [{ say: null }, /^say of createMigrator is null/],
    [{ root: null }, /^root of createMigrator is null/],
    [{ environment: null }, /^environment of createMigrator is null/],
    [{ database: null }, /^database of createMigrator is null/],
    [null, /^createMigrator takes an object/],
  ])("%j", async (config, message) => {
    const root = folderOf(FILES);
    const given = config === null ? null : { root, environment: IMPATIENT, ...config };
    const migrator = createMigrator(given as object);
    await check(migrator.up()).rejects.toMatchObject(refusal(message));
    await migrator.close();
    check(existsSync(join(root, ".godwit"))).toBe(false);
  });

  test("the arguments of its methods, and nothing is done", async ({ db }) => {
    const root = folderOf(FILES);
    await using migrator = createMigrator({ root, databaseUrl: db.url, ledgerSchema, environment: {} });
    const any = migrator as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>;
    const calls: readonly (readonly [string, readonly unknown[], RegExp])[] = [
      ["up", [null], /^The goal of up\(\) is null/],
      ["up", [[]], /^The goal of up\(\) is an empty list/],
      ["plan", [null], /^The goal of plan\(\) is null/],
      ["down", [], /^The goal of down\(\) is missing/],
      ["baseline", [[]], /^The revision of baseline\(\) is an empty list/],
      ["baseline", [["0001_a"]], /^The revision of baseline\(\) is not text/],
      ["import", [null], /^The name of import\(\) is null/],
      ["adopt", [{ dryRun: null }], /^dryRun of adopt\(\) is null/],
      ["adopt", [{ dryRun: "no" }], /^dryRun of adopt\(\) is not true or false/],
      ["repair", [{ kind: "forget" }], /^revision of the request of repair\(\) is missing/],
      ["repair", [{ kind: "forget", revision: "0001_a" }], /^repair\(\) takes an object/],
      [
        "repair",
        [{ kind: "rebuild", revision: "0001_a" }, { confirm: "x" }],
        /^the request of repair\(\) has/,
      ],
      ["repair", [{ kind: "lose", revision: "0001_a" }, { confirm: "x" }], /^kind of .* is not one of/],
      ["duplicates", [{ kinds: [] }], /^kinds of duplicates\(\) is an empty list/],
      ["duplicates", [{ limits: null }], /^limits of duplicates\(\) is null/],
      ["duplicates", [{ limit: -1 }], /^limit of duplicates\(\) is not a whole number/],
      ["contactSheet", [{ kinds: [] }], /^kinds of contactSheet\(\) is an empty list/],
      ["rehearse", [null], /^The goal of rehearse\(\) is null/],
      ["test", [null], /^The revision of test\(\) is null/],
      ["dryRun", [null], /^The goal of dryRun\(\) is null/],
      ["script", [null], /^script\(\) takes an object/],
      ["script", ["0001_a"], /^script\(\) takes an object/],
      ["script", [{ direction: "down" }], /^goal of script\(\) is missing/],
      ["script", [{ direction: "sideways" }], /^direction of script\(\) is not one of up, down/],
      ["script", [{ from: null }], /^from of script\(\) is null/],
      ["import", ["nas", { colors: true }], /^import\(\) has an unknown option "colors"/],
      ["importRuns", [5], /^The name of importRuns\(\) is not text/],
      ["decide", [{ kind: "keep" }], /^file of decide\(\) is missing/],
      ["decide", [{ kind: "distinct", files: null }], /^files of decide\(\) is null/],
    ];
    for (const [method, given, message] of calls)
      await expect(any[method]?.(...given), `${method}(${JSON.stringify(given)})`).rejects.toMatchObject(
        refusal(message),
      );
    expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: null }]);
    expect((await migrator.history()).length).toBe(0);
  });
});

describe("createFleet", () => {
  const targets = { one: { url: NOWHERE, dir: "migrations" } };
  plainTest.each([
    [{}, /^targets of createFleet is missing/],
    [null, /^createFleet takes an object/],
    [{ targets: null }, /^targets of createFleet is null/],
    [{ targets: { one: null } }, /^targets\.one is not an object/],
    [{ targets: { one: { url: null } } }, /^targets\.one\.url is neither/],
    [{ targets: { one: { ...targets.one, lockTimeout: null } } }, /^lockTimeout in targets\.one is null/],
    [{ targets, timeout: null }, /^timeout of createFleet is null/],
    [{ targets, signal: {} }, /^signal of createFleet is not an AbortSignal/],
  ])("%j", async (config, message) => {
    const given = config === null ? null : { root: folderOf(FILES), environment: IMPATIENT, ...config };
    const fleet = createFleet(given as never);
    await check(fleet.up()).rejects.toMatchObject(refusal(message));
  });

  plainTest("the arguments of its methods", async () => {
    const fleet = createFleet({ targets, root: folderOf(FILES), environment: IMPATIENT });
    for (const given of [null, { targets: null }, { targets: [] }, { targets: "one" }])
      await check(fleet.up(given as never)).rejects.toMatchObject(refusal(/up\(\) of a fleet/));
    await check(fleet.target(null as never).status()).rejects.toMatchObject(refusal(/target\(\) is null/));
  });
});

plainTest.each([
  [undefined, /createTestDatabase takes an object/],
  [{}, /^dir of createTestDatabase is missing/],
  [{ dir: "migrations", databaseUrl: null }, /^databaseUrl of createTestDatabase is null/],
  [{ dir: null }, /^dir of createTestDatabase is null/],
])("createTestDatabase(%j)", async (options, message) => {
  await check(createTestDatabase(options as never)).rejects.toMatchObject(refusal(message));
});

plainTest.each(["databaseUrl", "dir", "timeout", "lockTimeout", "placeholders"])(
  "a configuration file with %s: null does not fall back to anything",
  async (key) => {
    const folder = folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ [key]: null }) });
    const { json } = await commandIn({ folder, url: NOWHERE, env: IMPATIENT }).fails(1, "up", "--json");
    check(json.problems[0].message).toMatch(new RegExp(`^${key} in godwit\\.config\\.json is null\\.$`));
  },
);
