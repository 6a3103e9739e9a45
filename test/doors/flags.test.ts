/** A flag that a command does not honour is refused: who types it counts on what it says. */
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { flagName, OPTIONS } from "../../src/config/options.ts";
import { commandIn } from "../support/command.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const NOWHERE = "postgres://nobody@127.0.0.1:1/none";

function project() {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
  return commandIn({ folder, url: NOWHERE, env: { GODWIT_CONNECT_ATTEMPTS: "1" } });
}

test.each([
  [["down", "base", "--phase", "startup"], "--phase"],
  [["down", "base", "--contract"], "--contract"],
  [["down", "base", "--mode", "startup"], "--mode"],
  [["down", "base", "--out-of-order"], "--out-of-order"],
  [["down", "base", "--parallel", "2"], "--parallel"],
  [["plan", "base", "--phase", "startup"], "--phase"],
  [["plan", "-1", "--contract"], "--contract"],
  [["up", "--from", "0001"], "--from"],
  [["down", "base", "--from", "0001"], "--from"],
  [["up", "--sql", "--dry-run"], "--dry-run"],
  [["up", "--sql", "--on-failure", "continue"], "--on-failure"],
  [["up", "--dry-run", "--on-failure", "continue"], "--on-failure"],
  [["up", "--sql", "--rollback-on-failure"], "--rollback-on-failure"],
  [["up", "--dry-run", "--rollback-on-failure"], "--rollback-on-failure"],
  [["down", "base", "--rollback-on-failure"], "--rollback-on-failure"],
  [["compatible", "--write", "x.json", "--after-up"], "--after-up"],
  [["down", "base", "--sql", "--on-failure", "continue"], "--on-failure"],
  [["up", "--sql", "--database-url", NOWHERE], "--database-url"],
  [["up", "--sql", "--lock-wait", "3s"], "--lock-wait"],
  [["down", "base", "--sql", "--pooling", "session"], "--pooling"],
  [["heads", "--database-url", NOWHERE], "--database-url"],
  [["new", "x", "--role", "a"], "--role"],
  [["new", "x", "--sql", "--ts"], "--ts"],
  [["build", "--lock-timeout", "3s"], "--lock-timeout"],
  [["baseline", "0001", "--phase", "startup"], "--phase"],
  [["adopt", "--out-of-order"], "--out-of-order"],
  [["import", "--status", "--from", "x"], "--from"],
  [["import", "--status", "--colours"], "--colours"],
  [["up", "--parallel", "2"], "--parallel"],
  [["up", "+1", "--on-target-failure", "stop"], "--on-target-failure"],
  [["up", "--dry-run", "--parallel", "2"], "--parallel"],
  [["status", "--parallel", "2"], "--parallel"],
  [["plan", "--on-target-failure", "stop"], "--on-target-failure"],
  [["duplicates", "--keep", "1", "--limit", "3"], "--limit"],
  [["history", "--log", "--indicate-current"], "--indicate-current"],
  [["lint", "0001_a", "--all"], "--all"],
  [["completion", "bash", "--dir", "x"], "--dir"],
  [["status", "--lock-wait", "3s"], "--lock-wait"],
  [["history", "--lock-wait", "3s"], "--lock-wait"],
  [["drift", "--lock-wait", "3s"], "--lock-wait"],
  [["backfill", "pause", "0001", "--lock-wait", "3s"], "--lock-wait"],
  [["import", "--status", "--lock-wait", "3s"], "--lock-wait"],
  [["status", "--backfill-parallel", "2"], "--backfill-parallel"],
  [["down", "base", "--backfill-parallel", "2"], "--backfill-parallel"],
  [["up", "--dry-run", "--backfill-parallel", "2"], "--backfill-parallel"],
  [["drift", "--accept", "--files"], "--files"],
  [["drift", "--accept", "--sql"], "--sql"],
  [["plan", "--calibration", "--phase", "startup"], "--phase"],
  [["rehearse", "-1", "--phase", "startup"], "--phase"],
])("godwit %j is refused by name", async (words, flag) => {
  const { json } = await project().fails(2, ...words, "--json");
  expect(json.problems[0]).toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringMatching(/does not honour/),
    hint: expect.stringMatching(/./),
  });
  expect(json.problems[0].message).toContain(flag);
});

test("a prediction of earlier runs is about no revision", async () => {
  const { json } = await project().fails(2, "plan", "0001", "--calibration", "--json");
  expect(json.problems[0]).toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("0001"),
  });
});

test.each(["files", "sql"])("the library refuses %s where drift is accepted", async (key) => {
  await using migrator = createMigrator({ environment: {} });
  await expect(migrator.drift({ accept: true, [key]: true })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `drift() with accept does not honour ${key}.`,
  });
});

test("a command has every flag that it does honour, and help names no other", async () => {
  const godwit = project();
  for (const name of ["up", "down", "status", "heads"]) {
    const { stdout } = await godwit(name, "--help");
    const row = COMMANDS.find((each) => each.name === name);
    for (const option of OPTIONS.filter(({ forPlanning }) => forPlanning === true))
      expect({ name, flag: flagName(option), said: stdout.includes(`--${flagName(option)} `) }).toMatchObject(
        {
          said: row?.honours?.includes(option.key) === true || undefined === option.flag,
        },
      );
  }
});

describe("variables and files speak to all commands, and are passed over where they mean nothing", () => {
  test("heads with a phase and a database in the environment", async () => {
    const { json } = await project().with({ GODWIT_PHASE: "startup", GODWIT_LOCK_WAIT: "3s" })(
      "heads",
      "--json",
    );
    expect(json.heads).toEqual(["0001_a"]);
  });
});

test.each([
  [["up", "--dry"], "Did you mean --dry-run?"],
  [["up", "--dry=yes"], "Did you mean --dry-run?"],
  [["up", "--dryrun"], "Did you mean --dry-run?"],
  [["up", "--pretend"], "Did you mean --dry-run?"],
  [["adopt", "--dry", "--json"], "Did you mean --dry-run?"],
  [["new", "x", "--revi", "none"], "Did you mean --revises?"],
  // There is none that it could mean, or there are several.
  [["status", "--dry"], null],
  [["status", "--pretend"], null],
  [["up", "--lock", "3s"], null],
])("%s: a part of a flag and another tool's word for it lead to it", async (words, meant) => {
  const { stderr, stdout } = await project().fails(2, ...words);
  if (meant === null) expect(stderr).not.toContain("Did you mean");
  else expect(stderr).toContain(meant);
  if (words.includes("--json")) expect(stdout).toContain(meant);
});
