/** Outside a transaction too, nothing waits for a lock longer than the lock timeout, unless nobody has to wait behind it. */
import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const SHOPS = "create table shops (id int); insert into shops values (1);";
const FAST = { lockTimeoutMs: 200 };

describe("a reader is in the way of", () => {
  test.for([
    ["VACUUM FULL", "vacuum full shops;"],
    ["CLUSTER of everything", "cluster;"],
    ["REINDEX of the schema", "reindex schema public;"],
    [
      "ALTER TABLE in a file without a transaction",
      "-- godwit: transaction=off\nalter table shops add name text;",
    ],
  ] as const)("%s, which gives way, and is tried again", async ([, statement], { db }) => {
    await db.sql(`${SHOPS} create index shops_id on shops (id); cluster shops using shops_id`);
    const reader = await db.connect();
    await reader.query("begin; select from shops");
    const context = recorder();
    const folder = folderOf({ "0001_heavy.sql": statement });
    const running = up(targetOf({ url: db.url, folder, settings: FAST }), context);
    running.catch(() => {});
    const retry = await context.once("step-retry");
    expect(retry.problem).toMatchObject({ code: "STEP_FAILED" });
    // The application is served between two tries.
    expect((await db.sql("select id from shops")).length).toBe(1);
    await reader.query("rollback");
    expect((await running).steps).toHaveLength(1);
  });

  test("VACUUM FULL for too long: it fails, nothing is said to be kept, and the next run goes on", async ({
    db,
  }) => {
    await db.sql(SHOPS);
    const reader = await db.connect();
    await reader.query("begin; select from shops");
    const folder = folderOf({ "0001_heavy.sql": "vacuum full shops;" });
    const target = targetOf({ url: db.url, folder, settings: { ...FAST, lockAttempts: 2 } });
    await expect(up(target)).rejects.toMatchObject({
      code: "STEP_FAILED",
      report: { failures: [{ committed: "none" }] },
    });
    await reader.query("rollback");
    expect((await up(target)).steps).toHaveLength(1);
  });

  test("a procedure that has committed something: it fails at once and is not called twice", async ({
    db,
  }) => {
    await db.sql(`${SHOPS} create table calls (n int);
      create procedure heavy() language plpgsql as $$ begin
        insert into calls values (1); commit; alter table shops add name text; end $$`);
    const reader = await db.connect();
    await reader.query("begin; select from shops");
    const folder = folderOf({ "0001_call.sql": "-- godwit: transaction=off\ncall heavy();" });
    await expect(up(targetOf({ url: db.url, folder, settings: FAST }))).rejects.toMatchObject({
      report: { failures: [{ committed: "unknown" }] },
    });
    await reader.query("rollback");
    expect(await db.sql("select n from calls")).toEqual([{ n: 1 }]);
  });

  test("a detachment, whose first half stays: the run says so, and the next one finishes it", async ({
    db,
    skip,
  }) => {
    const [server] = await db.sql<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    if ((server?.version ?? 0) < 140_000) skip("PostgreSQL 13 cannot detach concurrently.");
    await db.sql(`create table orders (day int) partition by list (day);
      create table orders_1 partition of orders for values in (1)`);
    const reader = await db.connect();
    await reader.query("begin; select from orders_1");
    const folder = folderOf({
      "0001_detach.sql": "alter table orders detach partition orders_1 concurrently;",
    });
    const target = targetOf({ url: db.url, folder, settings: { ...FAST, lockAttempts: 1 } });
    await expect(up(target)).rejects.toMatchObject({ report: { failures: [{ committed: "some" }] } });
    expect(await db.sql("select inhdetachpending as pending from pg_inherits")).toEqual([{ pending: true }]);
    expect(await db.sql("select count(*)::int as n from orders_1")).toEqual([{ n: 0 }]);
    await reader.query("rollback");
    expect((await up(target)).steps).toHaveLength(1);
    expect(await db.sql("select from pg_inherits")).toEqual([]);
  });
});

test("an index is built for as long as it takes, and a writer does not wait behind it", async ({ db }) => {
  await db.sql(SHOPS);
  const reader = await db.connect();
  await reader.query("begin isolation level repeatable read; select from shops");
  let wait = () => {};
  const waiting = new Promise<void>((resolve) => {
    wait = resolve;
  });
  const context = recorder((event) => {
    if (event.kind === "step-progress" && event.elapsedMs > 1_000 && event.blockers.length > 0) wait();
  });
  const folder = folderOf({ "0001_ix.sql": "create index concurrently shops_id on shops (id);" });
  const running = up(targetOf({ url: db.url, folder, settings: FAST }), context);
  await waiting;
  await db.sql("insert into shops values (2)");
  await reader.query("rollback");
  expect((await running).steps).toMatchObject([{ attempts: 1 }]);
  expect(await db.sql(`select state from "${ledgerSchema}".migration_history`)).toEqual([
    { state: "applied" },
  ]);
});
