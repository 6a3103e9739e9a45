/** A target may name a program that carries out its migrations. Lock, order and ledger stay ours, and nothing is guessed. */
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../scripts/fresh.mjs";
import type { GodwitError } from "../src/index.ts";
import { commandIn } from "./support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { installFunction, startPostgrest } from "./support/postgrest.ts";
import { type Files, folderOf } from "./support/target.ts";
import { createFleet, createMigrator } from "./support/watched.ts";

/** Runs the text of a file by itself, as another tool would. A file can tell it to stop half-way, and to wait. */
const PROGRAM = `#!/usr/bin/env node
const { appendFileSync, readFileSync } = require("node:fs");
const { Client } = require(${JSON.stringify(join(root, "node_modules", "pg"))});
const [file, direction] = process.argv.slice(2);
require("node:fs").writeFileSync("pid", String(process.pid));
appendFileSync("calls", process.argv.slice(2).map((word) => word.split("/").at(-1)).join(" ") + "\\n");
const text = readFileSync(file, "utf8");
(async () => {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  for (const statement of text.split(direction === "down" ? "-- back" : "--")[direction === "down" ? 1 : 0].split(";"))
    if (statement.trim() === "stop") { console.log("half-way"); process.exit(5); }
    else if (statement.trim() === "wait") { console.log("waiting"); await new Promise((go) => setTimeout(go, 60_000)); }
    else if (statement.trim() !== "") await client.query(statement);
  console.log("carried out " + direction);
  await client.end();
})();
`;
const RUNNER = ["./bin/migrate", "{file}", "{direction}"];

function project(db: TestDatabase, migrations: Files, config: object = { runner: RUNNER }) {
  const files = Object.entries(migrations).map(([name, text]) => [`migrations/${name}`, text]);
  const folder = folderOf({
    ...Object.fromEntries(files),
    "bin/migrate": PROGRAM,
    "godwit.config.json": JSON.stringify(config),
  });
  chmodSync(join(folder, "bin/migrate"), 0o755);
  const calls = () => (existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8") : "");
  return { folder, calls, godwit: commandIn({ folder, url: db.url }) };
}

const LEDGER = `select revision, state from "${ledgerSchema}".migration_history order by sequence`;
const applied = async (db: TestDatabase) =>
  (await db.sql(LEDGER)).map(({ revision, state }) => `${revision} ${state}`);

describe("a runner", () => {
  test("carries out each migration once, in order, and back", async ({ db }) => {
    const { godwit, calls } = project(db, {
      "0001_a.sql": "create table a (id int);\n-- back\ndrop table a",
      "0002_b.sql": "create table b (id int);\n-- back\ndrop table b",
    });
    const { stderr } = await godwit("up");
    expect(stderr).toMatch(/0001_a: carried out up[\s\S]*0002_b: carried out up/);
    expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
    expect(calls()).toBe("0001_a.sql up\n0002_b.sql up\n");
    expect(await applied(db)).toEqual(["0001_a applied", "0002_b applied"]);
    await godwit("status", "--check");
    await godwit("down", "-1");
    expect(calls()).toBe("0001_a.sql up\n0002_b.sql up\n0002_b.sql down\n");
    expect(await applied(db)).toEqual(["0001_a applied"]);
    expect(await db.sql("select to_regclass('a')::text as a, to_regclass('b')::text as b")).toEqual([
      { a: "a", b: null },
    ]);
  });

  test("that fails is not known to have kept nothing, and a person decides", async ({ db }) => {
    const { godwit, calls } = project(db, {
      "0001_a.sql": "create table a (id int); stop; create table b (id int)",
    });
    const { json, stderr } = await godwit.fails(1, "up", "--json");
    expect(json.report.failures).toMatchObject([{ revision: "0001_a", committed: "unknown" }]);
    expect(stderr).toContain("half-way");
    expect(json.problems[0].message).toBe("0001_a.sql failed: its runner failed: it exited with code 5");
    expect(json.problems[0].hint).toMatch(/sessions of its own: what it has committed stays/);
    expect(json.problems[0].hint).not.toMatch(/idempotent/);
    expect(await applied(db)).toEqual(["0001_a partial"]);
    // It is not begun again by itself.
    expect((await godwit.fails(1, "up", "--json")).json.problems[0].code).toBe("PLAN_PARTIAL");
    expect(calls()).toBe("0001_a.sql up\n");
    // The hint works.
    expect(json.problems[0].hint).toContain("godwit repair --mark-done 0001_a");
    await godwit("repair", "--mark-done", "0001_a", "--confirm", db.name);
    await godwit("status", "--check");
  });

  test("that cannot be started has kept nothing, and the step is pending again", async ({ db }) => {
    const { godwit } = project(
      db,
      { "0001_a.sql": "create table a (id int)" },
      { runner: ["./bin/none", "{file}"] },
    );
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.report.failures).toMatchObject([{ committed: "none" }]);
    expect(json.problems[0].message).toMatch(/the runner .*none could not be started \(ENOENT\)/);
    expect(await applied(db)).toEqual([]);
  });

  test("ends with the run that a signal ends, with all that it has started", async ({ db }) => {
    const { godwit } = project(db, { "0001_a.sql": "create table a (id int); wait" });
    const run = godwit.start("up", "--json");
    await run.says("waiting");
    run.child.kill("SIGTERM");
    const { json } = await run.exits(143);
    expect(json.report.failures).toMatchObject([{ committed: "unknown" }]);
    expect(await applied(db)).toEqual(["0001_a partial"]);
  });

  test("that outlives a killed run is not begun a second time", async ({ db }) => {
    const { godwit, calls, folder } = project(db, { "0001_a.sql": "create table a (id int); wait" });
    const run = godwit.start("up");
    await run.says("waiting");
    run.child.kill("SIGKILL");
    await run.ended;
    try {
      const { json } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0]).toMatchObject({ code: "PLAN_PARTIAL" });
      expect(json.problems[0].hint).toContain("godwit repair --retry 0001_a");
      expect(calls()).toBe("0001_a.sql up\n");
    } finally {
      process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");
    }
    await godwit("repair", "--retry", "0001_a", "--confirm", db.name);
    await db.sql("drop table a");
    const again = godwit.start("up");
    await again.says("waiting");
    again.child.kill("SIGTERM");
    await again.exits(143);
  });

  test("has no way back without {direction}, is not tried, not scripted, and not taken back", async ({
    db,
  }) => {
    const { godwit, calls } = project(
      db,
      { "0001_a.sql": "create table a (id int)" },
      { runner: RUNNER.slice(0, 2) },
    );
    expect((await godwit("up", "--dry-run")).stdout).toContain(
      "Not tried: 0001_a (the runner of the target carries it out)",
    );
    expect((await godwit.fails(1, "up", "--sql", "--json")).json.problems[0].message).toContain(
      "the runner of the target",
    );
    expect((await godwit.fails(1, "up", "--rollback-on-failure", "--json")).json.problems[0].code).toBe(
      "PLAN_NO_ROLLBACK",
    );
    expect(calls()).toBe("");
    await godwit("up");
    expect((await godwit.fails(1, "down", "-1", "--json")).json.problems[0].code).toBe("PLAN_IRREVERSIBLE");
    const other = project(db, {
      "0001_a.sql": "create table a (id int)",
      "0002_b.sql": "create table b (id int)",
    });
    const { json } = await other.godwit.fails(1, "up", "--rollback-on-failure", "--json");
    expect(json.problems[0].message).toMatch(
      /a part of it stays \(the runner of the target carries it out\)/,
    );
  });
});

test("several runs at once start it once", async ({ db }) => {
  const { folder, calls } = project(db, { "0001_a.sql": "create table a (id int)" });
  const one = () =>
    createMigrator({ databaseUrl: db.url, root: folder, dir: "migrations", ledgerSchema, runner: RUNNER });
  await using first = one();
  await using second = one();
  await Promise.all([first.up(), second.up()]);
  expect(calls()).toBe("0001_a.sql up\n");
});

test("each target of a fleet has its own, with the URL of its own database", async ({ db }) => {
  const { createDatabases } = await import("./support/databases.ts");
  const more = await createDatabases(db, 1);
  const { folder, calls } = project(db, { "0001_a.sql": "create table a (id int)" });
  try {
    const targets = { plain: { url: db.url }, own: { url: more.urls[0] as string, runner: RUNNER } };
    await using fleet = createFleet({ targets, root: folder, dir: "migrations", ledgerSchema });
    await fleet.up();
    expect(calls()).toBe("0001_a.sql up\n");
    expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: "a" }]);
  } finally {
    await more.drop();
  }
});

const BAD = [
  ["./migrate {file}", "is not a list of words"],
  [["./migrate"], "is not told which migration"],
  [["./migrate", "{fil}"], "Did you mean {file}?"],
  [["./migrate", "{file}", "postgres://u:t0ps3cr3t@h/d"], "has a password among its words"],
  [[], "is empty"],
] as const;

test("one that cannot be meant is refused before anything is done, and never shown with a password", async ({
  db,
}) => {
  for (const [runner, problem] of BAD) {
    await using migrator = createMigrator({
      databaseUrl: db.url,
      root: folderOf({}),
      runner: runner as never,
    });
    const error = (await migrator.up().catch((thrown: unknown) => thrown)) as GodwitError;
    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(problem) });
    expect(error.message).not.toContain("t0ps3cr3t");
  }
  await installFunction(db);
  await using api = await startPostgrest(db);
  const { folder } = project(db, { "0001_a.sql": "create table a (id int)" });
  const { json } = await commandIn({ folder, env: api.env }).fails(1, "up", "--json");
  expect(json.problems[0]).toMatchObject({ code: "URL_MISSING", message: expect.stringMatching(/runner/) });
});
