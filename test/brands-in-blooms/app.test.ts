/** Brands in Blooms: a Next.js app that is built and started, with its migrations beside it. */
import { readFileSync } from "node:fs";
import { beforeAll } from "vitest";
import { container, openProject, stop, variablesOf, WAYS } from "../support/brands.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { buildNextApp } from "../support/next-app.ts";
import { startPostgrest } from "../support/postgrest.ts";
import { childrenOf, untilGone } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Nobody else builds it: two builds at once would be in each other's way. */
beforeAll(() => void buildNextApp(), 300_000);

const GATE = 41_122;
/** Waits for as long as the test holds the gate. */
const WAITING = {
  "supabase/migrations/20250901080000_waits.sql": `select pg_advisory_xact_lock(${GATE});\n`,
};
const FAILING = {
  "supabase/migrations/20250901080000_wrong.sql":
    "create table seasons (id int);\ncreate tabel of_nothing ();\n",
};
const FOUR = ["brands", "bouquets", "wishlists", "bouquet_prices"];

const applied = async (db: TestDatabase) =>
  (
    await db.sql<{ filename: string }>(
      "select filename from migration_history order by executed_at, sequence",
    )
  ).map(({ filename }) => filename.slice(15, -4));

for (const way of WAYS)
  test(`${way}: the app is up, its migrations are applied, and health is completed`, async ({ db }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    const up = await container(variablesOf(way, { db, api })).start();
    const { json } = await up.health("200 completed");
    expect(json).toEqual({
      status: "ok",
      timestamp: expect.any(String),
      service: "brands-in-blooms",
      environment: "production",
      version: "1.0.0",
      uptime: expect.any(Number),
      migrations: { status: "completed", lastChecked: expect.any(String) },
    });
    expect((await up.get("/")).text).toContain("Brands in Blooms");
    expect(api.requests.length > 0).toBe(way === "over HTTPS");
    await stop(up);
    expect(await applied(db)).toEqual(FOUR);
    expect(await db.sql("select count(*)::int as n from bouquets")).toEqual([{ n: 3 }]);
  });

for (const way of WAYS)
  test(`${way}: the app answers while its migrations run`, async ({ db }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    await db.admin("select pg_advisory_lock($1)", [GATE]);
    const up = await container(variablesOf(way, { db, api }), WAITING).start();
    await up.health("200 running");
    expect((await up.get("/")).status).toBe(200);
    await db.admin("select pg_advisory_unlock($1)", [GATE]);
    await up.health("200 completed");
    await stop(up);
    expect(await applied(db)).toEqual([...FOUR, "waits"]);
  });

for (const way of WAYS)
  test(`${way}: a failing migration leaves the app up, is rolled back, and health says 503`, async ({
    db,
  }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    const { start } = container(variablesOf(way, { db, api }), FAILING);
    const up = await start();
    expect((await up.health("503 failed")).json.status).toBe("error");
    expect((await up.get("/")).status).toBe(200);
    const { stderr } = await stop(up);
    expect(stderr).toContain("20250901080000_wrong.sql");
    expect(stderr).not.toContain("Attempt");
    expect(await applied(db)).toEqual(FOUR);
    expect(await db.sql("select to_regclass('seasons') as there")).toEqual([{ there: null }]);
  });

for (const way of WAYS)
  test(`${way}: SIGTERM ends the app and the migration that runs, and nothing survives`, async ({ db }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    await db.admin("select pg_advisory_lock($1)", [GATE]);
    const up = await container(variablesOf(way, { db, api }), WAITING).start();
    const waits = "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and not granted";
    await until(async () => (await db.admin(waits, [GATE])).length === 1, { what: "the migration to wait" });
    await up.health("200 running");
    // The app and the supervisor; and the migrations, which are the supervisor's.
    const beside = childrenOf(up.running.child.pid);
    const ours = beside.flatMap((pid) => [pid, ...childrenOf(pid)]);
    expect([beside.length, ours.length]).toEqual([2, 3]);

    await stop(up);
    await untilGone(ours, "what the container had started");
    await until(async () => (await db.admin(waits, [GATE])).length === 0, { what: "the server to be told" });
    expect(await applied(db)).toEqual(FOUR);
    await db.admin("select pg_advisory_unlock($1)", [GATE]);
  });

test("the app's exit code is the container's: of a port that is taken, and of a kill", async ({ db }) => {
  await openProject(db);
  await using api = await startPostgrest(db);
  const place = container(variablesOf("over the database URL", { db, api }));
  const first = await place.start();
  await first.health("200 completed");
  const second = place.godwit.with({ PORT: String(first.port) }).launch("--", ...first.app);
  await second.exits(1);
  const [app] = childrenOf(first.running.child.pid).filter((pid) =>
    /next-server|server\.js/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8")),
  );
  process.kill(app ?? 0, "SIGKILL");
  await first.running.exits(137);
});

for (const [env, status] of [
  [{ NODE_ENV: "development" }, "unknown"],
  [{ SKIP_MIGRATIONS: "true" }, "unknown"],
  [{ MIGRATION_ENABLED: "false" }, "unknown"],
  [{ NODE_ENV: "staging" }, "completed"],
] as const)
  test(`with ${Object.entries(env).join().replace(",", "=")} the migrations are ${status}, and health names the environment`, async ({
    db,
  }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    const up = await container({ ...variablesOf("over HTTPS", { db, api }), ...env }).start();
    const { json } = await up.health(`200 ${status}`);
    // Next.js sets NODE_ENV to production in the app itself, whatever the container's is.
    await until(
      async () =>
        (await up.get("/api/health")).json.environment === ("NODE_ENV" in env ? env.NODE_ENV : "production"),
    );
    expect(json.migrations.status).toBe(status);
    await stop(up);
    if (status === "unknown") expect(api.requests).toEqual([]);
  });

test("no key and no password is in any log, answer, status file or table", async ({ db }) => {
  const secret = `geheim-${process.pid}`;
  const url = db.url.replace(/^(postgres\w*:\/\/[^:@/]+)(:[^@]*)?@/, `$1:${secret}@`);
  expect(url).toContain(secret);
  await openProject(db);
  await using api = await startPostgrest(db);
  for (const way of WAYS) {
    const place = container(variablesOf(way, { db: { url }, api }), FAILING);
    const up = await place.start();
    const { text } = await up.health("503 failed");
    const { stdout, stderr } = await stop(up);
    const status = await place.godwit("status", "--json");
    const file = readFileSync(place.statusFile, "utf8");
    const rows = JSON.stringify([
      await db.sql("select * from migration_history"),
      await db.sql("select * from migration_locks"),
      await db.sql("select * from migration_log"),
    ]);
    const all = [text, file, stdout, stderr, status.stdout, status.stderr, rows].join("\n");
    for (const value of [secret, ...Object.values(api.keys)]) expect(all.includes(value)).toBe(false);
  }
});

test("over HTTPS: an API that is away at first is a cause that can pass, and the app is up meanwhile", async ({
  db,
}) => {
  await openProject(db);
  await using api = await startPostgrest(db, { fault: () => "before" });
  const env = { ...variablesOf("over HTTPS", { db, api }), MIGRATION_RETRY_DELAY: "200ms" };
  const up = await container(env).start();
  await up.running.says("Attempt 1 of 4 to migrate has failed, and its cause can pass");
  api.fault = undefined;
  expect((await up.get("/")).status).toBe(200);
  await up.health("200 completed");
  await stop(up);
  expect(await applied(db)).toEqual(FOUR);
});
