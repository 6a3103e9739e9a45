/** Runners of one target exclude each other, whatever becomes of them. */

import { randomUUID } from "node:crypto";
import { describe } from "vitest";
import { hideLiterals } from "../src/core/sql/secrets.ts";
import { parseAddress } from "../src/database/address/address.ts";
import type { Connection } from "../src/database/connection.ts";
import { openPostgres } from "../src/database/wire/postgres.ts";
import { DatabaseError, LockError } from "../src/errors.ts";
import { acquireLease } from "../src/lock/lease.ts";
import type { Holder, Lock } from "../src/lock/lock.ts";
import { acquireSessionLock } from "../src/lock/session.ts";
import { test as base, expect, ledgerSchema, type TestDatabase } from "./support/database.ts";
import { closeGate, GATE } from "./support/gate.ts";
import { type Proxy as NetworkProxy, startProxy } from "./support/proxy.ts";
import { folderOf, recorder, targetOf, up } from "./support/target.ts";
import { until } from "./support/until.ts";
import { majorVersion } from "./support/version.ts";

interface Party {
  readonly connection: Connection;
  readonly lock: Lock;
  /** The network that the renewals of a lease go through. */
  readonly net: NetworkProxy;
  readonly runId: string;
}

interface LeaseWishes {
  readonly termMs?: number;
  readonly onWait?: (holder: Holder | null) => void;
}

/** Those who take the lock by itself, without a run. Their connections are closed before the database is looked at. */
interface Parties {
  lease(wishes?: LeaseWishes): Promise<Party>;
  session(): Promise<Party>;
}

const test = base.extend<{ parties: Parties }>({
  parties: async ({ db }, use) => {
    const net: NetworkProxy[] = [];
    const opened: Connection[] = [];
    const open = async (url: string, pooling: "session" | "transaction") => {
      const address = parseAddress({ url, environment: {} });
      const connection = await openPostgres(address, { applicationName: pooling, pooling });
      opened.push(connection);
      return connection;
    };
    const options = (runId: string, onWait: (holder: Holder | null) => void = () => {}) => ({
      schema: ledgerSchema,
      runId,
      host: "test-host",
      waitMs: 20_000,
      signal: new AbortController().signal,
      onWait,
    });
    await use({
      async lease({ termMs = 1_200, onWait } = {}) {
        const way = await startProxy({ port: db.port });
        net.push(way);
        const runId = randomUUID();
        const connection = await open(db.url, "transaction");
        const openAnother = () => open(way.url(db.url), "transaction");
        const lock = await acquireLease(connection, { ...options(runId, onWait), termMs, openAnother });
        return { connection, lock, net: way, runId };
      },
      async session() {
        const runId = randomUUID();
        const connection = await open(db.url, "session");
        const way = await startProxy({ port: db.port });
        net.push(way);
        return { connection, lock: await acquireSessionLock(connection, options(runId)), net: way, runId };
      },
    });
    for (const way of net) await way.close();
    await Promise.all(opened.map((one) => one.close()));
  },
});

const GATED = { "0001_gate.sql": `create table gated (id int); ${GATE}` };
const PATIENT = { lockTimeoutMs: 0 };

describe("many runners", () => {
  test("twenty race for one empty database: each migration once, and all end well", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": "create table a (id int primary key); insert into a values (1);",
      "0002_b.sql": "insert into a values (2);",
      "0003_outside.sql": "-- godwit: transaction=off\ninsert into a values (3);\nvacuum a;",
      "0004_index.sql": "create index concurrently a_id on a (id);",
    });
    const reports = await Promise.all(
      Array.from({ length: 20 }, () => up(targetOf({ url: db.url, folder }))),
    );
    expect(reports.map((report) => report.outcome)).toEqual(reports.map(() => "done"));
    expect(reports.flatMap((report) => report.steps.map((step) => step.revision))).toEqual([
      "0001_a",
      "0002_b",
      "0003_outside",
      "0004_index",
    ]);
    expect(await db.sql("select id from a order by id")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await db.sql(`select count(*)::int as n from "${ledgerSchema}".migration_ledger`)).toEqual([
      { n: 1 },
    ]);
    expect(
      await db.sql(
        `select count(distinct run_id)::int as runs, count(*)::int as n from "${ledgerSchema}".migration_log`,
      ),
    ).toEqual([{ runs: 1, n: 4 }]);
  });
});

describe("waiting for a session's lock", () => {
  test("tells who holds it, what it runs, and the command that frees it", async ({ db }) => {
    const gate = await closeGate(db);
    const folder = folderOf(GATED);
    const target = targetOf({ url: db.url, folder, settings: PATIENT });
    const [holding, waiting] = [recorder(), recorder()];
    const first = up(target, holding);
    const [pid] = await gate.reached();
    const second = up(target, waiting);
    const { holder } = await waiting.once("lock-waiting");
    expect(holder).toEqual({
      pid,
      host: "127.0.0.1",
      user: db.owner,
      runId: holding.runId,
      heldForMs: expect.any(Number),
      statementForMs: expect.any(Number),
      doing: hideLiterals(GATED["0001_gate.sql"]),
      release: `select pg_terminate_backend(${pid});`,
      ...(majorVersion() < 14
        ? { note: expect.stringContaining("only when the runner's statement ends") }
        : {}),
    });

    // The command does what it says: either of the two has the lock next, and the other finds nothing left.
    await db.sql(holder?.release ?? "");
    await holding.once("connection-lost");
    await gate.reached();
    await gate.open();
    const reports = await Promise.all([first, second]);
    expect(reports.map((report) => report.steps.length).toSorted()).toEqual([0, 1]);
  });

  test("is planned again, and finds nothing left", async ({ db }) => {
    const gate = await closeGate(db);
    const target = targetOf({ url: db.url, folder: folderOf(GATED), settings: PATIENT });
    const first = up(target);
    await gate.reached();
    const waiting = recorder();
    const second = up(target, waiting);
    await waiting.once("lock-waiting");
    await gate.open();
    await first;
    expect(await second).toMatchObject({ outcome: "done", steps: [] });
  });

  test("ends with an error that names the holder", async ({ db }) => {
    const gate = await closeGate(db);
    const folder = folderOf(GATED);
    const first = up(targetOf({ url: db.url, folder, settings: PATIENT }));
    const [pid] = await gate.reached();
    const target = targetOf({ url: db.url, folder, settings: { ...PATIENT, lockWaitMs: 1_000 } });
    const error = await up(target).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(LockError);
    expect(error).toMatchObject({
      code: "LOCK_TIMEOUT",
      message: `Waited 1 s for the migration lock; process ${pid} on 127.0.0.1 still holds it.`,
      hint: expect.stringContaining(`select pg_terminate_backend(${pid});`),
      report: { outcome: "failed", steps: [] },
    });
    await gate.open();
    await first;
  });
});

describe("a lease and a session's lock", () => {
  for (const [one, other] of [
    ["session", "transaction"],
    ["transaction", "session"],
    ["transaction", "transaction"],
  ] as const)
    test(`a runner in pooling mode ${other} waits for one in mode ${one}`, async ({ db }) => {
      const gate = await closeGate(db);
      const folder = folderOf(GATED);
      const [holding, waiting] = [recorder(), recorder()];
      const first = up(targetOf({ url: db.url, folder, pooling: one, settings: PATIENT }), holding);
      await gate.reached();
      const second = up(targetOf({ url: db.url, folder, pooling: other, settings: PATIENT }), waiting);
      const { holder } = await waiting.once("lock-waiting");
      expect(holder?.runId).toBe(holding.runId);
      expect(holder?.doing).toContain("gate");
      expect(waiting.events.map(({ kind }) => kind)).not.toContain("lock-acquired");
      await gate.open();
      expect((await first).steps).toHaveLength(1);
      expect((await second).steps).toHaveLength(0);
    });
});

const LOCK = `"${ledgerSchema}".migration_locks`;

async function row(db: TestDatabase) {
  const [found] = await db.sql<{
    fence: string;
    run_id: string;
    expired: boolean;
    expires: string;
    taken: string;
  }>(
    `select fence, run_id, expires_at < clock_timestamp() as expired, expires_at::text as expires,
      locked_at::text as taken from ${LOCK}`,
  );
  if (found === undefined) throw new Error("There is no lock row.");
  return found;
}

describe("a lease", () => {
  test("is renewed for as long as its holder lives", async ({ db, parties }) => {
    const { lock, runId } = await parties.lease();
    const { expires } = await row(db);
    const later = await until(async () => {
      const now = await row(db);
      const [past] = await db.sql<{ past: boolean }>("select clock_timestamp() > $1::timestamptz as past", [
        expires,
      ]);
      return past?.past && now;
    });
    expect(later).toMatchObject({ run_id: runId, fence: "1" });
    await lock.confirm();
    await lock.release();
    expect(await row(db)).toMatchObject({ run_id: null, expires: null });
  });

  test("is taken over when its term is over, and not before", async ({ db, parties }) => {
    const first = await parties.lease();
    first.net.goSilent();
    const { expires } = await row(db);
    const second = await parties.lease();
    const { taken, run_id } = await row(db);
    expect(run_id).toBe(second.runId);
    expect(await db.sql("select $1::timestamptz >= $2::timestamptz as after", [taken, expires])).toEqual([
      { after: true },
    ]);
    await second.lock.release();
  });

  test("has a number that only ever rises", async ({ db, parties }) => {
    const fences: number[] = [];
    const note = async () => fences.push(Number((await row(db)).fence));
    for (let round = 0; round < 3; round++) {
      const { lock } = await parties.lease();
      await note();
      await lock.release();
      await note();
      const other = await parties.session();
      await other.lock.announce("up");
      await note();
      await other.lock.release();
      await note();
    }
    expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    const taken = fences.filter((_, index) => index % 4 === 0);
    expect(new Set(taken).size).toBe(3);
  });

  test("a holder that was paused cannot commit after another has taken over", async ({ db, parties }) => {
    await db.sql("create table effects (by text)");
    const first = await parties.lease();
    first.net.goSilent();
    const second = await parties.lease();
    const commit = (party: Party, by: string) =>
      party.connection.execute(`begin; ${party.lock.fence} insert into effects values ('${by}'); commit`);
    await expect(commit(first, "first")).rejects.toMatchObject({ sqlState: "GW001" });
    await first.connection.execute("rollback");
    await commit(second, "second");
    expect(await db.sql("select by from effects")).toEqual([{ by: "second" }]);
    await second.lock.release();
  });

  test("one that was paused and comes back after the next has ended cannot commit either", async ({
    parties,
  }) => {
    const first = await parties.lease();
    first.net.goSilent();
    const second = await parties.lease();
    await second.lock.release();
    await expect(first.connection.execute(`begin; ${first.lock.fence} commit`)).rejects.toMatchObject({
      sqlState: "GW001",
    });
    await first.connection.execute("rollback");
  });

  for (const [next, take] of [
    ["another lease", (parties: Parties) => parties.lease()],
    ["a session's lock", (parties: Parties) => parties.session()],
  ] as const)
    test(`a holder inside a transaction is not overtaken by ${next}`, async ({ db, parties }) => {
      await db.sql("create table effects (by text)");
      const first = await parties.lease();
      await first.connection.execute(`begin; ${first.lock.fence} insert into effects values ('first')`);
      first.net.goSilent();
      let taken = false;
      const second = take(parties).then((party) => {
        taken = true;
        return party;
      });
      // The term is over, the other one has tried, and is kept waiting by the transaction.
      await until(async () => (await row(db)).expired);
      await until(async () => {
        const rows = await db.admin(
          "select from pg_stat_activity where datname = $1 and application_name in ('transaction', 'session') and wait_event_type = 'Lock'",
          [db.name],
        );
        return taken || rows.length > 0;
      });
      expect(taken).toBe(false);
      await first.connection.execute("commit");
      const { lock, connection } = await second;
      expect((await connection.query("select by from effects")).rows).toEqual([{ by: "first" }]);
      await lock.release();
    });

  test("that cannot be renewed is not trusted any more, before its term is over", async ({ db, parties }) => {
    const { lock, net } = await parties.lease();
    net.goSilent();
    await until(() => lock.lost.aborted);
    expect(lock.lost.reason).toMatchObject({ code: "LOCK_LOST" });
    expect((await row(db)).expired).toBe(false);
    await expect(lock.confirm()).rejects.toMatchObject({ code: "LOCK_LOST" });
  });

  test("that is lost takes the work with it", async ({ db }) => {
    const gate = await closeGate(db);
    const events = recorder();
    const target = targetOf({
      url: db.url,
      folder: folderOf(GATED),
      pooling: "transaction",
      settings: PATIENT,
    });
    const connections: Connection[] = [];
    const run = up(
      {
        ...target,
        async open(options) {
          const connection = await target.open(options);
          connections.push(connection);
          return connection;
        },
      },
      events,
    );
    await gate.reached();
    const renewer = connections[1]?.server.backendPid;
    await db.admin("select pg_terminate_backend($1)", [renewer]);
    await expect(run).rejects.toMatchObject({ code: "LOCK_LOST", report: { outcome: "failed", steps: [] } });
    expect(await db.sql("select to_regclass('gated') as gated")).toEqual([{ gated: null }]);
    await gate.open();
    expect(events.events.at(-1)).toMatchObject({ kind: "finished" });
  });

  test("is freed by the command that those who wait are told", async ({ db, parties }) => {
    const first = await parties.lease({ termMs: 60_000 });
    let told: Holder | null = null;
    const second = parties.lease({
      onWait(holder) {
        told = holder;
      },
    });
    const holder = await until(() => told as Holder | null);
    expect(holder).toMatchObject({ runId: first.runId, host: "test-host" });
    await db.sql(holder.release);
    const { lock, runId } = await second;
    expect((await row(db)).run_id).toBe(runId);
    await expect(first.lock.confirm()).rejects.toBeInstanceOf(DatabaseError);
    await first.connection.execute("rollback");
    await lock.release();
  });
});
