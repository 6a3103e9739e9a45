/** Checks after a run: what must hold, or the run has failed. Through command, library, fleet and HTTPS. */
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, onTestFinished } from "vitest";
import type { GodwitError } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
};

const project = (db: TestDatabase, checks: readonly object[], more: object = {}) =>
  commandIn({
    folder: folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ checks, ...more }) }),
    url: db.url,
  });

async function serverOf(answer: (count: number) => number): Promise<{ url: string; server: Server }> {
  let count = 0;
  const server = createServer((_, response) => {
    const status = answer(++count);
    response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end("x".repeat(10_000));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/health?token=s3cr3tt0k3n`,
    server,
  };
}

const SQL = [
  ["select true", null],
  ["select 0 -- a row is enough", null],
  ["select to_regclass('a') is not null;", null],
  ["select false", "it returned false"],
  ["select null::boolean", "it returned null"],
  ["select false, true -- both columns have one name", "it returned false"],
  ['select false as b, true as "1"', "it returned false"],
  ["select 1 where false", "it returned no row"],
  ["delete from a returning 1", "cannot execute DELETE in a read-only transaction"],
  ["select nothing", 'column "nothing" does not exist'],
] as const;

const codeOf = async (work: Promise<unknown>) =>
  (await work.then(
    () => null,
    (error: unknown) => error,
  )) as GodwitError | null;

describe("a check in SQL", () => {
  test("passes with true or a row, and can change nothing", async ({ db }) => {
    const root = folderOf(FILES);
    for (const [sql, problem] of SQL) {
      const checks = [{ name: "looks", sql }];
      await using migrator = createMigrator({ databaseUrl: db.url, root, ledgerSchema, checks });
      if (problem === null) expect((await migrator.up()).checks).toEqual(["looks"]);
      else
        expect(await codeOf(migrator.up())).toMatchObject({
          code: "CHECK_FAILED",
          message: expect.stringContaining(`The check "looks" did not pass: ${problem}`),
        });
    }
  });

  test("fails a run that has done everything, and the next one that has nothing to do", async ({ db }) => {
    const godwit = project(db, [{ sql: "select false" }]);
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.report).toMatchObject({ outcome: "failed", steps: [{ revision: "0001_a" }] });
    await godwit.fails(1, "up");
    expect((await project(db, [{ name: "ok", sql: "select true" }])("up")).stdout).toContain(
      "Checks passed: ok.",
    );
  });

  test("that waits longer than its time is ended", async ({ db }) => {
    const { json } = await project(db, [{ sql: "select pg_sleep(60)", timeout: "200ms" }]).fails(
      1,
      "up",
      "--json",
    );
    expect(json.problems[0].message).toMatch(/The check "1 \(sql\)" did not pass/);
    expect(
      await db.sql("select 1 from pg_stat_activity where query ~ 'pg_sleep' and pid <> pg_backend_pid()"),
    ).toEqual([]);
  });
});

describe("a check by a command", () => {
  test("gets the database URL in its environment, and runs in the project's folder", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "smoke.sh": 'echo "$DATABASE_URL" > seen; exit 0',
      "godwit.config.json": JSON.stringify({ checks: [{ command: ["sh", "smoke.sh"] }] }),
    });
    await commandIn({ folder, url: db.url })("up");
    expect(readFileSync(`${folder}/seen`, "utf8").trim()).toBe(db.url);
    rmSync(`${folder}/seen`); // it holds the password, as its check wants it
  });

  test("that fails is told with its last lines, and what this run applied is taken back", async ({ db }) => {
    const check = { name: "smoke", command: ["sh", "-c", "echo first; echo no orders >&2; exit 4"] };
    const { json, stderr } = await project(db, [check], { rollbackOnFailure: true }).fails(1, "up", "--json");
    expect(json.problems[0].message).toBe('The check "smoke" did not pass: it exited with code 4.');
    expect(stderr).toContain("no orders");
    expect(json.report.rollback).toMatchObject({ outcome: "done", reverted: ["0001_a"] });
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  test("that hangs is ended with what it has started, and one that is not there is named", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "godwit.config.json": JSON.stringify({
        checks: [{ command: ["sh", "-c", "sleep 300 & echo $! > pid; wait"], timeout: "1s" }],
      }),
    });
    const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
    expect(json.problems[0].message).toMatch(/it had not ended after 1.0 s/);
    const pid = readFileSync(`${folder}/pid`, "utf8").trim();
    // A zombie that nobody reaps is no survivor.
    const alive =
      existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    expect(alive).toBe(false);
    const missing = await project(db, [{ command: ["./no-such-program"] }]).fails(1, "up", "--json");
    expect(missing.json.problems[0].message).toContain("./no-such-program could not be started (ENOENT)");
  });
});

describe("a check by a URL", () => {
  test("is asked until it answers 2xx", async ({ db }) => {
    const { url } = await serverOf((count) => (count < 3 ? 503 : 204));
    await project(db, [{ url }])("up");
  });

  test.for([
    [302, /answered 302 in time/],
    [503, /answered 503 in time/],
  ] as const)(
    "that answers %s until the end has not passed, and its token is not told",
    async ([status, said], { db }) => {
      const { url } = await serverOf(() => status);
      const godwit = project(db, [{ name: "alive", url, timeout: "700ms" }]);
      const { json, stdout, stderr } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0].message).toMatch(said);
      const doctor = await godwit.start("doctor").exits(0, 1);
      expect(doctor.stdout).toContain("alive");
      expect(`${stdout}${stderr}${doctor.stdout}${doctor.stderr}`).not.toContain("s3cr3tt0k3n");
    },
  );

  test("that nobody answers has not passed", async ({ db }) => {
    const { url, server } = await serverOf(() => 200);
    server.close();
    const { json } = await project(db, [{ url, timeout: "300ms" }]).fails(1, "up", "--json");
    expect(json.problems[0].message).toMatch(/could not be reached \(ECONNREFUSED\) in time/);
  });
});

const BAD = [
  [[{ sql: "select 1; select 2" }], "has 2 statements in its sql"],
  [[{ sql: "select 1", url: "http://x" }], "needs exactly one of sql, command and url"],
  [[{ comand: ["x"] }], "did you mean command?"],
  [[{ command: "node x.js" }], "has a command that is not a list of words"],
  [[{ url: "ftp://x" }], "has a url that is not one of http:// or https://"],
  [[{ sql: "select 1", timeout: "soon" }], "has a timeout that is no duration"],
  [{ sql: "select 1" }, "is not a list"],
  [[], "is empty"],
] as const;

test("checks that cannot be understood are refused before anything is done", async ({ db }) => {
  const root = folderOf(FILES);
  for (const [given, problem] of BAD) {
    await using migrator = createMigrator({ databaseUrl: db.url, root, checks: given as never });
    expect((await codeOf(migrator.up()))?.message).toContain(problem);
  }
  const { json } = await project(db, [{ sql: "select 1", name: "" }]).fails(1, "up", "--json");
  expect(json.problems[0]).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(/name/) });
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});

describe("a check before a run", () => {
  const quiet = { name: "nobody waits", when: "before" } as const;
  const refused = {
    code: "CHECK_REFUSED",
    message:
      'The check "nobody waits" must pass before a run, and did not: it returned false. No migration was begun.',
  };

  test("refuses the run before anything is done, by every door", async ({ db }) => {
    const checks = [
      { ...quiet, sql: "select false" },
      { name: "later", sql: "select true" },
    ];
    const godwit = project(db, checks);
    for (const words of [["up"], ["up", "--dry-run"]]) {
      const { json } = await godwit.fails(1, ...words, "--json");
      expect(json.problems, words.join(" ")).toMatchObject([refused]);
    }
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    await using migrator = createMigrator({
      databaseUrl: db.url,
      root: folderOf(FILES),
      ledgerSchema,
      checks,
    });
    expect(await codeOf(migrator.up())).toMatchObject(refused);
    expect(await codeOf(migrator.dryRun())).toMatchObject(refused);
    await using fleet = createFleet({
      root: folderOf(FILES),
      targets: { one: { url: db.url, ledgerSchema, checks } },
    });
    expect(await codeOf(fleet.up())).toMatchObject(refused);
    // What it would ask is in the plan, which asks nothing.
    expect((await migrator.plan()).checks).toEqual([
      { name: "nobody waits", when: "before" },
      { name: "later", when: "after" },
    ]);
    expect((await godwit("plan")).stdout).toContain("Checks before the run: nobody waits.");
  });

  test("is asked only where something is pending, and once, under the role and the path of the target", async ({
    db,
  }) => {
    const counted = (sql: string) =>
      project(db, [
        { ...quiet, sql },
        { name: "later", sql: "select true" },
      ]);
    const passed = await counted("select to_regclass('a') is null")("up");
    expect(passed.stdout).toContain("Checks passed: nobody waits, later.");
    expect((await counted("select false")("up")).stdout).toContain("Checks passed: later.");
    await counted("select false")("down", "base");
  });

  test("can change nothing, and leaves the run its session", async ({ db }) => {
    await db.sql("create table kept (id int)");
    const changes = project(db, [{ ...quiet, sql: "delete from kept returning true" }]);
    const { json } = await changes.fails(1, "up", "--json");
    expect(json.problems[0].message).toContain("read-only transaction");
    const command = project(db, [{ ...quiet, command: ["sh", "-c", "exit 3"] }]);
    expect((await command.fails(1, "up", "--json")).json.problems[0].message).toContain("exited with code 3");
    await project(db, [{ ...quiet, sql: "select 1 -- a row is enough" }])("up");
    expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: "a" }]);
  });

  test("and one afterwards are in the script for psql, which stops there", async ({ db }) => {
    const script = async (checks: readonly object[]) => (await project(db, checks)("up", "--sql")).stdout;
    const here = () => db.sql("select to_regclass('a')::text as a");
    const before = await script([{ ...quiet, sql: "select false, ':x'" }]);
    expect(psql(db.url, before)).toMatch(/nobody waits.*returned false/s);
    expect(await here()).toEqual([{ a: null }]);
    const both = [
      { ...quiet, sql: "select true" },
      { name: "it's there", sql: "select 1 from a" },
      { name: "smoke", command: ["sh", "smoke.sh"] },
    ];
    const after = await script(both);
    expect(after).toContain('does not run the check "smoke" (command)');
    expect(psql(db.url, after)).toMatch(/it's there.*returned no row/s);
    expect(await here()).toEqual([{ a: "a" }]);
  });

  test("with a moment that does not exist is refused", async ({ db }) => {
    const { json } = await project(db, [{ when: "during", sql: "select true" }]).fails(1, "up", "--json");
    expect(json.problems[0].message).toContain('has a when that is neither "before" nor "after"');
  });
});
