/** While a migration waits, health says for what, and how to end that; and it says nothing else of anybody's work. */
import parsePrometheus from "parse-prometheus-text-format";
import { createHealth } from "../../src/health.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { serving } from "../support/health.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_a.sql": "create table a (id int);",
  "migrations/0002_b.sql": "alter table a add column word_of_the_file text default 'word in a literal';",
};

/** Somebody has a transaction open, with a secret in its last statement. */
async function somebodyHolds(db: TestDatabase, table: string): Promise<number> {
  const client = await db.connect();
  await client.query(`begin; lock table ${table} in share mode; select 'sesame', 1 as word_of_the_blocker`);
  const { rows } = await client.query("select pg_backend_pid() as pid /* word_of_the_blocker */");
  return rows[0].pid;
}

const SECRET = /word_of|word in a literal|sesame|alter table|lock table/i;

test("serve names the session in the way of a run of another process, and its command ends the wait", async ({
  db,
}) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", "+1");
  const pid = await somebodyHolds(db, "a");
  const up = godwit.start("up");
  const { get } = await serving(godwit);
  const answer = await until(async () => {
    const { json, status, text } = await get("/api/health");
    return json.migrations.waitingFor !== undefined && { json, status, text };
  });
  // Somebody who waits is alive: whoever restarts the app for it helps nobody.
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({ status: "ok", migrations: { status: "running" } });
  const { waitingFor } = answer.json.migrations;
  expect(waitingFor).toEqual({
    ...{ kind: "lock", pid, ageMs: expect.any(Number) },
    command: `select pg_terminate_backend(${pid});`,
  });
  const others = await Promise.all(["/readyz", "/metrics", "/livez"].map((path) => get(path)));
  expect(others.map(({ status }) => status)).toEqual([503, 200, 200]);
  for (const { text } of [answer, ...others]) expect(text).not.toMatch(SECRET);
  expect(samplesOf(others[1]?.text ?? "", "godwit_waiting")).toEqual([{ value: "1" }]);

  await db.sql(waitingFor.command);
  await up.exits(0);
  await until(async () => (await get("/api/health")).json.migrations.status === "completed");
  expect((await get("/api/health")).json.migrations).not.toHaveProperty("waitingFor");
});

test.skipIf(withoutPgbouncer !== false)(
  "behind a pooler in transaction mode, serve finds the run by its name",
  async ({ db }) => {
    const folder = folderOf(FILES);
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      const godwit = commandIn({ folder, url: pooler.url });
      await godwit("up", "+1");
      const pid = await somebodyHolds(db, "a");
      const up = godwit.start("up");
      const { get, running } = await serving(godwit);
      const { waitingFor } = await until(async () => {
        const { migrations } = (await get("/api/health")).json;
        return migrations.waitingFor !== undefined && migrations;
      });
      expect(waitingFor).toMatchObject({ kind: "lock", pid });
      await db.sql(waitingFor.command);
      await up.exits(0);
      await until(async () => (await get("/readyz")).status === 200);
      running.child.kill("SIGTERM");
      await running.exits(0);
    } finally {
      await pooler.stop();
    }
  },
);

test("a run of this process says step by step where it is, and counts what happened", async ({ db }) => {
  const folder = folderOf(FILES);
  const health = createHealth({ service: 'a "shop"\\' });
  await using migrator = createMigrator({
    ...{ environment: {}, ledgerSchema, dir: `${folder}/migrations`, databaseUrl: db.url },
    ...{ observe: health.observe, lockTimeout: "200ms", lockAttempts: 1000 },
  });
  await health.during(() => migrator.up("+1"));
  const pid = await somebodyHolds(db, "a");
  const running = health.during(() => migrator.up());
  const waiting = await until(() => {
    const now = health.snapshot();
    return now.waitingFor?.kind === "lock" && now.counters.retries.step > 0 && now;
  });
  expect(waiting).toMatchObject({
    status: "running",
    ready: false,
    waitingFor: { pid, command: `select pg_terminate_backend(${pid});` },
    step: { revision: "0002_b", position: 1, count: 1 },
  });
  expect(JSON.stringify(waiting)).not.toMatch(SECRET);
  await db.sql(waiting.waitingFor?.command ?? "");
  await running;
  expect(health.snapshot()).toMatchObject({ status: "completed", ready: true, waitingFor: null, step: null });

  const text = await (await health.fetch(new Request("http://localhost/metrics"))).text();
  const families = parsePrometheus(text);
  expect(families.map(({ name }) => name).filter((name) => !/^godwit_[a-z_]+$/.test(name))).toEqual([]);
  expect(families.length).toBe(text.match(/^# TYPE /gm)?.length);
  for (const { name, type, help } of families) {
    expect(help, name).toMatch(/\.$/);
    expect(name.endsWith("_total"), name).toBe(type === "COUNTER");
  }
  expect(samplesOf(text, "godwit_runs_total")).toEqual([
    { value: "2", labels: { outcome: "completed" } },
    { value: "0", labels: { outcome: "failed" } },
  ]);
  expect(samplesOf(text, "godwit_steps_total")?.[0]).toEqual({ value: "2", labels: { outcome: "done" } });
  const [retries] = samplesOf(text, "godwit_retries_total");
  expect(Number(retries.value)).toBeGreaterThan(0);
  expect(text).toContain('service="a \\"shop\\"\\\\"');
  expect(text).not.toMatch(SECRET);
});

test("a run that waits for another run says so, and for how long that has it", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", "+1");
  const pid = await somebodyHolds(db, "a");
  const first = godwit.start("up");
  const health = createHealth();
  await using migrator = createMigrator({
    ...{ environment: {}, ledgerSchema, dir: `${folder}/migrations`, databaseUrl: db.url },
    observe: health.observe,
  });
  const { get } = await serving(godwit);
  await until(async () => (await get("/api/health")).json.migrations.status === "running");
  const second = health.during(() => migrator.up());
  const { waitingFor } = await until(() => {
    const now = health.snapshot();
    return now.waitingFor?.kind === "run" && now;
  });
  expect(waitingFor).toMatchObject({
    ageMs: expect.any(Number),
    command: expect.stringMatching(/^select pg_terminate_backend\(\d+\);$/),
  });
  await db.sql(`select pg_terminate_backend(${pid})`);
  await Promise.all([first.exits(0), second]);
  expect(health.snapshot()).toMatchObject({ status: "completed", counters: { runWaits: 1 } });
});

function samplesOf(text: string, name: string): Json {
  return parsePrometheus(text).find((family: Json) => family.name === name)?.metrics;
}
