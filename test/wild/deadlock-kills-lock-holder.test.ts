import { expect, test } from "../support/database.ts";
import { blocked } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("4: The deadlock detector kills the holder of the lock, who leaves an invalid index behind", async ({
  db,
}) => {
  await db.sql("create table orders (id int)");
  const target = targetOf({
    url: db.url,
    folder: folderOf({ "0001_index.sql": "create index concurrently orders_id on orders (id);" }),
  });
  const writer = await db.connect();
  await writer.query("begin");
  await writer.query("insert into orders values (1)");
  const events = recorder();
  const holder = up(target, events);
  const pid = await blocked(db, /create index concurrently/);
  const peer = recorder();
  const waiting = up(target, peer);
  await peer.once("lock-waiting");

  // Whom the build waits for, now and until it ends, is the writer and never a peer.
  const writers = await db.admin<{ pids: number[] }>("select pg_blocking_pids($1) as pids", [pid]);
  const [self] = (await writer.query("select pg_backend_pid() as pid")).rows;
  expect(writers).toEqual([{ pids: [self.pid] }]);
  await writer.query("commit");

  await Promise.all([holder, waiting]);
  expect(events.events.filter(({ kind }) => kind === "step-retry" || kind === "connection-lost")).toEqual([]);
  expect(await db.sql("select indisvalid from pg_index where indexrelid = 'orders_id'::regclass")).toEqual([
    { indisvalid: true },
  ]);
});
