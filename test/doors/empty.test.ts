/** Empty is never all: a shell variable that is not set leaves an empty word behind, and that is refused by name. */
import { expect as check, describe, test as plainTest } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

/** Nobody is there, and nobody is waited for: a command that asks it ends at once. */
const NOWHERE = "postgres://nobody@127.0.0.1:1/none";
const IMPATIENT = { GODWIT_CONNECT_ATTEMPTS: "1" };

function project(files: Readonly<Record<string, string>> = {}) {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);", ...files });
  return commandIn({ folder, url: NOWHERE, env: IMPATIENT });
}

const TARGETS = {
  "godwit.config.json": JSON.stringify({
    targets: {
      one: { url: `${NOWHERE}1`, dir: "migrations" },
      two: { url: `${NOWHERE}2`, dir: "migrations" },
      many: { url: `${NOWHERE}3`, dir: "migrations", schemas: ["a", "b"] },
    },
  }),
};

describe("an empty word of the command line is refused before anything is done", () => {
  plainTest.each([
    [["up", "--target", ""], "--target"],
    [["up", "--target="], "--target"],
    [["up", "--target", " "], "--target"],
    [["up", "--target", ","], "--target"],
    [["up", "--target", "one,"], "--target"],
    [["up", "--target", "one", ""], "--target"],
    [["up", "--target", "many/"], '"many/"'],
    [["up", ""], "[revision]"],
    [["up", "one", ""], "[revision]"],
    [["status", ""], "[targets…]"],
    [["plan", ""], "[revision]"],
    [["down", ""], "<revision>"],
    [["down", "one", ""], "<revision>"],
    [["baseline", "", "--target", "one"], "<revision>"],
    [["new", "", "--target", "one"], "[name…]"],
    [["new", "-m", "", "--target", "one"], "--message"],
    [["import", "", "--target", "one"], "[name]"],
    [["import", "--from", "", "--target", "one"], "--from"],
    [["build", "", "--target", "one"], "[folder]"],
    [["completion", ""], "<shell>"],
    [["adopt", "one", "--tool", ""], "--tool"],
    [["repair", "one", "--accept", ""], "--accept"],
    [["repair", "one", "--accept", "0001", "--confirm", ""], "--confirm"],
    [["duplicates", "--target", "one", "--keep", ""], "--keep"],
    [["up", "one", "--sql", "--from", ""], "--from"],
    [["up", "one", "--dir", ""], "--dir"],
    [["up", "one", "--dir="], "--dir"],
    [["up", "one", "--phase", ""], "--phase"],
    [["up", "one", "--mode", ""], "--mode"],
    [["up", "one", "--database-url", ""], "--database-url"],
    [["up", "one", "--role", ""], "--role"],
    [["up", "one", "--lock-timeout", ""], "--lock-timeout"],
    [["up", "--parallel", ""], "--parallel"],
  ])("godwit %j", async (words, name) => {
    const { json, stderr } = await project(TARGETS).fails(2, ...words, "--json");
    check(json).toMatchObject({ ok: false, problems: [{ code: "CONFIG_INVALID" }] });
    check(json.problems[0].message).toContain(name);
    check(json.problems[0].message).toContain("empty");
    check(json.problems[0].hint).not.toBe("");
    check(stderr).toContain(name);
  });

  plainTest("without targets as well, where it would have been the embedded server", async () => {
    const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
    const { json } = await commandIn({ folder, env: { NODE_ENV: "production" } }).fails(
      2,
      "up",
      "--database-url",
      "",
      "--json",
    );
    check(json.problems[0].message).toBe("--database-url is empty.");
  });

  plainTest("an empty word that is an answer of its own stays one: none of it is left out", async () => {
    const { json } = await project().fails(2, "up", "--target", "", "--json");
    check(json.problems[0].message).toBe("--target is empty.");
  });
});

describe("an empty variable is no value, except where that would mean more than was meant", () => {
  plainTest.each([
    "GODWIT_TARGET",
    "GODWIT_PHASE",
    "GODWIT_MODE",
    "MIGRATION_MODE",
    "DATABASE_URL",
    "GODWIT_DATABASE_URL",
  ])("%s is refused", async (name) => {
    const files = name.endsWith("URL") ? {} : TARGETS;
    const { json } = await project(files)
      .with({ [name]: name.endsWith("URL") ? "" : " " })
      .fails(1, "up", "--json");
    check(json.problems[0].message).toContain(name);
  });

  test("an empty line for what has a default is not set", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
    const godwit = commandIn({ folder, url: db.url });
    const { json } = await godwit.with({ GODWIT_DIR: "", MIGRATION_TIMEOUT: "", GODWIT_ROLE: "" })(
      "up",
      "--json",
    );
    check(json.report.steps).toHaveLength(1);
  });
});

describe("an empty value that a program or a file gives is refused by name", () => {
  test.for([
    [{ dir: "" }, "dir"],
    [{ databaseUrl: "" }, "databaseUrl"],
    [{ role: "" }, "role"],
    [{ ledgerSchema: "" }, "ledgerSchema"],
    [{ phase: [] }, "phase"],
  ] as const)("createMigrator(%j)", async ([config, name], { db }) => {
    const migrator = createMigrator({
      root: folderOf({ "migrations/0001_a.sql": "create table a (id int);" }),
      databaseUrl: db.url,
      ledgerSchema,
      environment: {},
      ...(config as object),
    });
    await expect(migrator.up()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(new RegExp(`${name.replace(/[A-Z]/g, ".?$&")}.*empty`, "i")),
    });
  });

  plainTest("a file", async () => {
    const { json } = await project({ "godwit.config.json": '{"dir":""}' }).fails(1, "up", "--json");
    check(json.problems[0].message).toMatch(/^dir in .*godwit\.config\.json is empty\.$/);
  });

  plainTest("createFleet().up({ targets: [] }) migrates nothing, and says so", async () => {
    const targets = { one: { url: NOWHERE, dir: "migrations" } };
    const fleet = createFleet({
      targets,
      root: folderOf({ "migrations/0001_a.sql": "select 1;" }),
      environment: IMPATIENT,
    });
    await check(fleet.up({ targets: [] })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("empty"),
    });
    await check(fleet.up({ targets: [""] })).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });
  });

  test("an empty goal goes nowhere", async ({ db }) => {
    const root = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
    const migrator = createMigrator({ root, databaseUrl: db.url, ledgerSchema, environment: {} });
    const calls = [migrator.up, migrator.down, migrator.plan, migrator.baseline];
    for (const call of calls) await expect(call("")).rejects.toMatchObject({ code: "REVISION_UNKNOWN" });
    await expect(migrator.import("")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: null }]);
  });
});
