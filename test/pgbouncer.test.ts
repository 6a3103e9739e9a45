/** Behind PgBouncer every promise holds; in transaction mode by a lease instead of a session. */
import pg from "pg";
import { describe, onTestFinished } from "vitest";
import { parseAddress } from "../src/database/address/address.ts";
import { openPostgres } from "../src/database/wire/postgres.ts";
import { migrate } from "../src/run/migrate.ts";
import { test as base, expect, ledgerSchema, type TestDatabase } from "./support/database.ts";
import { type Pooler, type PoolerOptions, startPgbouncer, withoutPgbouncer } from "./support/pgbouncer.ts";
import { startProxy } from "./support/proxy.ts";
import { running } from "./support/sessions.ts";
import { down, folderOf, recorder, targetOf, up } from "./support/target.ts";

const LEDGER = `select revision, state from "${ledgerSchema}".migration_history order by sequence`;

const EVERY_KIND = {
  "0001_shops.sql": "create table shops (id int primary key, name text); insert into shops values (1, 'a');",
  "0002_count.up.sql": "create table counted (n int); insert into counted values (1);",
  "0002_count.down.sql": "drop table counted;",
  "0003_fill.ts": `export async function up({ sql }: any) { await sql\`insert into counted values (3)\`; }
export async function down({ sql }: any) { await sql\`delete from counted where n = 3\`; }`,
  "0004_index.sql":
    "create index concurrently shops_name on shops (name);\ninsert into counted values (4);\nvacuum shops;",
  "repeatable/overview.sql": "create or replace view overview as select count(*) as n from shops;",
};

interface Fixtures {
  /** A PgBouncer before the test's database. */
  pooler: (options: PoolerOptions) => Promise<Pooler>;
  /** An application. */
  client: (url: string) => Promise<pg.Client>;
}

// Fixtures and not hooks: they have to be gone before the database looks for leaks.
const test = base.extend<Fixtures>({
  pooler: async ({ db }, use) => {
    const poolers: Pooler[] = [];
    await use(async (options) => {
      const pooler = await startPgbouncer(db, options);
      poolers.push(pooler);
      return pooler;
    });
    for (const pooler of poolers) await pooler.stop();
  },
  client: async ({ pooler: _ }, use) => {
    const clients: pg.Client[] = [];
    await use(async (url) => {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => {});
      await client.connect();
      clients.push(client);
      return client;
    });
    await Promise.all(clients.map((one) => one.end().catch(() => {})));
  },
});

async function sessionOf(url: string, pooling?: "session" | "transaction"): Promise<boolean> {
  const connection = await openPostgres(parseAddress({ url, environment: {} }), {
    applicationName: "godwit test",
    pooling,
  });
  await connection.close();
  return connection.capabilities.session;
}

const WAITING_FOR_LOCK_1 = `select from pg_locks where locktype = 'advisory' and objid = 1 and not granted
  and database = (select oid from pg_database where datname = current_database())`;

async function expectOnce(db: TestDatabase): Promise<void> {
  expect((await db.sql(LEDGER)).map((row) => `${row.revision} ${row.state}`)).toEqual([
    "0001_shops applied",
    "0002_count applied",
    "0003_fill applied",
    "0004_index applied",
    "overview applied",
  ]);
  expect(await db.sql("select n from counted order by n")).toEqual([{ n: 1 }, { n: 3 }, { n: 4 }]);
  expect(
    await db.sql("select indisvalid as valid from pg_index where indexrelid = 'shops_name'::regclass"),
  ).toEqual([{ valid: true }]);
}

describe.skipIf(withoutPgbouncer)(`PgBouncer${withoutPgbouncer ? `: ${withoutPgbouncer}` : ""}`, () => {
  describe("what stands in between is found out", () => {
    test.for([
      ["transaction", [], false],
      ["transaction", ["server_round_robin = 1"], false],
      ["transaction", ["default_pool_size = 1"], false],
      ["session", [], true],
      ["session", ["default_pool_size = 1"], true],
    ] as const)("%s mode with %j", async ([mode, settings, session], { pooler, client }) => {
      const { url } = await pooler({ mode, settings });
      // As an application would: several server sessions are there already, and idle.
      const clients = await Promise.all([1, 2, 3].map(() => client(url)));
      if (!settings.some((one) => one.includes("pool_size")))
        for (const statement of ["begin", "commit"])
          await Promise.all(clients.map((one) => one.query(statement)));
      if (mode === "session") await Promise.all(clients.map((one) => one.end()));
      expect(await sessionOf(url)).toBe(session);
    });

    test("also while an application keeps the pool busy", async ({ pooler, client }) => {
      const { url } = await pooler({ mode: "transaction", settings: ["default_pool_size = 5"] });
      let busy = true;
      const load = (await Promise.all([1, 2, 3, 4].map(() => client(url)))).map(async (one) => {
        while (busy) await one.query("select count(*) from generate_series(1, 10000)");
      });
      const found = await Promise.all(Array.from({ length: 8 }, () => sessionOf(url)));
      busy = false;
      await Promise.all(load);
      expect(found).toEqual(found.map(() => false));
    });

    test("without a pooler, and where it is said, nothing is asked", async ({ db, pooler }) => {
      const { url } = await pooler({ mode: "transaction" });
      expect(await sessionOf(db.url)).toBe(true);
      expect(await sessionOf(url, "session")).toBe(true);
      expect(await sessionOf(db.url, "transaction")).toBe(false);
    });

    test("statement mode is refused by name", async ({ pooler }) => {
      const { url } = await pooler({ mode: "statement" });
      await expect(sessionOf(url)).rejects.toMatchObject({
        code: "DATABASE_SETTING",
        message: expect.stringContaining("statement mode"),
      });
    });
  });

  describe.each(["transaction", "session"] as const)("in %s mode", (mode) => {
    test("every kind of migration runs once, up and down", async ({ db, pooler }) => {
      const { url } = await pooler({ mode });
      const target = targetOf({ url, folder: folderOf(EVERY_KIND) });
      const context = recorder();
      expect((await up(target, context)).steps).toHaveLength(5);
      await expectOnce(db);
      expect((await up(target)).steps).toEqual([]);
      expect(await context.once("connected")).toMatchObject({
        lock: mode === "session" ? "session" : "lease",
      });
      const warned = context.events.some(
        (event) => event.kind === "warning" && event.problem.code === "DATABASE_POOLED",
      );
      expect(warned).toBe(mode === "transaction");
    });

    test("ten runs at once and one that goes direct take effect once", async ({ db, pooler }) => {
      const { url } = await pooler({ mode, settings: ["default_pool_size = 40"] });
      const folder = folderOf(EVERY_KIND);
      const runs = Array.from({ length: 10 }, () => up(targetOf({ url, folder })));
      const reports = await Promise.all([...runs, up(targetOf({ url: db.url, folder }))]);
      await expectOnce(db);
      const steps = reports.flatMap((report) => report.steps.map((step) => step.revision));
      expect(steps.sort()).toEqual(["0001_shops", "0002_count", "0003_fill", "0004_index", "overview"]);
    });

    test("what the server refuses is named by line and column, and nothing of it stays", async ({
      db,
      pooler,
    }) => {
      const { url } = await pooler({ mode });
      const folder = folderOf({
        "0001_ok.sql": "create table a (id int);",
        "0002_bad.sql": "create table b (id int);\ninsert into b (idd) values (1);",
      });
      await expect(up(targetOf({ url, folder }))).rejects.toMatchObject({
        code: "STEP_FAILED",
        place: { file: "0002_bad.sql", line: 2, column: 16 },
      });
      expect(await db.sql("select to_regclass('a') as a, to_regclass('b') as b")).toEqual([
        { a: "a", b: null },
      ]);
    });
  });

  test("in transaction mode no setting of a migration reaches another client", async ({
    db,
    pooler,
    client,
  }) => {
    const { url } = await pooler({ mode: "transaction" });
    const other = `${db.name}_other`; // goes with the server
    await db.admin(`create role ${other}; grant ${other} to ${db.owner}`);
    const folder = folderOf({
      "0001_path.sql": "create schema elsewhere; set search_path to elsewhere; create table here (id int);",
      "0002_timeout.sql": "set statement_timeout = '1min'; set timezone to 'Asia/Tokyo';",
      "0003_temp.sql": "create temp table left_over (id int); select 1;",
      "0004_role.sql": `set role ${other}; select 1;`,
      "0005_module.ts": "export async function up({ sql }: any) { await sql`set work_mem = '7MB'`; }",
      "0006_index.sql":
        "create table public.t (id int);\ncreate index concurrently t_id on public.t (id);\nset search_path to elsewhere;",
    });
    await up(targetOf({ url, folder }));
    const STATE = `select current_user as "user", current_setting('search_path') as path,
      current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
      current_setting('row_security') as rows, current_setting('work_mem') as memory,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('timezone') as zone,
      to_regclass('pg_temp.left_over') as temp`;
    const [fresh] = await db.sql(STATE);
    // All server sessions of the pool, each held by a client of its own.
    const clients = await Promise.all([1, 2, 3, 4].map(() => client(url)));
    for (const one of clients) await one.query("begin");
    for (const one of clients) expect((await one.query(STATE)).rows).toEqual([fresh]);
    for (const one of clients) await one.query("commit");
    expect(await db.sql("select to_regclass('elsewhere.here') as here")).toEqual([
      { here: "elsewhere.here" },
    ]);
  });

  test("what a file sets before a statement outside a transaction is refused, not lost", async ({
    db,
    pooler,
  }) => {
    const { url } = await pooler({ mode: "transaction" });
    const folder = folderOf({
      "0001_index.sql":
        "create table t (id int);\nset maintenance_work_mem = '64MB';\ncreate index concurrently t_id on t (id);",
    });
    await expect(up(targetOf({ url, folder }))).rejects.toMatchObject({
      message: expect.stringContaining("cannot be given what the file sets"),
    });
    // Directly, the same file goes on where it stopped, and its setting holds.
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
  });

  test("a role or a search_path is kept where it can be, and refused where it cannot", async ({
    db,
    pooler,
  }) => {
    const { url } = await pooler({ mode: "transaction" });
    await db.sql("create schema elsewhere");
    const folder = folderOf({
      "0001_a.sql": "create table a (id int);",
      "0002_index.sql": "create index concurrently a_id on a (id);",
    });
    await expect(up(targetOf({ url, folder, settings: { searchPath: "elsewhere" } }))).rejects.toMatchObject({
      message: expect.stringContaining("cannot be given a search_path through a pooler"),
      hint: expect.stringContaining("direct URL"),
    });
    expect(await db.sql(LEDGER)).toEqual([{ revision: "0001_a", state: "applied" }]);
    expect(await db.sql("select to_regclass('elsewhere.a') as a")).toEqual([{ a: "elsewhere.a" }]);
  });

  test("a setting that another client left behind does not reach a migration", async ({
    db,
    pooler,
    client,
  }) => {
    const { url } = await pooler({ mode: "transaction" });
    await db.sql("create schema elsewhere");
    const clients = await Promise.all([1, 2, 3].map(() => client(url)));
    for (const one of clients) await one.query("begin; set search_path to elsewhere");
    for (const one of clients) await one.query("commit");
    await up(targetOf({ url, folder: folderOf({ "0001_a.sql": "create table a (id int);" }) }));
    expect(await db.sql("select to_regclass('public.a') as a")).toEqual([{ a: "a" }]);
  });

  test("the next run goes on a term after a holder was cut off", async ({ db, pooler }) => {
    const { url } = await pooler({ mode: "transaction" });
    const proxy = await startProxy({ port: Number(new URL(url).port) });
    onTestFinished(() => proxy.close());
    const folder = folderOf({ "0001_slow.sql": "create table slow (id int); select pg_sleep(30);" });
    const settings = { leaseTermMs: 2_000, connectAttempts: 1 };
    const first = recorder();
    const cut = up(targetOf({ url: proxy.url(url), folder, settings, pooling: "transaction" }), first);
    cut.catch(() => {});
    await first.once("step-started");
    await running(db, /pg_sleep\(30\)/);
    await proxy.close();
    await expect(cut).rejects.toThrow();
    const folderAfter = folderOf({ "0001_slow.sql": "create table slow (id int);" });
    const started = performance.now();
    expect((await up(targetOf({ url, folder: folderAfter, settings }))).steps).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(await db.sql(LEDGER)).toEqual([{ revision: "0001_slow", state: "applied" }]);
  });

  test("cancelling hits the migration and nobody else's statement", async ({ db, pooler, client }) => {
    const { url } = await pooler({ mode: "transaction" });
    const run = recorder();
    const folder = folderOf({ "0001_slow.sql": "select pg_sleep(60);" });
    const cancelled = up(targetOf({ url, folder }), run);
    cancelled.catch(() => {});
    // The server session that the run was greeted by now works for an application.
    await run.once("step-started");
    const applications = await Promise.all([1, 2, 3].map(() => client(url)));
    const holder = await db.connect();
    await holder.query("select pg_advisory_lock(1)");
    const work = applications.map((one) => one.query("select pg_advisory_xact_lock_shared(1), 'fine' as is"));
    await expect.poll(() => db.admin(WAITING_FOR_LOCK_1)).toHaveLength(applications.length);
    await running(db, /pg_sleep\(60\)/);
    run.abort(new Error("enough"));
    await expect(cancelled).rejects.toMatchObject({ code: "INTERRUPTED" });
    await holder.query("select pg_advisory_unlock(1)");
    for (const one of work) expect((await one).rows[0].is).toBe("fine");
    await migrate(
      targetOf({ url, folder: folderOf({ "0001_slow.sql": "select 1;" }) }),
      down("base"),
      recorder(),
    );
  });

  test("who is in the way is found although the process id changes", async ({ db, pooler }) => {
    const { url } = await pooler({ mode: "transaction" });
    await db.sql("create table busy (id int)");
    const holder = await db.connect();
    await holder.query("begin; lock table busy");
    const pid = (await holder.query("select pg_backend_pid() as pid")).rows[0].pid;
    const run = recorder();
    const folder = folderOf({ "0001_wait.sql": "alter table busy add n int;" });
    const running = up(targetOf({ url, folder, settings: { lockTimeoutMs: 20_000 } }), run);
    await expect
      .poll(
        () =>
          run.events.flatMap((event) =>
            event.kind === "step-progress" ? event.blockers.map((one) => one.pid) : [],
          ),
        { timeout: 10_000 },
      )
      .toContain(pid);
    await holder.query("rollback");
    await running;
  });
});
