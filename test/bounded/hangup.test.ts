/** A terminal that was closed, and Ctrl-\: the run ends as by any signal. */
import { constants } from "node:os";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { running } from "../support/sessions.ts";
import { folderOf } from "../support/target.ts";

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
