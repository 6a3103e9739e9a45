/** A person's own PGlite is migrated and given back as it was. */
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPglite } from "../src/database/pglite.ts";
import { openLedger } from "../src/ledger/ledger.ts";
import { openPlain } from "../src/source/plain/plain.ts";
import { ledgerSchema } from "./support/database.ts";
import { startReceiver } from "./support/receiver.ts";
import { folderOf, SETTINGS, up } from "./support/target.ts";
import { createMigrator } from "./support/watched.ts";

let instance: PGlite;
beforeAll(async () => {
  instance = await PGlite.create();
});
afterAll(() => instance.close());

test("what a run sets for itself is not left in the session", async () => {
  const state = `select name, setting from pg_settings where source = 'session' order by name`;
  const before = (await instance.query(state)).rows;
  const folder = folderOf({ "0001_a.sql": "create table a (id int); set search_path to nowhere;" });
  const source = openPlain({ folder, cacheFolder: `${folder}/.cache` });
  const target = {
    name: "pglite",
    source,
    ledger: openLedger(ledgerSchema),
    open: () => openPglite(instance),
    settings: SETTINGS,
  };
  expect((await up(target)).steps).toHaveLength(1);
  expect((await instance.query(state)).rows).toEqual(before);
  expect((await instance.query("select count(*)::int as n from a")).rows).toEqual([{ n: 0 }]);
});

test("one connection at a time; the next one comes when it is closed", async () => {
  const first = await openPglite(instance);
  let opened = false;
  const second = openPglite(instance).then((connection) => {
    opened = true;
    return connection;
  });
  // Many times as long as opening takes.
  for (let n = 0; n < 50; n++) await first.execute("select 1");
  expect(opened).toBe(false);
  await first.close();
  await (await second).close();
});

test("who waits for its turn can stop waiting, and leaves the turn to others", async () => {
  const first = await openPglite(instance);
  const waiting = openPglite(instance, { signal: AbortSignal.abort(new Error("enough")) });
  await expect(waiting).rejects.toThrow("enough");
  const third = openPglite(instance);
  await first.close();
  await (await third).close();
});

test("a transaction that was left open is rolled back, and the instance stays open unless asked", async () => {
  await instance.exec("create table kept (n int)");
  const connection = await openPglite(instance);
  await connection.execute("begin; insert into kept values (1)");
  await connection.close();
  expect((await instance.query("select n from kept")).rows).toEqual([]);

  const own = await PGlite.create();
  await (await openPglite(own, { close: true })).close();
  expect(own.closed).toBe(true);
  await expect(openPglite(own)).rejects.toMatchObject({ message: "The PGlite instance is closed." });
});

test("messages that no webhook has taken are kept in it and sent again", async () => {
  const receiver = await startReceiver(404, 404, 200);
  await using migrator = createMigrator({
    ...{ root: folderOf({ "migrations/0001_told.sql": "create table told (id int)" }), database: instance },
    ...{ ledgerSchema: "told", allowSecondLedger: true, environment: {} },
    webhooks: [{ url: receiver.url }],
  });
  await migrator.up();
  expect((await migrator.webhooks()).undelivered).toHaveLength(2);
  expect(await migrator.webhooks("retry")).toMatchObject({ delivered: 2, undelivered: [] });
});
