/** What migrations beside an app may take: memory and time. Beyond that their process ends, with a reason, and the app goes on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runChild } from "../../src/service/supervise/child.ts";
import { BINARY, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { childrenOf, isRunning, untilGone } from "../support/processes.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FOREVER = `setInterval(() => {}, 1000); console.log("up");`;

function start(db: TestDatabase, files: Files, env: Readonly<Record<string, string>>) {
  const godwit = commandIn({ folder: folderOf(files), url: db.url, env: { NODE_ENV: "production", ...env } });
  return godwit.start("run", "--", process.execPath, "-e", FOREVER);
}

test("migrations that hold too much memory are ended with the reason, also where it is not V8's heap", async ({
  db,
}) => {
  const eats = `export async function up() {
    const held = [];
    for (;;) { held.push(Buffer.alloc(8 << 20, 1)); await new Promise((go) => setTimeout(go, 5)); }
  }`;
  const running = start(db, { "migrations/0001_eats.js": eats }, { MIGRATION_MAX_MEMORY_MB: "192" });
  await running.says("up");
  await running.says(/The migrations held \d+ MB of memory, more than the 192 MB that they may/);
  await running.says("The migrations have failed (MIGRATIONS_MEMORY). The app goes on.");
  const left = childrenOf(running.child.pid);
  expect(left).toHaveLength(1);
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect(await db.sql("select count(*)::int as n from pg_tables where tablename = 'effects'")).toEqual([
    { n: 0 },
  ]);
});

test("migrations that hang end at their deadline, and a step that has hung alone is not tried again", async ({
  db,
}) => {
  const running = start(db, { "migrations/0001_a.sql": "select pg_sleep(600)" }, { MIGRATION_TIMEOUT: "1" });
  await running.says("The migrations have failed (DEADLINE). The app goes on.");
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(143);
  expect(stderr).not.toContain("Attempt 1");
  // Who was stopped says so itself, and nobody repeats it.
  expect(stderr.match(/\[DEADLINE\]/g)).toHaveLength(1);
});

test("a deadline that is shorter than the wait for another run is a cause that can pass", async ({ db }) => {
  const files = { "migrations/0001_a.sql": "select pg_sleep(600)" };
  const first = commandIn({ folder: folderOf(files), url: db.url }).start("up");
  await until(
    async () =>
      (
        await db.admin(
          "select 1 from pg_stat_activity where state = 'active' and query like '%sleep(600)%' and datname = current_database() and pid <> pg_backend_pid()",
        )
      ).length > 0,
    { what: "the other run to work" },
  );
  const env = { MIGRATION_TIMEOUT: "1", MIGRATION_RETRY_COUNT: "1", MIGRATION_RETRY_DELAY: "1ms" };
  const running = start(db, files, env);
  await running.says("Attempt 1 of 2 to migrate has failed, and its cause can pass");
  await running.says("The migrations have failed after 2 attempts (DEADLINE). The app goes on.");
  running.child.kill("SIGTERM");
  await running.exits(143);
  first.child.kill("SIGTERM");
  await first.exits(143);
});

test("migrations that hang beyond their deadline are killed, and status shows what is applied", async ({
  db,
}) => {
  const gate = await closeGate(db);
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a (id int);",
    "migrations/0002_b.sql": `create table b (id int); ${GATE}`,
  });
  const environment = {
    PATH: process.env.PATH,
    DATABASE_URL: db.url,
    GODWIT_LEDGER_SCHEMA: ledgerSchema,
    GODWIT_DIR: join(folder, "migrations"),
  };
  const outcome = await runChild({
    command: [process.execPath, BINARY, "up", "--quiet", "--lock-timeout", "0"],
    environment,
    timeoutMs: 1_500,
    graceMs: 100,
    attemptsLeft: 0,
    maxMemoryBytes: 1 << 30,
    observe: () => {},
    signal: new AbortController().signal,
  });
  expect(outcome).toMatchObject({
    problems: [{ code: "DEADLINE", hint: expect.stringContaining("`godwit status`") }],
  });
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit("status")).stdout).toMatch(/pending +0002_b/);
  await gate.open();
  await godwit("up");
  expect((await godwit("status", "--json")).json).toMatchObject({ pending: 0 });
});

test("a process that does not even end at its deadline is killed with what it has started", async () => {
  const script = `const { spawn } = require("node:child_process");
    const { writeFileSync } = require("node:fs");
    process.on("SIGTERM", () => {});
    writeFileSync(process.argv[1], String(spawn("sleep", ["600"], { detached: true }).pid));
    for (;;);`;
  const file = join(folderOf({}), "pid");
  const outcome = await runChild({
    command: [process.execPath, "-e", script, file],
    environment: { PATH: process.env.PATH },
    timeoutMs: 1_500,
    graceMs: 100,
    attemptsLeft: 0,
    maxMemoryBytes: 1 << 30,
    observe: () => {},
    signal: new AbortController().signal,
  });
  expect(outcome).toMatchObject({ ok: false, by: "deadline", problems: [{ code: "DEADLINE" }] });
  const started = Number(readFileSync(file, "utf8"));
  await untilGone([started], "what it had started");
  expect(isRunning(started)).toBe(false);
});
