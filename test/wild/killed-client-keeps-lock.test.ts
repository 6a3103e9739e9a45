import { expect, test } from "../support/database.ts";
import { startRunner } from "../support/runner.ts";
import { lockHolder, running } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

test("8: The client is killed, its backend lives on, and the lock stays until its statement ends", async ({
  db,
}) => {
  const folder = folderOf({ "0001_slow.sql": "select pg_sleep(20);" });
  const runner = await startRunner({ url: db.url, folder });
  const pid = await running(db, /pg_sleep/);
  expect(await lockHolder(db)).toBe(pid);
  const events = recorder();
  const next = up(targetOf({ url: db.url, folder }), events);
  const { holder } = await events.once("lock-waiting");
  expect(holder).toMatchObject({
    pid,
    doing: "select pg_sleep(***);",
    release: `select pg_terminate_backend(${pid});`,
  });
  expect(holder?.runId).toMatch(/^[0-9a-f-]{36}$/);

  runner.signal("SIGKILL");
  await runner.exited;
  const killedAt = performance.now();
  await until(async () => (await lockHolder(db)) !== pid, { what: "the lock to be free", withinMs: 8_000 });
  expect(performance.now() - killedAt).toBeLessThan(8_000);
  // The peer has the lock now, and begins the same migration.
  expect(await running(db, /pg_sleep/)).not.toBe(pid);
  events.abort(new Error("enough"));
  await expect(next).rejects.toThrow();
  writeFiles(folder, { "0001_slow.sql": "create table slow (id int);" });
  expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
});
