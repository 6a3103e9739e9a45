import { expect, ledgerSchema, test } from "../support/database.ts";
import { blocked } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("3: CREATE INDEX CONCURRENTLY waits for the peers that wait for the lock, and nobody ever says so", async ({
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
  const holder = up(target);
  await blocked(db, /create index concurrently/);

  const peers = Array.from({ length: 8 }, () => recorder());
  const waiting = peers.map((peer) => up(target, peer));
  await Promise.all(peers.map((peer) => peer.once("lock-waiting")));
  await writer.query("commit");

  expect((await holder).steps).toMatchObject([{ revision: "0001_index", attempts: 1 }]);
  expect((await Promise.all(waiting)).map((report) => report.steps)).toEqual(peers.map(() => []));
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(1);
});
