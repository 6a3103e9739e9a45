import { expect, test } from "../support/database.ts";
import { blocked } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("50: Several tables are locked in one transaction: the first is held while the second is waited for", async ({
  db,
}) => {
  await db.sql("create table a (id int); create table b (id int)");
  const [mirror, writer] = [await db.connect(), await db.connect()];
  await mirror.query("begin; insert into b values (1)");
  const events = recorder();
  const run = up(
    targetOf({
      url: db.url,
      folder: folderOf({ "0001_both.sql": "alter table a add x int;\nalter table b add x int;" }),
      settings: { lockTimeoutMs: 500 },
    }),
    events,
  );
  await blocked(db, /alter table b/);
  // While B is waited for, A is held; it is let go when the wait is over, and the whole begins again.
  await writer.query("set statement_timeout = '20s'");
  await writer.query("insert into a values (1)");
  expect(await events.once("step-retry")).toMatchObject({ problem: { place: { line: 2 } } });
  await mirror.query("commit");
  expect((await run).steps[0]?.attempts).toBeGreaterThan(1);
  expect(await db.sql("select a.x as ax, b.x as bx from a, b")).toEqual([{ ax: null, bx: null }]);
});
