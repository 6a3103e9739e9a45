import { expect, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("49: ALTER TABLE waits for a lock, and everybody else queues behind it", async ({ db }) => {
  await db.sql("create table shops (id int)");
  const [reader, next] = [await db.connect(), await db.connect()];
  await reader.query("begin; select * from shops");
  const events = recorder();
  const run = up(
    targetOf({
      url: db.url,
      folder: folderOf({ "0001_slug.sql": "alter table shops add slug text;" }),
      settings: { lockTimeoutMs: 200 },
    }),
    events,
  );
  await events.once("step-started");
  // Whoever comes after it gets through, although the one in front of it does not end.
  await next.query("set statement_timeout = '20s'");
  for (let retries = 0; retries < 2; ) {
    await next.query("select * from shops");
    retries = events.events.filter(({ kind }) => kind === "step-retry").length;
  }
  const { blockers, problem } = await events.once("step-retry");
  const [self] = (await reader.query("select pg_backend_pid() as pid")).rows;
  expect(blockers).toMatchObject([{ pid: self.pid, state: "idle in transaction" }]);
  expect(problem).toMatchObject({
    place: { file: "0001_slug.sql", line: 1 },
    details: { sqlState: "55P03" },
  });
  await reader.query("commit");
  const report = await run;
  expect(report.steps[0]?.attempts).toBeGreaterThan(2);
});
