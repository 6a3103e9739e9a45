import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { lockHolder } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("11: The lock is probed and let go, and then the migrations run without it", async ({ db }) => {
  const first = await closeGate(db);
  const folder = folderOf({
    "0001_first.sql": `create table a (id int); ${GATE}`,
    "0002_outside.sql": `-- godwit: transaction=off\n${GATE}\nanalyze a;`,
  });
  const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 0 } });
  const events = recorder();
  const run = up(target, events);
  const kinds = () => events.events.map(({ kind }) => kind);

  // In the first migration …
  expect(await first.reached()).toEqual([await lockHolder(db)]);
  expect(kinds().indexOf("lock-acquired")).toBeLessThan(kinds().indexOf("planned"));
  const second = await closeGateNext(db, first);
  // … and in the last one, between the commits of the two.
  expect(await second.reached()).toEqual([await lockHolder(db)]);
  expect(
    await db.sql(`select revision, state from "${ledgerSchema}".migration_history order by sequence`),
  ).toEqual([
    { revision: "0001_first", state: "applied" },
    { revision: "0002_outside", state: "partial" },
  ]);
  await second.open();
  await run;
  expect(await lockHolder(db)).toBeUndefined();
});

/** Queues for the gate behind the migration that stands in it, so that the next one finds it closed again. */
async function closeGateNext(
  db: Parameters<typeof closeGate>[0],
  gate: Awaited<ReturnType<typeof closeGate>>,
) {
  const next = closeGate(db);
  await gate.reached(2);
  await gate.open();
  return next;
}
