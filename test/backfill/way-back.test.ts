/** The way back of a backfill obeys what its way there obeys: a pause, a rate, an hour to end, and others on the server. */
import { describe } from "vitest";
import { undoBackfill } from "../../src/run/backfill-undo.ts";
import { backfillsOf, tellBackfill } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { down, folderOf, type Recorder, recorder, targetOf, up } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const sql = (
  options = "",
) => `-- godwit: backfill table=products undo=yes min-rows=100 max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const BACK = [{ hits: 0, n: 2000 }];
const SESSIONS = "datname = current_database() and application_name like 'godwit run %'";

type Place = Parameters<typeof tellBackfill>[0];
const tell = (target: Place, word: Parameters<typeof tellBackfill>[1]["word"]) =>
  tellBackfill(target, { revision: "0002_b", word }, recorder());
const rate = (target: Place, rows: number | null) => tell(target, { kind: "rate", rate: rows });

const back = (target: Place, context: Recorder = recorder(), options = {}) =>
  migrate(target, { ...down("-1"), ...options }, context);

async function pausedInTheMiddle(target: Place) {
  let pausing: Promise<unknown> | undefined;
  let pauses = 0;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-paused") pauses++;
    // A connection that was lost begins to count anew.
    if (event.kind === "backfill-progress" && event.windows === 3)
      pausing ??= tell(target, { kind: "pause" });
  });
  await rate(target, 400);
  const run = back(target, recorded);
  run.catch(() => {});
  await recorded.once("backfill-paused");
  await pausing;
  return { run, recorded, pauses: () => pauses };
}

describe("a way back that is paused from another connection", () => {
  test("waits between two windows, also over lost connections, and goes on when it is resumed", async ({
    db,
  }) => {
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() }) });
    await up(target);
    const { run, pauses } = await pausedInTheMiddle(target);
    const [status] = await backfillsOf(target, recorder());
    const restored = status?.undo?.restored ?? 0;
    expect(status).toMatchObject({
      ...{ state: "reverting", pausedBy: expect.stringContaining(" on test-host"), rate: 400 },
      ...{ windowRows: 100, share: restored / 2000, rowsPerSecond: expect.any(Number) },
    });
    expect(restored).toBeGreaterThanOrEqual(300);
    expect(restored).toBeLessThan(2000);
    const sessions = await db.sql(
      `select xact_start is null as free from pg_stat_activity where ${SESSIONS} and query like '%migration_backfill_controls%'`,
    );
    expect(sessions.every(({ free }) => free === true)).toBe(true);
    for (let losses = 0; losses < 3; losses++) {
      const seen = pauses();
      await db.admin(`select pg_terminate_backend(pid) from pg_stat_activity where ${SESSIONS}`);
      await until(() => pauses() > seen, { what: `the run to wait again after ${losses + 1} losses` });
    }
    expect((await backfillsOf(target, recorder()))[0]?.undo).toEqual(status?.undo);
    await rate(target, null);
    await tell(target, { kind: "resume" });
    expect(await run).toMatchObject({ outcome: "done", warnings: [] });
    expect(await db.sql(HITS)).toEqual(BACK);
  });

  test("is not begun or continued by another run, which says how it goes on", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() });
    const target = targetOf({ url: db.url, folder });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    await up(target);
    await godwit("backfill", "pause", "0002");
    const refused = await godwit.fails(1, "backfill", "undo", "0002");
    expect(refused.stderr).toContain("its way back was not begun");
    expect(refused.stderr).toContain("`godwit backfill resume 0002_b`");
    expect(await backfillsOf(target, recorder())).toMatchObject([{ state: "done", undo: null }]);
    await godwit("backfill", "resume", "0002_b");
    const { run, recorded } = await pausedInTheMiddle(target);
    recorded.abort(new Error("ended by the test"));
    await expect(run).rejects.toThrow();
    await expect(back(target)).rejects.toMatchObject({
      code: "BACKFILL_PAUSED",
      message: expect.stringContaining("its way back does not go on"),
      hint: expect.stringContaining("`godwit backfill resume 0002_b`"),
    });
    const line = (await godwit("backfill")).stdout;
    expect(line).toMatch(
      /0002_b {2}taken back in part {2}\d+ %, \d+ rows of public\.products have their old values again, .*paused by/,
    );
    expect((await godwit("backfill", "pause", "0002")).stdout).toContain("The way back of 0002_b is paused");
    await godwit("backfill", "rate", "0002", "none");
    expect((await godwit("backfill", "resume", "0002_b")).stdout).toContain(
      "The way back of 0002_b may go on",
    );
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(HITS)).toEqual(BACK);
  });
});

test("is said to be under way, with how far it is, by whoever looks meanwhile", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() });
  const target = targetOf({ url: db.url, folder });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  await up(target);
  const { run, recorded } = await pausedInTheMiddle(target);
  const line = (await godwit("backfill")).stdout;
  expect(line).toMatch(/^0002_b {2}being taken back {2}\d+ %, \d+ rows of public\.products have/);
  expect(line).not.toContain("backfill undo");
  const [told] = (await godwit("backfill", "--json")).json.backfills;
  expect(told).toMatchObject({ state: "reverting", runBy: "test-host" });
  const { restored } = told.undo;
  const far = `${restored} of 2,000 rows`;
  const status = await godwit.fails(1, "status");
  expect(status.stdout).toMatch(
    new RegExp(`reverting +0002_b .*under way \\(test-host\\), ${far} taken back`),
  );
  expect(status.stdout).toContain(
    `0002_b is being taken back at the moment, by test-host: ${far} have their old values again.`,
  );
  expect(status.stdout).toContain("`godwit backfill status 0002_b`");
  expect((await godwit.fails(1, "status", "--json")).json.migrations[1]).toMatchObject({
    ...{ state: "reverting", wayBack: { restored, rows: 2000, runBy: "test-host" } },
  });
  expect((await godwit.fails(1, "plan")).stderr).toContain("is being taken back at the moment");
  expect((await godwit("backfill", "status", "0002_b")).stdout).toContain("being taken back");
  recorded.abort(new Error("ended by the test"));
  await expect(run).rejects.toThrow();
  const left = await godwit.fails(1, "status");
  expect(left.stdout).toMatch(new RegExp(`reverting +0002_b .* ${far} taken back`));
  expect(left.stdout).not.toContain("under way");
  expect(left.stdout).toContain("has been taken back in part only");
  expect((await godwit("backfill")).stdout).toMatch(/taken back in part.*`godwit backfill undo 0002_b`/);
});

test("a rate holds for the way back too, and its progress says so", async ({ db }) => {
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() }) });
  await up(target);
  await rate(target, 50);
  let faster: Promise<unknown> | undefined;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 2) faster = rate(target, null);
  });
  expect((await back(target, recorded)).outcome).toBe("done");
  await faster;
  const windows = recorded.events.flatMap((event) => (event.kind === "backfill-progress" ? [event] : []));
  expect(windows.slice(0, 2).map(({ windowRows }) => windowRows)).toEqual([50, 50]);
  expect((windows[1]?.elapsedMs ?? 0) - (windows[0]?.elapsedMs ?? 0)).toBeGreaterThan(900);
  expect(windows[1]).toMatchObject({ slowedBy: "its rate of 50 rows/s", share: 0.05, changed: 100 });
  expect(windows.at(-1)).toMatchObject({ share: 1, leftMs: 0 });
  expect(await db.sql(HITS)).toEqual(BACK);
});

test("at the hour that was given it stops between two windows, and the next run goes on", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": sql() });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await godwit("backfill", "rate", "0002", "100");
  const { json, stderr } = await godwit.fails(1, "down", "-1", "--until", "2s", "--json");
  expect(stderr).toMatch(/Backfills end for now at \d\d:\d\d(?::\d\d)? \(/);
  expect(json.problems).toMatchObject([
    {
      code: "DEADLINE",
      message: expect.stringMatching(
        /^Backfills end at \d\d:\d\d(?::\d\d)? \(.*\): 0002_b stopped between two windows; [\d,]+ rows of public.products up to id \d+ have their old values again\.$/,
      ),
    },
  ]);
  const [was] = (await godwit("backfill", "--json")).json.backfills;
  expect(was).toMatchObject({ state: "reverting", undo: { restored: expect.any(Number) } });
  const late = await godwit.fails(1, "backfill", "undo", "0002", "--until", "2020-01-01T06:00Z");
  expect(late.stderr).toContain(
    `${was.undo.restored.toLocaleString("en")} rows of products up to id ${was.undo.restored} have`,
  );
  expect((await godwit.fails(2, "backfill", "pause", "0002", "--until", "2h")).stderr).toContain("--until");
  await godwit("backfill", "rate", "0002", "none");
  await using migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema: undefined });
  expect(await migrator.backfills.status("0002")).toMatchObject([{ undo: was.undo }]);
  await godwit("backfill", "undo", "0002");
  expect(await db.sql(HITS)).toEqual(BACK);
});

test("makes way for sessions that wait for it, and says why", async ({ db }) => {
  const slow = `${TABLE}
create function slow() returns trigger language plpgsql as $$ begin
  if new.hits < old.hits then perform pg_sleep(0.004); end if; return new; end $$;
create trigger slow before update on products for each row execute function slow();`;
  const target = targetOf({
    url: db.url,
    folder: folderOf({ "0001_a.sql": slow, "0002_b.sql": sql("share=100%") }),
  });
  await up(target);
  let over = false;
  const reasons: string[] = [];
  const recorded = recorder((event) => {
    if (event.kind !== "backfill-progress" || event.slowedBy === null) return;
    over = true;
    reasons.push(event.slowedBy);
  });
  const writers = [1, 2, 3].map(async (at) => {
    // Each update of all rows waits for the window that is under way.
    while (!over) await db.sql(`update products set hits = hits where id % 3 = ${at % 3}`).catch(() => {});
  });
  const run = back(target, recorded).finally(() => {
    over = true;
  });
  expect((await run).outcome).toBe("done");
  await Promise.all(writers);
  expect(reasons.length).toBeGreaterThan(0);
  // It is seen once a second, and the pace comes back in steps.
  for (const reason of reasons)
    expect(reason).toMatch(/^(\d+|a) sessions? that waits? for it$|just made way for/);
  expect(await db.sql(HITS)).toEqual(BACK);
});

describe("a way back that is refused at its first row", () => {
  const REFUSING = "alter table products add constraint positive check (hits > 0) not valid";

  test("leaves the backfill applied, blocks nothing, and names the row, not the file", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.sql": TABLE, "migrations/0002_b.sql": sql() });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    await db.sql(REFUSING);
    for (const args of [
      ["backfill", "undo", "0002_b"],
      ["down", "-1"],
    ]) {
      const { json } = await godwit.fails(1, ...args, "--json");
      expect(json.problems).toMatchObject([
        {
          code: "BACKFILL_UNDO_ROW",
          hint: "Change or delete that row, or what refuses the value, then run again. It was rolled back; nothing of it was kept.",
        },
      ]);
      expect((await godwit("backfill", "--json")).json.backfills).toMatchObject([{ state: "done" }]);
      await godwit("status", "--check");
      expect((await godwit("up", "--json")).json.report).toMatchObject({ outcome: "done", steps: [] });
    }
    await db.sql("alter table products drop constraint positive");
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(HITS)).toEqual(BACK);
  });

  test("leaves a half-done backfill half done, which goes on", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() }) });
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 3)
        recorded.abort(new Error("ended by the test"));
    });
    await expect(up(target, recorded)).rejects.toThrow();
    await db.sql(REFUSING);
    await expect(undoBackfill(target, { ...down("0002_b") }, recorder())).rejects.toMatchObject({
      code: "BACKFILL_UNDO_ROW",
    });
    expect(await backfillsOf(target, recorder())).toMatchObject([{ state: "begun", rows: 300 }]);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("stays half-way back once a row has come back", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql() }) });
    await up(target);
    await db.sql("alter table products add constraint late check (hits > 0 or id < 1500) not valid");
    await expect(back(target)).rejects.toMatchObject({
      code: "BACKFILL_UNDO_ROW",
      hint: expect.stringMatching(
        /^Change or delete that row, or what refuses the value\. [\d,]+ rows .* run again/,
      ),
    });
    await expect(up(target)).rejects.toMatchObject({
      code: "PLAN_PARTIAL",
      message: "0002_b has been taken back in part only: its way back was begun, and is not finished.",
    });
    await db.sql("alter table products drop constraint late");
    await back(target);
    expect(await db.sql(HITS)).toEqual(BACK);
  });
});
