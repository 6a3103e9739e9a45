/** The run's own statements give way like a migration's: they are tried again, and who is in the way is named. */
import { describe } from "vitest";
import { viewOf } from "../../src/run/status.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { blocked } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const FAST = { lockTimeoutMs: 200 };
const ONE = { "0001_a.sql": "create table a (id int);" };

describe("a session that has locked", () => {
  test.for([
    ["migration_history", "up"],
    ["migration_locks", "up"],
    ["migration_history", "a look"],
  ] as const)("%s is waited for by %s, and named", async ([table, what], { db }) => {
    await up(targetOf({ url: db.url, folder: folderOf(ONE) }));
    const blocker = await db.connect();
    const [self] = (await blocker.query("select pg_backend_pid() as pid")).rows;
    await blocker.query(`begin; lock table ${ledgerSchema}.${table} in access exclusive mode`);
    const context = recorder();
    const folder = folderOf({ ...ONE, "0002_b.sql": "create table b (id int);" });
    const target = targetOf({ url: db.url, folder, settings: FAST });
    const running = what === "up" ? up(target, context) : viewOf(target, context);
    running.catch(() => {});
    const retry = await context.once("run-retry");
    await blocker.query("rollback");
    expect(retry.problem.hint).toContain(`select pg_terminate_backend(${self.pid});`);
    await running;
    if (what === "up") expect(await db.sql("select to_regclass('b')::text as b")).toEqual([{ b: "b" }]);
  });

  test("migration_history while a step runs: the run goes on from the ledger, and each step is done once", async ({
    db,
  }) => {
    const target = targetOf({
      url: db.url,
      folder: folderOf({ "0001_a.sql": "create table a (id int); insert into a values (1);" }),
      settings: FAST,
    });
    await up(target);
    const blocker = await db.connect();
    const folder = folderOf({
      ...ONE,
      "0001_a.sql": "create table a (id int); insert into a values (1);",
      "0002_b.sql": "insert into a values (2);",
    });
    await blocker.query(`begin; lock table ${ledgerSchema}.migration_history in share mode`);
    const context = recorder();
    const running = up(targetOf({ url: db.url, folder, settings: FAST }), context);
    running.catch(() => {});
    await context.once("step-retry");
    await blocker.query("rollback");
    expect((await running).steps).toHaveLength(1);
    expect(await db.sql("select id from a order by id")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("the ledger for too long ends every command with the session's name and the way to end it", async ({
    db,
  }) => {
    const files = { "migrations/0001_a.sql": ONE["0001_a.sql"] };
    const godwit = commandIn({
      folder: folderOf(files),
      url: db.url,
      env: { GODWIT_LEDGER_SCHEMA: ledgerSchema, GODWIT_LOCK_TIMEOUT: "200ms", GODWIT_LOCK_ATTEMPTS: "2" },
    });
    await godwit("up");
    const blocker = await db.connect();
    const [self] = (await blocker.query("select pg_backend_pid() as pid")).rows;
    await blocker.query(`begin; lock table ${ledgerSchema}.migration_history in access exclusive mode`);
    for (const words of [["up"], ["status"], ["plan"], ["history"], ["up", "--dry-run"]]) {
      const { json, stderr } = await godwit.fails(1, ...words, "--json");
      expect(json.problems[0], words.join(" ")).toMatchObject({
        code: "DATABASE_ERROR",
        message: expect.stringContaining("Another session holds a lock on a table of the run itself"),
        hint: expect.stringContaining(`select pg_terminate_backend(${self.pid});`),
      });
      expect(stderr).toContain("try 2 of 2");
    }
    await blocker.query("rollback");
  });
});

test("a signal in that wait is what ended the run, and not the lock", async ({ db }) => {
  await up(targetOf({ url: db.url, folder: folderOf(ONE) }));
  const blocker = await db.connect();
  await blocker.query(`begin; lock table ${ledgerSchema}.migration_history in access exclusive mode`);
  const godwit = commandIn({
    folder: folderOf({ "migrations/0001_a.sql": ONE["0001_a.sql"] }),
    url: db.url,
    env: { GODWIT_LEDGER_SCHEMA: ledgerSchema, GODWIT_LOCK_TIMEOUT: "1s" },
  });
  const running = godwit.start("up");
  await running.says("try 2 of 20");
  await blocked(db, /migration_history/);
  running.child.kill("SIGTERM");
  expect((await running.exits(143)).stderr).not.toContain("lock timeout [DATABASE_ERROR]");
  await blocker.query("rollback");
});
