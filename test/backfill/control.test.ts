/** A backfill that people hold: by a pause, a rate, an approval, from another terminal and without the lock of the run. */
import { describe } from "vitest";
import { backfillsOf, tellBackfill } from "../../src/run/backfills.ts";
import type { RunEvent } from "../../src/run/report/events.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const SQL =
  "-- godwit: backfill table=products min-rows=100 max-rows=100\nupdate products set hits = hits + 1 where :window;\n";
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const DONE = [{ hits: 1, n: 2000 }];
const FILES = { "0001_a.sql": TABLE, "0002_b.sql": SQL };
const SESSIONS = `select state, xact_start is null as free from pg_stat_activity
  where application_name like 'godwit run%' and application_name not like '%observer%' and query like '%migration_backfill_controls%'
    and datname = current_database()`;

type Place = Parameters<typeof tellBackfill>[0];
const tell = (target: Place, kind: "pause" | "resume" | "approve", revision = "0002_b") =>
  tellBackfill(target, { revision, word: { kind } }, recorder());

/** Pauses the backfill from another connection after its third window, and waits until the run says that it waits. */
async function pausedInTheMiddle(target: Place) {
  let pausing: Promise<unknown> | undefined;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 3) pausing = tell(target, "pause");
  });
  // So slow that the pause arrives while windows are left.
  await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: 400 } }, recorder());
  const run = up(target, recorded);
  run.catch(() => {});
  const paused = await recorded.once("backfill-paused");
  await pausing;
  return { run, recorded, paused };
}

describe("a backfill that is paused from another connection", () => {
  test("waits between two windows, without a transaction, and goes on when it is resumed", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf(FILES) });
    const { run, recorded, paused } = await pausedInTheMiddle(target);
    expect(paused).toMatchObject({ table: "public.products", by: expect.stringContaining(" on test-host") });
    const [status] = await backfillsOf(target, recorder());
    expect(status).toMatchObject({ state: "paused", rate: 400, windowRows: 100, share: expect.any(Number) });
    expect(status?.rows).toBeGreaterThanOrEqual(300);
    expect(status?.rows).toBeLessThan(2000);
    const sessions = await db.sql(SESSIONS);
    expect(sessions.every(({ free }) => free === true)).toBe(true);
    await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: null } }, recorder());
    await tell(target, "resume");
    expect((await run).outcome).toBe("done");
    await recorded.once("backfill-resumed");
    expect(recorded.events.filter(({ kind }) => kind === "backfill-paused")).toHaveLength(1);
    expect(await db.sql(HITS)).toEqual(DONE);
    expect(await backfillsOf(target, recorder(), "0002")).toMatchObject([{ state: "done", share: 1 }]);
  });

  test("is not begun by another run, which says how it goes on", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf(FILES) });
    const { run, recorded } = await pausedInTheMiddle(target);
    recorded.abort(new Error("ended by the test"));
    await expect(run).rejects.toThrow("are done and stay");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_PAUSED",
      message: expect.stringContaining("does not go on"),
      hint: expect.stringContaining("`godwit backfill resume 0002_b`"),
    });
    await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: null } }, recorder());
    await tell(target, "resume");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("keeps its pause, also before its first run and through a new beginning", async ({ db }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    expect(await backfillsOf(target, recorder())).toMatchObject([{ state: "pending", table: "products" }]);
    await tell(target, "pause");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_PAUSED",
      message: expect.stringContaining("was not begun"),
    });
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
      { revision: "0001_a" },
    ]);
    await tell(target, "resume");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test.skipIf(withoutPgbouncer)("behind PgBouncer in transaction mode too", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      const target = targetOf({ url: pooler.url, folder: folderOf(FILES) });
      const { run } = await pausedInTheMiddle(target);
      await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: null } }, recorder());
      await tell(target, "resume");
      expect((await run).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual(DONE);
    } finally {
      await pooler.stop();
    }
  });
});

describe("a lock on what people have said", () => {
  test.for([1, 2])(
    "is waited out by a paused backfill of %i windows at once",
    async (backfillParallel, { db }) => {
      const folder = folderOf(FILES);
      const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 300, backfillParallel } });
      const { run, recorded } = await pausedInTheMiddle(target);
      const blocker = await db.connect();
      const [self] = (await blocker.query("select pg_backend_pid() as pid")).rows;
      await blocker.query(`begin; lock table "${ledgerSchema}".migration_backfill_controls`);
      const said = (start: string) =>
        recorded.events.find(
          (event) => event.kind === "step-retry" && event.problem.message.startsWith(start),
        ) as (RunEvent & { kind: "step-retry" }) | undefined;
      const { problem } = await until(() => said("0002_b waits"), { what: "the one that is paused" });
      expect(problem).toMatchObject({
        code: "STEP_FAILED",
        message: `0002_b waits for its ledger: another session holds a lock on "${ledgerSchema}".migration_backfill_controls (canceling statement due to lock timeout).`,
        hint: expect.stringContaining(`select pg_terminate_backend(${self.pid});`),
      });
      await blocker.query("rollback");
      await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: null } }, recorder());
      await tell(target, "resume");
      expect((await run).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual(DONE);
    },
  );

  test("at the end of a window is told as one of the ledger, and not of the file", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf(FILES), settings: { lockTimeoutMs: 300 } });
    await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: 400 } }, recorder());
    const blocker = await db.connect();
    let locked: Promise<unknown> | undefined;
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress")
        locked ??= blocker.query(`begin; lock table "${ledgerSchema}".migration_backfills`);
    });
    const run = up(target, recorded);
    run.catch(() => {});
    const { problem } = await recorded.once("step-retry");
    await locked;
    expect(problem.message).toBe(
      `0002_b.sql: another session holds a lock on a table of the ledger in schema "${ledgerSchema}" (canceling statement due to lock timeout)`,
    );
    await blocker.query("rollback");
    await tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: null } }, recorder());
    expect((await run).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("that stays ends it, and what is done is said", async ({ db }) => {
    const settings = { lockTimeoutMs: 200, lockAttempts: 2 };
    const target = targetOf({ url: db.url, folder: folderOf(FILES), settings });
    const { run } = await pausedInTheMiddle(target);
    const blocker = await db.connect();
    await blocker.query(`begin; lock table "${ledgerSchema}".migration_backfill_controls`);
    await expect(run).rejects.toMatchObject({
      message: expect.stringContaining("0002_b waits for its ledger: another session holds a lock on"),
      hint: expect.stringMatching(/pg_terminate_backend.* are done and stay/),
    });
    await blocker.query("rollback");
  });
});

test("the command says once that it waits, with the command that resumes it", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": SQL });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", "0001");
  await godwit("backfill", "rate", "0002", "100");
  const run = godwit.start("up", "--verbose");
  await run.says("0002_b begins");
  await godwit("backfill", "pause", "0002");
  await run.says("0002_b is paused by");
  await godwit("backfill", "rate", "0002", "none");
  expect((await godwit("backfill")).stdout).toMatch(/0002_b {2}paused .*paused by \S+ on /);
  await godwit("backfill", "resume", "0002");
  const { stderr } = await run.exits(0);
  expect(stderr.match(/is paused by/g)).toHaveLength(1);
  expect(stderr).toMatch(/`godwit backfill resume 0002_b`[\s\S]*0002_b goes on/);
  expect(await db.sql(HITS)).toEqual(DONE);
});

test("at the hour that was given it stops between two windows, and the next run goes on", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": SQL });
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit.fails(2, "up", "--until", "25:00")).stderr).toContain("Write 06:00, 90min");
  await godwit("backfill", "rate", "0002", "100");
  const { json, stderr } = await godwit.fails(1, "up", "--until", "2s", "--json");
  expect(stderr).toMatch(/Backfills end for now at \d\d:\d\d(?::\d\d)? \(/);
  expect(json.problems).toMatchObject([
    {
      code: "DEADLINE",
      message: expect.stringMatching(
        /^Backfills end at \d\d:\d\d(?::\d\d)? \(.*\): 0002_b stopped between two windows; \d+ %, [\d,]+ rows of public.products up to id \d+ are done and stay\.$/,
      ),
    },
  ]);
  expect(json.report).toMatchObject({ outcome: "interrupted", steps: [{ revision: "0001_a" }] });
  const at = (past: string) => godwit.with({ GODWIT_UNTIL: past, GODWIT_EXIT_CODES: "detailed" });
  const [was] = (await godwit("backfill", "--json")).json.backfills;
  expect(was).toMatchObject({ state: "begun", rows: expect.any(Number) });
  const late = await at("2020-01-01T06:00Z").fails(11, "up");
  expect(late.stderr).toContain(
    `${was.rows.toLocaleString("en")} rows of public.products up to id ${was.rows} are done and stay`,
  );
  await godwit("backfill", "rate", "0002", "none");
  await at("2h")("up");
  expect(await db.sql(HITS)).toEqual(DONE);
});

test("a program says the same words, and each of them is checked", async ({ db }) => {
  const root = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": SQL });
  await using migrator = createMigrator({ databaseUrl: db.url, root, ledgerSchema });
  expect(await migrator.backfills.pause("0002")).toMatchObject({ state: "paused", revision: "0002_b" });
  await expect(migrator.up()).rejects.toMatchObject({ code: "BACKFILL_PAUSED" });
  for (const rate of [0, 0.5, 2.5, 1e9, Number.POSITIVE_INFINITY, "5" as never])
    await expect(migrator.backfills.rate("0002", rate)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("is not a whole number of rows in a second, from 1 to 999,999,999"),
    });
  expect(await migrator.backfills.rate("0002", 5000)).toMatchObject({ rate: 5000 });
  expect(await migrator.backfills.resume("0002")).toMatchObject({ state: "pending", pausedAt: null });
  await migrator.up();
  expect(await migrator.backfills.status()).toMatchObject([{ state: "done", rows: 2000, leftMs: null }]);
});

test("a rate holds for windows of any size, and can be given while the run waits for a slower one", async ({
  db,
}) => {
  const target = targetOf({ url: db.url, folder: folderOf(FILES) });
  const rate = (rows: number | null) =>
    tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: rows } }, recorder());
  await rate(50);
  let faster: Promise<unknown> | undefined;
  const recorded = recorder((event) => {
    if (event.kind !== "backfill-progress") return;
    if (event.windows === 2) faster = rate(null);
  });
  expect((await up(target, recorded)).outcome).toBe("done");
  await faster;
  const windows = recorded.events.flatMap((event) => (event.kind === "backfill-progress" ? [event] : []));
  expect(windows.slice(0, 2).map(({ windowRows }) => windowRows)).toEqual([50, 50]);
  // Two windows of 50 rows, each with the rest of its second.
  expect((windows[1]?.elapsedMs ?? 0) - (windows[0]?.elapsedMs ?? 0)).toBeGreaterThan(900);
  expect(Math.max(...windows.map(({ windowRows }) => windowRows))).toBe(100);
  expect(await db.sql(HITS)).toEqual(DONE);
});

describe("a backfill that declares approve", () => {
  test("is begun when a person has approved this text of it", async ({ db }) => {
    const APPROVED = SQL.replace("products min", "products approve=yes min");
    const folder = folderOf({ ...FILES, "0002_b.sql": APPROVED });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_APPROVAL",
      hint: "Approve it with `godwit backfill approve 0002_b`, then run again.",
    });
    expect(await backfillsOf(target, recorder())).toMatchObject([{ state: "approval" }]);
    await tell(target, "approve");
    writeFiles(folder, { "0002_b.sql": APPROVED.replace("+ 1", "+ 2") });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_APPROVAL",
      message: expect.stringContaining("was another text"),
    });
    writeFiles(folder, { "0002_b.sql": APPROVED });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("in TypeScript as well, and by the command, before anything has run", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": TABLE,
      "migrations/0002_b.ts": `import { backfill } from "godwit";
export default backfill({ table: "products", set: { hits: "hits + 1" }, approve: true });
`,
    });
    const godwit = commandIn({ folder, url: db.url });
    expect((await godwit("backfill")).stdout).toMatch(/0002_b +pending|waits for approval/);
    await godwit("backfill", "approve", "0002");
    const { json } = await godwit("backfill", "status", "--json");
    expect(json.backfills).toMatchObject([
      { revision: "0002_b", state: "pending", approvedBy: expect.stringContaining(" on ") },
    ]);
    await godwit("up");
    expect((await godwit("backfill", "status", "0002")).stdout).toContain("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });
});

test("words that mean nothing are refused, and change nothing", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": SQL });
  const godwit = commandIn({ folder, url: db.url });
  const refused = async (...words: string[]) => (await godwit.fails(2, "backfill", ...words)).stderr;
  expect(await refused("pauze", "0002")).toContain("Did you mean `godwit backfill pause`?");
  expect(await refused("pause")).toContain("`godwit backfill status` lists them");
  expect(await refused("rate", "0002", "fast")).toContain("fast is not a whole number");
  expect(await refused("rate", "0002", "0")).toContain("0 is not a whole number");
  for (const rate of ["0.5", "1e3", "007", "1000000000", "Infinity"])
    expect(await refused("rate", "0002", rate)).toContain(
      `${rate} is not a whole number of rows in a second, from 1 to 999,999,999`,
    );
  expect(await refused("pause", "0002", "5")).toContain("Leave out the last word");
  expect((await godwit.fails(1, "backfill", "pause", "0001")).stderr).toContain("0001_a is not a backfill");
  expect((await godwit("backfill")).stdout).toContain("0002_b  pending  products");
});

test("a plan says for which word of a person it waits, and each leads on", async ({ db }) => {
  const fill = (FILES["0002_b.sql"] ?? "").replace("table=products", "table=products approve=yes");
  const folder = folderOf({ ...FILES, "0002_b.sql": fill });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  await godwit("up", "0001");
  const waitsFor = async () => (await godwit("plan", "--json")).json.plan.backfills[0].waitsFor;
  expect((await godwit("plan")).stdout).toContain("It waits for `godwit backfill approve 0002_b`.");
  expect(await waitsFor()).toBe("approve");
  await godwit("backfill", "approve", "0002_b");
  expect(await waitsFor()).toBeNull();
  expect((await godwit("backfill", "pause", "0002_b")).stdout).toContain(
    "0002_b is paused: no run begins it until `godwit backfill resume 0002_b`.",
  );
  expect((await godwit("plan")).stdout).toContain(
    "It is paused, and waits for `godwit backfill resume 0002_b`.",
  );
  expect(await waitsFor()).toBe("resume");
  await godwit("backfill", "resume", "0002_b");
  expect(await waitsFor()).toBeNull();
  await godwit("up");
  expect(await db.sql(HITS)).toEqual(DONE);
});
