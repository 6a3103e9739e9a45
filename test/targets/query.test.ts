/** The query that finds a target's schemas only looks, is one statement, and ends when the run must. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createFleet } from "../support/watched.ts";

const FILES = { "migrations/0001_shops.sql": "create table shops (id int primary key);" };

function folderWith(db: TestDatabase, query: string, more: object = {}): string {
  const targets = { tenants: { url: db.url, schemas: { query } } };
  return folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ targets, ...more }) });
}

/** Every way that was found to write with it, and what is said of each. */
const WRITES: readonly (readonly [query: string, message: RegExp])[] = [
  ["commit; create table planted (id int)", /holds 2 statements/],
  ["select 't'; create table planted (id int)", /holds 2 statements/],
  ["create table planted (id int)", /begins with create, but it may only read/],
  ["do $$ begin commit; create table planted (id int); end $$", /begins with do/],
  ["call plant()", /begins with call/],
  ["with made as (insert into kept values (1) returning 't') select 't' from made", /failed: .*WITH/],
  ["select plant_one()", /read-only transaction/],
  ["select 't' from (select nextval('numbers')) as n", /read-only transaction/],
  [
    "select set_config('transaction_read_only', 'off', true) from (select plant_one()) as p",
    /read-only|read-write/,
  ],
];

describe("a query that writes", () => {
  test("is refused by every command, and nothing is written", async ({ db }) => {
    await db.sql(`create table kept (id int); create sequence numbers; create schema t;
      create function plant_one() returns text language plpgsql volatile as
        'begin insert into kept values (1); return ''t''; end';
      create procedure plant() language plpgsql as 'begin commit; insert into kept values (1); end'`);
    for (const [query, message] of WRITES) {
      const { json } = await commandIn({ folder: folderWith(db, query) }).fails(1, "up", "--json");
      expect(json.problems[0]).toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(message),
      });
      expect(json.problems[0].message).toContain("targets.tenants.schemas");
    }
    const [query = ""] = WRITES[0] ?? [];
    const godwit = commandIn({ folder: folderWith(db, query) });
    for (const command of ["status", "plan"]) await godwit.fails(1, command);
    const targets = { tenants: { url: db.url, schemas: { query } } };
    await using fleet = createFleet({ targets, dir: folderOf(FILES), environment: {} });
    await expect(fleet.up()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(
      await db.sql(
        "select 'kept' as where from kept union all select relname from pg_class where relname = 'planted'",
      ),
    ).toEqual([]);
    expect(await db.sql("select is_called from numbers")).toEqual([{ is_called: false }]);
  });

  test("one that looks may be written as people write it", async ({ db }) => {
    await db.sql("create schema a; create schema b");
    for (const query of [
      "-- of this server\nselect unnest(array['a', 'b']); -- all",
      "with two as (values ('a'), ('b')) select * from two;",
      "(select 'a') union all (select 'b')",
    ]) {
      const { json } = await commandIn({ folder: folderWith(db, query) })("status", "--json");
      expect(json.targets[0].schemas).toHaveLength(2);
    }
  });
});

describe("a query that does not come to its end", () => {
  const SLOW = "select 't' from pg_sleep(600)";
  const sleepers = (db: TestDatabase) =>
    db.sql("select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()");
  const running = (db: TestDatabase) => until(async () => (await sleepers(db)).length > 0);
  const gone = (db: TestDatabase) => until(async () => (await sleepers(db)).length === 0);

  for (const command of ["up", "status"])
    test(`${command} ends with the deadline`, async ({ db }) => {
      const { json } = await commandIn({ folder: folderWith(db, SLOW) }).fails(
        1,
        command,
        "--timeout",
        "1s",
        "--json",
      );
      expect(json.problems[0].code).toBe("DEADLINE");
      await gone(db);
    });

  test("a signal ends it, and the server runs it no more", async ({ db }) => {
    const up = commandIn({ folder: folderWith(db, SLOW) }).start("up", "--json");
    await running(db);
    up.child.kill("SIGINT");
    const { json } = await up.exits(130);
    expect(json.problems[0].code).toBe("INTERRUPTED");
    await gone(db);
  });

  test("a program's own signal ends it as well", async ({ db }) => {
    const stop = new AbortController();
    const targets = { tenants: { url: db.url, schemas: { query: SLOW } } };
    await using fleet = createFleet({ targets, dir: folderOf(FILES), environment: {}, signal: stop.signal });
    const up = fleet.up();
    up.catch(() => {});
    await running(db);
    stop.abort();
    await expect(up).rejects.toMatchObject({ code: "INTERRUPTED" });
    await gone(db);
  });
});
