/** A signal while a request is under way. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FILES = {
  "migrations/0001_slow.sql": "create table slow (id int);\nselect pg_sleep(50);",
};
const SLEEPING =
  "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";

test("a signal cancels the request, nothing of the step is kept, and the report says so", {
  timeout: 60_000,
}, async ({ db }) => {
  await installFunction(db);
  // As on Supabase, where the owner may end what the API runs.
  await db.admin("alter function exec_sql(jsonb) owner to postgres");
  await using api = await startPostgrest(db);
  const run = commandIn({ folder: folderOf(FILES), env: api.env }).start("up");
  await until(async () => (await db.admin(SLEEPING)).length === 1, { what: "the step" });
  run.child.kill("SIGTERM");
  const { stderr } = await run.exits(143);
  expect(stderr).toMatch(/SIGTERM ended the run while 0001_slow was running/);
  expect(stderr).toMatch(/rolled back/);
  expect(await db.admin(SLEEPING)).toEqual([]);
  expect(await db.sql("select to_regclass('slow') as slow")).toEqual([{ slow: null }]);
});
