/** A network that goes silent says nothing; the run says so in a bounded time, and what it did is known. */
import pg from "pg";
import { onTestFinished } from "vitest";
import { parseAddress } from "../src/database/address/address.ts";
import { openPostgres } from "../src/database/wire/postgres.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { startProxy } from "./support/proxy.ts";
import { folderOf, recorder, targetOf, up } from "./support/target.ts";

const HEARTBEAT_MS = 1_000;

/** The way to the test's database leads through a proxy. */
async function through(db: TestDatabase) {
  const proxy = await startProxy({ port: db.port });
  onTestFinished(() => proxy.close());
  return { proxy, address: parseAddress({ url: `${proxy.url(db.url)}?connect_timeout=2`, environment: {} }) };
}

const opened = (address: ReturnType<typeof parseAddress>) =>
  openPostgres(address, { applicationName: "godwit test", heartbeatMs: HEARTBEAT_MS });

/** What the proxy no longer says: that the client has gone. */
async function sweep(db: TestDatabase): Promise<void> {
  await db.admin(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
  );
}

test("a statement whose network went silent is given up", async ({ db }) => {
  const { proxy, address } = await through(db);
  const connection = await opened(address);
  const running = connection.query("select pg_sleep(60)");
  running.catch(() => {});
  proxy.goSilent();
  await expect(running).rejects.toMatchObject({
    code: "DATABASE_CONNECTION_LOST",
    message: expect.stringContaining("nothing has been heard of the server"),
  });
  await connection.close();
  await sweep(db);
});

test("a statement that just takes long is not given up", async ({ db }) => {
  const { address } = await through(db);
  const seconds = (HEARTBEAT_MS * 4) / 1000;
  const [busy, idle] = [await opened(address), await opened(address)];
  await idle.execute("begin");
  // biome-ignore lint/plugin: that the statement takes so long is what is tested
  await busy.query("select pg_sleep($1)", [seconds]);
  // Nor is one that follows a long pause of ours: this session sent nothing meanwhile.
  await idle.execute(`select pg_sleep(${seconds}); commit`);
  for (const connection of [busy, idle]) {
    expect(connection.lost.aborted).toBe(false);
    await connection.close();
  }
});

test("an answer that never arrives is missed although the server can be asked", async ({ db }) => {
  const { proxy, address } = await through(db);
  const connection = await opened(address);
  proxy.goSilent("present");
  await expect(connection.query("select 1")).rejects.toMatchObject({
    code: "DATABASE_CONNECTION_LOST",
    message: expect.stringContaining("its answer did not arrive"),
  });
  await connection.close();
  await sweep(db);
});

test("a session that is gone is missed at once, although its end could not be heard", async ({ db }) => {
  const { proxy, address } = await through(db);
  const connection = await opened(address);
  const running = connection.query("select pg_sleep(60)");
  running.catch(() => {});
  await expect
    .poll(() =>
      db.admin("select from pg_stat_activity where pid = $1 and state = 'active'", [
        connection.server.backendPid,
      ]),
    )
    .toHaveLength(1);
  proxy.goSilent("present");
  await sweep(db);
  await expect(running).rejects.toMatchObject({
    message: expect.stringContaining("the server has ended its session"),
  });
  await connection.close();
});

test("a run on a network that goes silent ends with a clear error, and the next one goes on", async ({
  db,
}) => {
  const { proxy, address } = await through(db);
  const folder = folderOf({
    "0001_a.sql": "create table a (id int);",
    "0002_b.sql": "select pg_sleep(2); create table b (id int);",
  });
  const target = {
    ...targetOf({ url: proxy.url(db.url), folder, settings: { connectAttempts: 1 } }),
    open: (options: { applicationName: string; signal: AbortSignal }) =>
      openPostgres(address, { ...options, heartbeatMs: HEARTBEAT_MS }),
  };
  const run = recorder();
  const running = up(target, run);
  running.catch(() => {});
  await run.once("step-done");
  proxy.goSilent();
  const error = await running.catch((thrown) => thrown);
  expect(error).toMatchObject({
    code: "DATABASE_UNREACHABLE",
    report: {
      outcome: "failed",
      steps: [{ revision: "0001_a" }],
      failures: [{ revision: "0002_b", committed: "unknown" }],
      remaining: [],
    },
  });
  expect(run.events.some((event) => event.kind === "connection-lost")).toBe(true);
  await sweep(db);
  await up(targetOf({ url: db.url, folder }));
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history order by sequence`)).toEqual([
    { revision: "0001_a" },
    { revision: "0002_b" },
  ]);
});

test("a server that restarts in the middle of a run is waited for, and the run ends well", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": "create table a (id int);",
    "0002_b.sql": "select pg_sleep(0.5); create table b (id int);",
  });
  const run = recorder();
  const running = up(targetOf({ url: db.url, folder }), run);
  await run.once("step-done");
  const killer = new pg.Client(db.adminUrl);
  await killer.connect();
  await killer.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", [
    `godwit run ${run.runId}`,
  ]);
  await killer.end();
  expect((await running).outcome).toBe("done");
  expect(await run.once("connection-lost")).toMatchObject({ problem: { code: "DATABASE_CONNECTION_LOST" } });
});

test("an error that a migration raises with a connection's code does not pass for a lost connection", async ({
  db,
}) => {
  const folder = folderOf({
    "0001_a.sql": "do $$ begin raise 'the other side is down' using errcode = '08006'; end $$;",
  });
  const run = recorder();
  await expect(up(targetOf({ url: db.url, folder }), run)).rejects.toMatchObject({ code: "STEP_FAILED" });
  expect(run.events.some((event) => event.kind === "connection-lost")).toBe(false);
});
