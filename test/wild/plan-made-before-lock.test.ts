import { expect, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("12: The plan is made before the lock is there, and is out of date when it comes", async ({ db }) => {
  const gate = await closeGate(db);
  const folder = folderOf({
    "0001_a.sql": "create table a (id int);",
    "0002_gate.sql": `create table b (id int); ${GATE}`,
  });
  const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 0 } });
  const first = up(target);
  await gate.reached();
  const events = recorder();
  let over = false;
  const second = up(target, events).finally(() => {
    over = true;
  });
  await events.once("lock-waiting");
  // It neither plans nor gives up while the first is still at work.
  expect(events.events.map(({ kind }) => kind)).toEqual(["connected", "lock-waiting"]);
  expect(over).toBe(false);
  await gate.open();
  expect((await first).steps).toHaveLength(2);
  expect(await second).toMatchObject({ outcome: "done", steps: [], remaining: [] });
  expect(await events.once("planned")).toMatchObject({ plan: { steps: [] } });
});
