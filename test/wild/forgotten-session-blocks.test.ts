import { expect, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("52: A forgotten session blocks the migration for a day, and nobody says which", async ({ db }) => {
  await db.sql("create table shops (id int)");
  const stuck = await db.connect();
  await stuck.query("set application_name = 'forgotten pooler'");
  await stuck.query("begin; select count(*) from shops");
  const [self] = (await stuck.query("select pg_backend_pid() as pid")).rows;
  const events = recorder();
  const run = up(
    targetOf({
      url: db.url,
      folder: folderOf({ "0001_slug.sql": "alter table shops add slug text;" }),
      settings: { lockTimeoutMs: 300, lockAttempts: 2 },
    }),
    events,
  );
  const error = await run.catch((thrown) => thrown);
  const { blockers } = await events.once("step-retry");
  expect(blockers).toEqual([
    {
      pid: self.pid,
      user: db.owner,
      applicationName: "forgotten pooler",
      state: "idle in transaction",
      transactionAgeMs: expect.any(Number),
      query: "select pg_backend_pid() as pid",
    },
  ]);
  expect(error).toMatchObject({ code: "STEP_FAILED", report: { failures: [{ committed: "none" }] } });
  expect(error.hint).toContain(`process ${self.pid} (forgotten pooler, idle in transaction`);
  expect(error.hint).toContain(`select pg_terminate_backend(${self.pid});`);

  await db.sql(/select pg_terminate_backend\(\d+\);/.exec(error.hint)?.[0] ?? "");
  const after = await up(
    targetOf({ url: db.url, folder: folderOf({ "0001_slug.sql": "alter table shops add slug text;" }) }),
  );
  expect(after.outcome).toBe("done");
});
