/** `godwit serve` about databases that cannot be reached, and about several of them. */
import { connect, createServer } from "node:net";
import { onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { serving } from "../support/health.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const A = "create table a (id int);";

test("a database that goes away is not known, is no reason to restart anything, and is found again", async ({
  db,
}) => {
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": A }), url: db.url });
  await godwit("up");
  const proxy = await startProxy({ port: db.port });
  const { get, running } = await serving(godwit.with({ DATABASE_URL: proxy.url(db.url) }));
  const statusIs = (status: string) =>
    until(async () => (await get("/api/health")).json.migrations.status === status, { what: status });
  await statusIs("completed");
  await proxy.close();
  await statusIs("unknown");
  await running.says("warning: ");
  expect((await get("/api/health")).status).toBe(200);
  expect((await get("/livez")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(503);
  let isDatabase = false;
  await new Promise<void>((resolve) => {
    const other = createServer((socket) => {
      socket.on("error", () => {});
      if (!isDatabase) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      const database = connect(db.port, "127.0.0.1").on("error", () => {});
      return socket.pipe(database).pipe(socket);
    });
    onTestFinished(() => void other.close());
    other.listen(proxy.port, "127.0.0.1", resolve);
  });
  // Told once, because it is another reason than before.
  await running.says(/terminated unexpectedly/);
  expect((await get("/livez")).status).toBe(200);
  isDatabase = true;
  await statusIs("completed");
  running.child.kill("SIGTERM");
  await running.exits(0);
});

test("the deadline of a run is not that of serve", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": A });
  const godwit = commandIn({ folder, url: db.url, env: { MIGRATION_TIMEOUT: "500ms" } });
  const { get, running } = await serving(godwit);
  const first = (await get("/api/health")).json.timestamp;
  await until(async () => Date.parse((await get("/api/health")).json.timestamp) - Date.parse(first) > 1_000);
  running.child.kill("SIGTERM");
  await running.exits(0);
});

test("of several targets the worst counts, and --target names those that are meant", async ({ db }) => {
  const databases = await createDatabases(db, 1);
  try {
    const targets = {
      one: { url: db.url, dir: "one" },
      two: { url: databases.urls[0], dir: "two" },
    };
    const folder = folderOf({
      "godwit.config.json": JSON.stringify({ targets }),
      "one/0001_a.sql": A,
      "two/0001_a.sql": A,
      "two/0002_b.sql": "select nothing;",
    });
    const godwit = commandIn({ folder, env: { GODWIT_LEDGER_SCHEMA: ledgerSchema } });
    const all = await serving(godwit);
    const one = await serving(godwit, "--target", "one");
    const migrationsOf = async ({ get }: typeof all) => (await get("/readyz")).json.migrations;
    await until(async () => (await migrationsOf(all)).pending === 3);
    await godwit("up", "one");
    await until(async () => (await migrationsOf(one)).status === "completed");
    await until(async () => {
      const { pending, status } = await migrationsOf(all);
      return pending === 2 && status === "unknown";
    });
    await godwit.fails(1, "up");
    await until(async () => (await migrationsOf(all)).status === "failed");
    expect((await migrationsOf(all)).failures).toEqual([{ code: "STEP_FAILED", revision: "0002_b" }]);
    expect((await one.get("/readyz")).status).toBe(200);
    for (const { running } of [all, one]) {
      running.child.kill("SIGTERM");
      await running.exits(0);
    }
  } finally {
    await databases.drop();
  }
});

test("a target that cannot be reached hides nothing of the others", async ({ db }) => {
  const proxy = await startProxy({ port: db.port });
  await proxy.close();
  const targets = {
    one: { url: db.url, dir: "one" },
    two: { url: proxy.url(db.url), dir: "one", ledgerSchema: "two" },
  };
  const folder = folderOf({
    "godwit.config.json": JSON.stringify({ targets }),
    "one/0001_a.sql": "select nothing;",
  });
  const godwit = commandIn({ folder, env: { GODWIT_LEDGER_SCHEMA: ledgerSchema } });
  const { get, running } = await serving(godwit);
  await running.says("ECONNREFUSED");
  expect((await get("/readyz")).json.migrations).toMatchObject({ status: "unknown", pending: null });
  await godwit.fails(1, "up", "one");
  await until(async () => (await get("/api/health")).status === 503);
  running.child.kill("SIGTERM");
  await running.exits(0);
});

test("a role that may only read is enough, also to see who is in the way", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": A,
    "migrations/0002_b.sql": "alter table a add b int;",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", "+1");
  const reader = `${db.name}_reader`;
  await db.admin(
    `create role ${reader} login; grant usage on schema "${ledgerSchema}" to ${reader};
     grant select on all tables in schema "${ledgerSchema}" to ${reader}`,
  );
  try {
    const url = db.url.replace(db.owner, reader);
    const { get, running } = await serving(godwit.with({ DATABASE_URL: url }));
    await until(async () => (await get("/readyz")).json.migrations.pending === 1);
    const blocker = await db.connect();
    await blocker.query("begin; lock table a");
    const up = godwit.start("up");
    const { waitingFor } = await until(async () => {
      const { migrations } = (await get("/api/health")).json;
      return migrations.waitingFor !== undefined && migrations;
    });
    // How old others' transactions are is for pg_monitor to see.
    expect(waitingFor).toMatchObject({ kind: "lock", ageMs: null });
    await blocker.query("rollback");
    await up.exits(0);
    await until(async () => (await get("/readyz")).status === 200);
    running.child.kill("SIGTERM");
    await running.exits(0);
  } finally {
    await db.admin(`drop owned by ${reader}; drop role ${reader}`);
  }
});

test("a configuration that can't work is an error at once", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": A });
  const production = commandIn({ folder, env: { NODE_ENV: "production" } });
  expect((await production.fails(1, "serve", "--json")).json.problems[0].code).toBe("URL_MISSING");
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit.fails(2, "serve", "--timeout", "3s", "--json");
  expect(json.problems[0].message).toBe("godwit serve does not honour --timeout.");
  expect((await godwit.fails(2, "up", "--health-port", "1", "--json")).json.problems[0].hint).toMatch(
    /--health-port is for godwit serve, godwit health/,
  );
});

test("the schemas of a database are looked at one by one, new ones too", async ({ db }) => {
  await db.sql("create schema t1; create schema t2");
  const schemas = { query: "select nspname::text from pg_namespace where nspname ~ '^t[0-9]$' order by 1" };
  const folder = folderOf({
    "godwit.config.json": JSON.stringify({ targets: { tenants: { url: db.url, dir: "m", schemas } } }),
    "m/0001_a.sql": A,
  });
  const godwit = commandIn({ folder, env: { GODWIT_LEDGER_SCHEMA: "{schema}" } });
  await godwit("up");
  const { get, running } = await serving(godwit);
  await until(async () => (await get("/readyz")).status === 200);
  await db.sql("create schema t3");
  await until(async () => (await get("/readyz")).json.migrations.pending === 1);
  running.child.kill("SIGTERM");
  await running.exits(0);
});
