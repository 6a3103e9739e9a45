/** A backfill makes way for the server itself: the archive, autovacuum on its table, and WAL, as a real server shows them. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import { folderOf, type Recorder, recorder, targetOf, UP, up } from "../support/target.ts";
import { until } from "../support/until.ts";

/** Autovacuum looks at the table in every round, and takes minutes for it. */
const VACUUMED = `with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_freeze_max_age = 100000)`;
const TABLE = (options: string) => `create table products (id int primary key, hits int not null default 0,
  filler text not null default repeat('x', 500)) ${options};
insert into products (id) select generate_series(1, 4000); analyze products;
create table work (seconds float8 not null); insert into work values (0.3);`;
const FILL = (words: string) =>
  `-- godwit: backfill table=products min-rows=20 max-rows=20 ${words}\nupdate products set hits = hits + 1
where :window and (select pg_sleep(seconds) is not null from work);\n`;
const DONE = [{ hits: 1, n: 4000 }];

let server: ThrowAwayServer;
beforeAll(async () => {
  // Segments of the log that nobody writes to the end take no room.
  const settings = ["archive_mode=on", "autovacuum_naptime=1s", "wal_init_zero=off", "wal_recycle=off"];
  server = await startServer({ settings });
}, 120_000);
afterAll(() => server.stop());

/** A database with the table, and a backfill of it whose windows take some time each. */
async function place(options: string, words = "") {
  const name = `pressure_${Math.random().toString(36).slice(2, 10)}`;
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  const folder = folderOf({ "0001_table.sql": TABLE(options), "0002_fill.sql": FILL(words) });
  const target = targetOf({ url, folder });
  await up(target, recorder(), { goal: { ...UP.goal, to: "0001_table" } });
  const sql = async (text: string) => (await client.query(text)).rows;
  const hurry = () => sql("update work set seconds = 0");
  const hits = () => sql("select hits, count(*)::int as n from products group by hits order by hits");
  return { target, sql, hurry, hits };
}

/** Resolves with the first reason like this that the run gives; rejects if it ends without one. */
async function slowedBy(pattern: RegExp, run: Promise<unknown>, recorded: Recorder): Promise<string> {
  const reasons = () =>
    recorded.events.flatMap((event) =>
      event.kind === "backfill-progress" || event.kind === "backfill-held" ? [event.slowedBy] : [],
    );
  let isOver = false;
  run
    .finally(() => {
      isOver = true;
    })
    .catch(() => {});
  const found = await until(
    () => reasons().find((reason) => reason !== null && pattern.test(reason)) ?? (isOver ? "nothing" : null),
    { what: `a reason like ${pattern}` },
  );
  if (found === "nothing") throw new Error(`It ended, slowed by ${[...new Set(reasons())]}.`);
  return found ?? "";
}

/** Resolves when it has said so often that it holds still, and says how many rows it has done meanwhile. */
async function doneWhileHeld(recorded: Recorder, hits: () => Promise<readonly Record<string, unknown>[]>) {
  const held = () => recorded.events.filter(({ kind }) => kind === "backfill-held").length;
  await until(() => held() > 0, { what: "a backfill that holds still" });
  const before = await hits();
  const already = held();
  await until(() => held() >= already + 3, { what: "a backfill that holds still" });
  return { before, after: await hits() };
}

describe("autovacuum on the table", { timeout: 120_000 }, () => {
  const workers = (which: string) =>
    `select ${which} from pg_stat_activity where backend_type = 'autovacuum worker' and datname = current_database() and query like '%products%'`;

  test("slows it, and it goes on", async () => {
    const { target, sql, hurry, hits } = await place(VACUUMED);
    await sql("update products set filler = filler");
    await until(async () => (await sql(workers("pid"))).length > 0, { what: "autovacuum" });
    const recorded = recorder();
    const run = up(target, recorded);
    await slowedBy(/^autovacuum on the table$/, run, recorded);
    const windows = () => recorded.events.filter(({ kind }) => kind === "backfill-progress").length;
    const already = windows();
    await until(() => windows() >= already + 3, { what: "windows beside autovacuum" });
    await hurry();
    expect((await run).outcome).toBe("done");
    expect(await hits()).toEqual(DONE);
  });

  test("against wraparound stops it until it is over", async () => {
    const { target, sql, hurry, hits } = await place(VACUUMED);
    // More transactions than the table may be old.
    await sql(
      `create temporary table burnt (); do $$ begin for i in 1..101000 loop
  begin insert into burnt default values; exception when others then null; end; end loop; end $$`,
    );
    const isUrgent = async () =>
      (await sql(workers("query"))).some(({ query }) => /to prevent wraparound/.test(String(query)));
    await until(isUrgent, { what: "autovacuum against wraparound" });
    const recorded = recorder();
    const run = up(target, recorded);
    await slowedBy(/against wraparound$/, run, recorded);
    const { before, after } = await doneWhileHeld(recorded, hits);
    expect(after).toEqual(before);
    await hurry();
    await sql("alter system set autovacuum = off");
    await sql("select pg_reload_conf()");
    await sql(workers("pg_terminate_backend(pid)"));
    expect((await run).outcome).toBe("done");
    expect(await hits()).toEqual(DONE);
  });
});

test("more WAL in a second than it may write slows it", { timeout: 120_000 }, async () => {
  const { target, sql, hurry, hits } = await place("", "max-wal=1MB");
  const recorded = recorder();
  const run = up(target, recorded);
  // The backfill alone writes as much as the machine is fast. Others write, too.
  let writes = true;
  const others = (async () => {
    while (writes)
      await sql(
        "select pg_logical_emit_message(false, 'test', repeat('x', 1000000)) from generate_series(1, 20)",
      );
  })();
  expect(await slowedBy(/of WAL in a second$/, run, recorded)).toMatch(/^\d+ MB/);
  writes = false;
  await others;
  await hurry();
  expect((await run).outcome).toBe("done");
  expect(await hits()).toEqual(DONE);
});

describe("the archive", { timeout: 120_000 }, () => {
  test.each([
    ["has worked before", "true"],
    ["has never worked", null],
  ])("that fails, and %s, stops it until it works", async (_, first) => {
    const { target, sql, hurry, hits } = await place("");
    const archiving = async (command: string) => {
      await sql(`alter system set archive_command = '${command}'`);
      await sql("select pg_reload_conf()");
    };
    const fillSegments = (count: number) =>
      sql(
        `do $$ begin for i in 1..${count} loop perform pg_logical_emit_message(false, 'test', 'x'); perform pg_switch_wal(); end loop; end $$`,
      );
    const archiver = async () => (await sql("select * from pg_stat_archiver"))[0] ?? {};
    const segments = async () =>
      (await sql("select name from pg_ls_archive_statusdir() where name like '%.ready'")).map(
        ({ name }) => name,
      );
    // What other tests have written is not to wait for it.
    await archiving("true");
    await fillSegments(1);
    await until(async () => (await segments()).length === 0, { what: "an archive with nothing to do" });
    await archiving("");
    await sql("select pg_stat_reset_shared('archiver')");
    if (first !== null) {
      await archiving(first);
      await fillSegments(1);
      await until(async () => (await archiver()).last_archived_wal, { what: "a segment in the archive" });
    }
    await archiving("false");
    await fillSegments(1);
    await until(async () => (await archiver()).last_failed_wal, { what: "a failure of the archive" });
    await fillSegments(66);
    const recorded = recorder();
    const run = up(target, recorded);
    expect(await slowedBy(/^the archive/, run, recorded)).toMatch(/which 1\d\d\d MB of WAL wait for$/);
    await hurry();
    const { before, after } = await doneWhileHeld(recorded, hits);
    expect(after).toEqual(before);
    await archiving("true");
    await fillSegments(1);
    expect((await run).outcome).toBe("done");
    expect(await hits()).toEqual(DONE);
  });
});
