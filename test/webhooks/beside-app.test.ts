/** Beside an app: each start of the migrations is told once, also where their process is killed and can tell nothing itself. */
import { readFileSync } from "node:fs";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { childrenOf } from "../support/processes.ts";
import { startReceiver } from "../support/receiver.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FOREVER = ["run", "--", process.execPath, "-e", "setInterval(() => {}, 1000)"];

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
    { url: receiver.url, events: ["run.failed"] },
    { url: refusing.url, events: ["run.failed"] },
  ];
  const godwit = place(
    db,
    {
      "migrations/0001_sleeps.sql": "select pg_sleep(600)",
      "godwit.config.json": JSON.stringify({ webhooks, retryCount: 0 }),
    },
    {},
  );
  const running = godwit.start(...FOREVER);
  const sleepers =
    "select pid from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()";
  await until(async () => (await db.sql(sleepers)).length === 1, { what: "the migration to sleep" });
  for (const pid of childrenOf(running.child.pid))
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("godwit.cjs\0up")) process.kill(pid, "SIGKILL");
  await receiver.arrived(1);
  expect(receiver.received[0]?.json).toMatchObject({
    type: "run.failed",
    data: { target: db.name, failures: [{ code: "MIGRATIONS_ENDED", revision: null }] },
  });
  await running.says("WEBHOOK_UNDELIVERED");
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect((await godwit("webhooks", "--json")).json.undelivered).toMatchObject([{ type: "run.failed" }]);
});
