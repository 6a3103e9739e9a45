import { describe } from "vitest";
import { parseAddress } from "../../src/database/address/address.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import { acquireSessionLock } from "../../src/lock/session.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { lockHolder } from "../support/sessions.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

describe("7: The lock is taken on one connection and given back on another, and nobody looks at the answer", () => {
  test("one connection takes the lock and migrates", async ({ db }) => {
    const gate = await closeGate(db);
    const folder = folderOf({ "0001_gate.sql": GATE });
    const run = up(targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 0 } }));
    expect(await gate.reached()).toEqual([await lockHolder(db)]);
    await gate.open();
    await run;
    expect(await lockHolder(db)).toBeUndefined();
  });

  test("a lock that was not there to give back ends the connection", async ({ db }) => {
    const connection = await openPostgres(parseAddress({ url: db.url, environment: {} }), {
      applicationName: "godwit test",
    });
    const lock = await acquireSessionLock(connection, {
      schema: ledgerSchema,
      runId: "00000000-0000-0000-0000-000000000000",
      host: "test-host",
      waitMs: 0,
      signal: new AbortController().signal,
      onWait: () => {},
    });
    await lock.confirm();
    await connection.query("select pg_advisory_unlock_all()");
    await expect(lock.confirm()).rejects.toMatchObject({ code: "LOCK_LOST" });
    await lock.release();
    expect(connection.lost.aborted).toBe(true);
  });

  test("a migration that gives the lock away fails the run", async ({ db }) => {
    const folder = folderOf({ "0001_away.sql": "select pg_advisory_unlock_all();" });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "LOCK_LOST" });
  });
});
