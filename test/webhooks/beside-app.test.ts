/** Beside an app: each start of the migrations is told once, also where their process is killed and can tell nothing itself. */
import { readFileSync } from "node:fs";
import { commandIn, type Running } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { childrenOf } from "../support/processes.ts";
import { startReceiver } from "../support/receiver.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FOREVER = ["run", "--", process.execPath, "-e", "setInterval(() => {}, 1000)"];

/** Kills the process that migrates as soon as so many migrations sleep. */
async function killSleeping(db: TestDatabase, running: Running, count: number) {
  const sleepers =
    "select pid from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()";
  await until(async () => (await db.sql(sleepers)).length === count, { what: "the migrations to sleep" });
  for (const pid of childrenOf(running.child.pid))
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("godwit.cjs\0up")) process.kill(pid, "SIGKILL");
}

function place(db: Pick<TestDatabase, "url">, files: Files, env: Readonly<Record<string, string>>) {
  return commandIn({ folder: folderOf(files), url: db.url, env: { NODE_ENV: "production", ...env } });
}

test("a failure that is tried again is told only when the last try has failed", async () => {
  const receiver = await startReceiver();
  const godwit = place(
    { url: "postgres://nobody@127.0.0.1:1/none" },
    { "migrations/0001_a.sql": "select 1" },
    {
      ...{ GODWIT_WEBHOOK_URL: receiver.url, MIGRATION_RETRY_COUNT: "2", MIGRATION_RETRY_DELAY: "1ms" },
    },
  );
  const running = godwit.start(...FOREVER);
  await running.says("The migrations have failed after 3 attempts (DATABASE_UNREACHABLE)");
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect(receiver.types()).toEqual(["run.failed"]);
});

test("migrations that are killed are told as failed, and what is not taken is kept", async ({ db }) => {
  const [receiver, refusing] = [await startReceiver(), await startReceiver(404)];
  const webhooks = [
    { url: receiver.url, events: ["run.started", "run.failed"] },
    { url: refusing.url, events: ["run.failed"] },
  ];
  const godwit = place(
    db,
    {
      "migrations/0001_a.sql": "create table a (id int)",
      "migrations/0002_sleeps.sql": "select pg_sleep(600)",
      "godwit.config.json": JSON.stringify({ webhooks, retryCount: 0 }),
    },
    {},
  );
  const running = godwit.start(...FOREVER);
  await receiver.arrived(1);
  await killSleeping(db, running, 1);
  await receiver.arrived(2);
  const [begun, failed] = receiver.received.map(({ json }) => json);
  // It is the run that has begun, and what it had done before is in place.
  expect(failed).toMatchObject({
    type: "run.failed",
    data: {
      ...{ target: db.name, runId: begun.data.runId, applied: ["0001_a"], count: 1, remaining: 1 },
      failures: [{ code: "MIGRATIONS_ENDED", revision: null }],
    },
  });
  await running.says("WEBHOOK_UNDELIVERED");
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect((await godwit("webhooks", "--json")).json.undelivered).toMatchObject([{ type: "run.failed" }]);
});

test("of several targets each run that was killed is told under its own id", async ({ db }) => {
  const receiver = await startReceiver();
  const targets = {
    done: { url: db.url, dir: "done", ledgerSchema: "l1", project: "done" },
    one: { url: db.url, dir: "one", ledgerSchema: "l2", project: "one" },
    two: { url: db.url, dir: "two", ledgerSchema: "l3", project: "two" },
  };
  const config = { targets, webhooks: [{ url: receiver.url }], retryCount: 0, parallel: 3 };
  const files = {
    "done/0001_d.sql": "select 1",
    "one/0001_s.sql": "select pg_sleep(600)",
    "two/0001_s.sql": "select pg_sleep(600)",
    "godwit.config.json": JSON.stringify(config),
  };
  const running = place({ url: db.url }, files, {}).start(...FOREVER);
  await receiver.arrived(4);
  await killSleeping(db, running, 2);
  await receiver.arrived(6);
  const ids = (type: string) =>
    receiver.received
      .filter(({ json }) => json.type === type && json.data.target !== "done")
      .map(({ json: { data } }) => `${data.target} ${data.runId}`)
      .toSorted();
  expect(ids("run.failed")).toEqual(ids("run.started"));
  expect(ids("run.failed")).toHaveLength(2);
  running.child.kill("SIGTERM");
  await running.exits(143);
});
