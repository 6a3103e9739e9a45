/** A receiver that never answers holds nobody up: not the app, and not who ends what has been done. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { startReceiver } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };
/** Who is in no hurry waits for 3 s. */
const PROMPT_MS = 2_000;

async function place(db: TestDatabase) {
  const receiver = await startReceiver("silence");
  const folder = folderOf(FILES);
  const env = { GODWIT_WEBHOOK_URL: receiver.url, NODE_ENV: "production" };
  return { folder, godwit: commandIn({ folder, url: db.url, env }) };
}

test("a signal that comes while messages are waited for ends the wait within a second", async ({ db }) => {
  const { godwit } = await place(db);
  const running = godwit.start("up");
  await running.says("0001_a applied");
  const sessions =
    "select 1 from pg_stat_activity where datname = current_database() and application_name like 'godwit%' and pid <> pg_backend_pid()";
  await until(async () => (await db.admin(sessions)).length === 0, { what: "the run to be over" });
  const signalled = performance.now();
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(0);
  expect(performance.now() - signalled).toBeLessThan(PROMPT_MS);
  expect(stderr).toContain("[WEBHOOK_UNDELIVERED]");
  expect((await godwit("webhooks", "--json")).json.undelivered).toMatchObject([
    { type: "run.started" },
    { type: "run.completed" },
  ]);
});

for (const [fate, sql, said] of [
  ["have ended", FILES["migrations/0001_a.sql"], "1 migration applied"],
  ["have failed", "create tabel a ()", "The migrations have failed (STEP_FAILED). The app goes on."],
] as const)
  test(`with --wait the app starts when the migrations ${fate}, and messages are delivered beside it`, async ({
    db,
  }) => {
    const { godwit, folder } = await place(db);
    writeFileSync(join(folder, "migrations/0001_a.sql"), sql);
    const app = "console.error('the app is up'); setInterval(() => {}, 1000)";
    const running = godwit.start("run", "--wait", "--", process.execPath, "-e", app);
    await running.says("[WEBHOOK_UNDELIVERED]");
    running.child.kill("SIGTERM");
    const { stderr } = await running.exits(143);
    const places = [said, "the app is up", "[WEBHOOK_UNDELIVERED]"].map((words) => stderr.indexOf(words));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(stderr.match(/\[STEP_FAILED\]/g)?.length ?? 0).toBe(fate === "have failed" ? 1 : 0);
  });

test("with --wait and several targets the app starts when the last has ended, and each one's messages are delivered beside it", async ({
  db,
}) => {
  const receiver = await startReceiver("silence");
  const targets = Object.fromEntries(
    ["one", "two", "three"].map((name) => [name, { url: db.url, dir: name, ledgerSchema: `l_${name}` }]),
  );
  const folder = folderOf({
    "godwit.config.json": JSON.stringify({ targets, webhooks: [{ url: receiver.url }], retryCount: 0 }),
    "one/0001_a.sql": "create table a (id int);",
    "two/0001_b.sql": "create tabel b ();",
    "three/0001_c.sql": "create table c (id int);",
  });
  const godwit = commandIn({ folder, env: { NODE_ENV: "production", GODWIT_LEDGER_SCHEMA: "" } });
  const app = "console.error('the app is up'); setInterval(() => {}, 1000)";
  const running = godwit.start("run", "--wait", "--", process.execPath, "-e", app);
  await running.says(/(?:WEBHOOK_UNDELIVERED.*){3}/s);
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(143);
  const up = stderr.indexOf("the app is up");
  expect(up).toBeGreaterThan(stderr.indexOf("three: 0001_c applied"));
  expect(up).toBeGreaterThan(stderr.indexOf("The migrations have failed (STEP_FAILED). The app goes on."));
  expect(up).toBeLessThan(stderr.indexOf("WEBHOOK_UNDELIVERED"));
  expect(stderr.match(/\[STEP_FAILED\]/g)).toHaveLength(1);
  const [{ undelivered }] = (await godwit("webhooks", "one", "--json")).json.targets;
  expect(undelivered).toMatchObject([{ type: "run.started" }, { type: "run.completed" }]);
});

for (const way of ["start", "launch"] as const)
  test(`an app that ends meanwhile ends everything within a second (${way})`, async ({ db }) => {
    const { godwit, folder } = await place(db);
    const app = `const { existsSync } = require("node:fs");
      setInterval(() => existsSync(${JSON.stringify(join(folder, "go"))}) && process.exit(7), 10);`;
    const words = ["--", process.execPath, "-e", app];
    const running = way === "start" ? godwit.start("run", ...words) : godwit.launch(...words);
    await running.says("1 migration applied");
    const ended = performance.now();
    writeFileSync(join(folder, "go"), "");
    const { stderr } = await running.exits(7);
    expect(performance.now() - ended).toBeLessThan(PROMPT_MS);
    expect(stderr).not.toContain("the migrations are stopped");
  });
