/** A terminal that was closed, and Ctrl-\: the run ends as by any signal. Under nohup it goes on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { BINARY, commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { running } from "../support/sessions.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const SLEEP = { "migrations/0001_a.sql": "create table a (id int); select pg_sleep(600) from nap;" };

test.for([
  ["SIGHUP", "up"],
  ["SIGQUIT", "up"],
  ["SIGHUP", "up --dry-run"],
] as const)("%s ends %s with one document, and the statement with it", async ([signal, command], { db }) => {
  await db.sql("create table nap as select 1");
  const godwit = commandIn({ folder: folderOf(SLEEP), url: db.url });
  const run = godwit.start(...command.split(" "), "--json");
  await running(db, /from nap/);
  run.child.kill(signal);
  const { json } = await run.exits(128 + constants.signals[signal]);
  expect(json).toMatchObject({ ok: false, report: { outcome: "interrupted" } });
  expect(json.problems[0].message).toContain(signal);
  const left = await db.admin(
    "select 1 from pg_stat_activity where datname = $1 and query ~ 'from nap' and state = 'active' and pid <> pg_backend_pid()",
    [db.name],
  );
  expect(left).toEqual([]);
});

test.runIf(process.platform === "linux")("under nohup a closed terminal ends nothing", async ({ db }) => {
  await db.sql("create table nap as select 1");
  const folder = folderOf(SLEEP);
  const child = spawn("nohup", [process.execPath, BINARY, "up", "--json"], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: db.url },
    stdio: ["ignore", "ignore", "ignore"],
  });
  const ended = once(child, "exit");
  await running(db, /from nap/);
  child.kill("SIGHUP");
  child.kill("SIGTERM");
  // The second signal is the one that counts: its number is the exit code.
  expect(await ended).toEqual([143, null]);
  await until(
    async () =>
      (
        await db.admin(
          "select 1 from pg_stat_activity where datname = $1 and query ~ 'from nap' and state = 'active' and pid <> pg_backend_pid()",
          [db.name],
        )
      ).length === 0,
  );
});
