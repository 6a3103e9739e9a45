/** What every way of reaching PostgreSQL promises: the connection's contract, and the engine on top of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Connection, Notice, Row } from "../../src/database/connection.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { openPlain } from "../../src/source/plain/plain.ts";
import { ledgerSchema } from "../support/database.ts";
import { down, type Files, folderOf, recorder, SETTINGS, up, writeFiles } from "../support/target.ts";

/** One database, reached in one way. */
export interface Place {
  open(): Promise<Connection>;
  /** Makes the server end the session with this process id, or whatever comes nearest to that. */
  terminate(pid: number): Promise<void>;
  /** Empties the database, where a connection cannot do that itself. */
  reset?(): Promise<void>;
  close(): Promise<void>;
}

/** Sessions of this database that are asleep at this moment. */
const SLEEPERS =
  "select query from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";

/** Laws that cannot hold here, each with its reason. */
export type Skips = Partial<Record<"observer" | "parallel" | "session" | "notices", string>>;

export function targetLaws(name: string, make: () => Promise<Place>, skips: Skips = {}): void {
  describe(name, () => {
    let place: Place;
    beforeAll(async () => {
      place = await make();
    });
    afterAll(() => place?.close());
    beforeEach(async () => {
      if (place.reset !== undefined) return place.reset();
      await using connection = await place.open();
      await connection.execute(
        `drop schema if exists "${ledgerSchema}" cascade; drop schema public cascade; create schema public`,
      );
    });

    async function opened(): Promise<Connection> {
      const connection = await place.open();
      onTestFinished(() => connection.close());
      return connection;
    }
    async function rows(text: string): Promise<readonly Row[]> {
      await using connection = await place.open();
      return (await connection.query(text)).rows;
    }
    function targetWith(files: Files): { target: Target; folder: string } {
      const folder = folderOf(files);
      const source = openPlain({ folder, cacheFolder: `${folder}/.cache` });
      const target = {
        name,
        source,
        ledger: openLedger(ledgerSchema),
        open: () => place.open(),
        settings: SETTINGS,
      };
      return { target, folder };
    }

    test("the server says who it is", async () => {
      const { server, capabilities } = await opened();
      expect(server.version).toBeGreaterThanOrEqual(130_000);
      expect(server).toMatchObject({ inRecovery: false, superuser: expect.any(Boolean) });
      expect([server.database, server.user]).toEqual([
        expect.stringMatching(/./),
        expect.stringMatching(/./),
      ]);
      expect(server.backendPid).toBeGreaterThan(0);
      expect(capabilities.session).toBe(skips.session === undefined);
    });

    test("values arrive and leave as they are everywhere", async () => {
      const connection = await opened();
      const { rows: found } = await connection.query(
        `select $1::int as i, $2::int8 as b, $3::text as t, $4::text[] as a, $5::bytea as y, $6::jsonb as j, $7::bool as f,
          $8::text as n, 9007199254740993::int8 as big, 1.50::numeric as d, 0.5::float8 as g, '{1,2}'::int[] as ia,
          timestamptz '2026-01-02 03:04:05Z' as z, $9::timestamptz as w`,
        [
          1,
          9007199254740993n,
          "ä'\\😀",
          ["a,b", 'c"d'],
          new Uint8Array([0, 255]),
          '{"k":[1]}',
          true,
          null,
          new Date("2026-01-02T03:04:05Z"),
        ],
      );
      const [row] = found;
      expect({ ...row, y: [...((row?.y ?? []) as Uint8Array)] }).toEqual({
        i: 1,
        b: "9007199254740993",
        t: "ä'\\😀",
        a: ["a,b", 'c"d'],
        y: [0, 255],
        j: { k: [1] },
        f: true,
        n: null,
        big: "9007199254740993",
        d: "1.50",
        g: 0.5,
        ia: [1, 2],
        z: new Date("2026-01-02T03:04:05Z"),
        w: new Date("2026-01-02T03:04:05Z"),
      });
      const [result] = await connection.execute(
        "select 9007199254740993::int8 as big, array[true] as b, null as n",
      );
      expect(result?.rows).toEqual([{ big: "9007199254740993", b: [true], n: null }]);
    });

    test("every statement of a message has its command and its number of rows", async () => {
      const connection = await opened();
      const results = await connection.execute(
        "create table t (n int); insert into t values (1), (2); update t set n = 3 where n = 2; select * from t order by n; delete from t; begin; commit",
      );
      expect(results.map(({ command, rowCount, rows: found }) => [command, rowCount, found.length])).toEqual([
        ["CREATE", null, 0],
        ["INSERT", 2, 0],
        ["UPDATE", 1, 0],
        ["SELECT", 2, 2],
        ["DELETE", 2, 0],
        ["BEGIN", null, 0],
        ["COMMIT", null, 0],
      ]);
      const one = await connection.query("insert into t values (1), (2) returning n");
      expect([one.command, one.rowCount, one.rows]).toEqual(["INSERT", 2, [{ n: 1 }, { n: 2 }]]);
    });

    test("a message is one transaction unless it says otherwise", async () => {
      const connection = await opened();
      await connection.execute("create table t (n int)");
      await expect(connection.execute("insert into t values (1); select 1/0")).rejects.toThrow();
      await expect(
        connection.execute("begin; insert into t values (2); commit; insert into t values (3); select 1/0"),
      ).rejects.toThrow();
      expect((await connection.query("select n from t")).rows).toEqual([{ n: 2 }]);
    });

    test("an error says where, in characters of the whole message, and what had succeeded", async () => {
      const connection = await opened();
      const text = "select 'ä😀';\nselect nope";
      const where = { code: "DATABASE_ERROR", sqlState: "42703", position: [...text].length - 3 };
      await expect(connection.execute(text)).rejects.toMatchObject(where);
      await expect(connection.query("select '😀', nope")).rejects.toMatchObject({
        sqlState: "42703",
        position: 13,
      });
      await expect(connection.execute("select 1; select 2; select 1/0")).rejects.toMatchObject({
        sqlState: "22012",
        completed: 2,
      });
      // Counted again with every message.
      await expect(connection.execute("select 1/0")).rejects.toMatchObject({ completed: 0 });
      expect((await connection.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    });

    test("messages sent without waiting are answered in order, whichever way they ask", async () => {
      const connection = await opened();
      const answers = await Promise.all([
        connection.execute("create table t (id int generated always as identity, n int)"),
        ...[1, 2, 3, 4].map((n) =>
          n % 2
            ? connection.query("insert into t (n) values ($1)", [n])
            : connection.execute(`insert into t (n) values (${n})`),
        ),
        connection.query("select n from t order by id"),
      ]);
      expect(answers.at(-1)).toMatchObject({ rows: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }] });
    });

    test.skipIf(skips.session)(
      `behind a failed message of a transaction nothing has an effect, and COMMIT is not reached${because(skips.session)}`,
      async () => {
        const connection = await opened();
        await connection.execute("create table t (n int)");
        const settled = await Promise.allSettled([
          connection.execute("begin; insert into t values (1)"),
          connection.execute("selekt 1"),
          connection.execute("update t set n = 2; commit"),
          connection.execute("begin; insert into t values (3)"),
          connection.execute("insert into t values (4); commit"),
        ]);
        expect(settled.map((one) => (one.status === "rejected" ? one.reason.sqlState : one.status))).toEqual([
          "fulfilled",
          "42601",
          "25P02",
          "25P02",
          "25P02",
        ]);
        await connection.execute("rollback");
        expect((await connection.query("select n from t")).rows).toEqual([]);
      },
    );

    test.skipIf(skips.session)(`settings last until they are changed${because(skips.session)}`, async () => {
      const connection = await opened();
      await connection.execute("set search_path to pg_catalog");
      expect((await connection.query("show search_path")).rows).toEqual([{ search_path: "pg_catalog" }]);
    });

    test.skipIf(skips.notices)(
      `notices are heard until one stops listening${because(skips.notices)}`,
      async () => {
        const connection = await opened();
        const heard: Notice[] = [];
        const stop = connection.onNotice((notice) => heard.push(notice));
        await connection.execute("do $$ begin raise warning 'careful %', 1 using errcode = 'GW123'; end $$");
        stop();
        await connection.execute("do $$ begin raise notice 'unheard'; end $$");
        expect(heard).toMatchObject([{ severity: "WARNING", message: "careful 1", sqlState: "GW123" }]);
      },
    );

    test.skipIf(skips.observer)(
      `a running statement can be cancelled${because(skips.observer)}`,
      async () => {
        const [connection, observer] = [await opened(), await opened()];
        const slow = connection.query("select pg_sleep(60)");
        slow.catch(() => {});
        await expect
          .poll(async () => (await observer.query(SLEEPERS)).rows, { timeout: 20_000 })
          .toEqual([{ query: "select pg_sleep(60)" }]);
        await connection.cancel();
        await expect(slow).rejects.toMatchObject({ sqlState: "57014" });
        expect((await connection.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
        expect(connection.lost.aborted).toBe(false);
      },
    );

    test.skipIf(skips.parallel)(`who stands in the way is named${because(skips.parallel)}`, async () => {
      const [holder, waiter] = [await opened(), await opened()];
      await holder.execute("create table t (n int)");
      await holder.execute("begin; lock t");
      expect(await waiter.blockers()).toEqual([]);
      const waiting = waiter.execute("select * from t");
      await expect.poll(() => waiter.blockers()).toHaveLength(1);
      const [blocker] = await waiter.blockers();
      expect(blocker).toMatchObject({
        pid: holder.server.backendPid,
        user: holder.server.user,
        query: "begin; lock t",
      });
      expect(blocker?.transactionAgeMs).toBeGreaterThan(0);
      await holder.execute("rollback");
      await waiting;
    });

    test("closing twice is closing once, and ends every wait", async () => {
      const connection = await opened();
      await Promise.all([connection.close(), connection.close()]);
      await connection.close();
      await expect(connection.query("select 1")).rejects.toMatchObject({ code: "DATABASE_CONNECTION_LOST" });
    });

    test("up, again, changed, and all the way down", async () => {
      const { target, folder } = targetWith({
        "0001_shops.sql":
          "-- migrate:up\ncreate table shops (id int primary key, name text);\n-- migrate:down\ndrop table shops;",
        ...(skips.session === undefined
          ? {
              "0002_fill.ts": `export async function up({ sql }: any) {
  for (const name of ["a", "ä😀"]) await sql\`insert into shops select coalesce(max(id), 0) + 1, \${name} from shops\`;
  const rows = await sql\`select count(*) as n from shops\`;
  if (rows[0].n !== "2") throw new Error("a number of rows is text here: " + rows[0].n);
}
export async function down({ sql }: any) { await sql\`delete from shops\`; }`,
              "0003_index.up.sql": "create index concurrently shops_name on shops (name);",
              "0003_index.down.sql": "drop index concurrently shops_name;",
            }
          : {
              "0002_fill.up.sql": "insert into shops values (1, 'a'), (2, 'ä😀');",
              "0002_fill.down.sql": "delete from shops;",
              "0003_index.up.sql": "create index shops_name on shops (name);",
              "0003_index.down.sql": "drop index shops_name;",
            }),
        "repeatable/overview.sql": "create or replace view overview as select count(*) as n from pg_class;",
      });
      const all = ["0001_shops", "0002_fill", "0003_index", "overview"];
      expect((await up(target)).steps.map((step) => step.revision)).toEqual(all);
      expect(await rows("select name from shops order by id")).toEqual([{ name: "a" }, { name: "ä😀" }]);
      expect((await up(target)).steps).toEqual([]);
      writeFiles(folder, {
        "repeatable/overview.sql":
          "create or replace view overview as select count(*) as n, 1 as v from pg_class;",
      });
      expect((await up(target)).steps.map((step) => step.revision)).toEqual(["overview"]);
      await migrate(target, down("base"), recorder());
      expect(await rows("select to_regclass('shops') as shops")).toEqual([{ shops: null }]);
      expect((await up(target)).steps.length).toBeGreaterThanOrEqual(3);
    });

    test("many small migrations are all applied, in order", async () => {
      const files = Object.fromEntries(
        Array.from({ length: 150 }, (_, n) => [
          `${String(n).padStart(4, "0")}_n.sql`,
          `create table t${n} (id int); insert into t${n} values (${n});`,
        ]),
      );
      const { target } = targetWith(files);
      expect((await up(target)).steps).toHaveLength(150);
      expect(await rows(`select count(*)::int as n from "${ledgerSchema}".migration_history`)).toEqual([
        { n: 150 },
      ]);
    });

    test("a failure names file, line and column, keeps what was before it and nothing of itself", async () => {
      for (const [bad, place] of [
        ["create table b (id int);\n-- ä😀\ninsert into b (idd) values (1);", { line: 3, column: 16 }],
        ["create table b (id int);\n\nselect 1/0;", { line: 3 }],
        ["create table b (id int);\nselekt 1;", { line: 2, column: 1 }],
      ] as const) {
        const { target } = targetWith({
          "0001_ok.sql": "create table if not exists a (id int);",
          "0002_bad.sql": bad,
        });
        await expect(up(target)).rejects.toMatchObject({
          code: "STEP_FAILED",
          place: { file: "0002_bad.sql", ...place },
        });
        expect(await rows("select to_regclass('a') is not null as a, to_regclass('b') as b")).toEqual([
          { a: true, b: null },
        ]);
      }
    });

    test("two runs at once take effect once", async () => {
      const { target } = targetWith({
        "0001_a.sql": "create table a (id int);",
        "0002_b.sql": "create table b (id int);",
      });
      const reports = await Promise.all([up(target), up(target), up(target)]);
      expect(reports.flatMap(({ steps }) => steps.map((step) => step.revision))).toEqual([
        "0001_a",
        "0002_b",
      ]);
    });

    // Last: where the server lives in this process, nothing is left of it.
    test("a session that the server ends is known to be lost, in flight and afterwards", async () => {
      const connection = await opened();
      const lost = new Promise((resolve) =>
        connection.lost.addEventListener("abort", resolve, { once: true }),
      );
      await place.terminate(connection.server.backendPid);
      await connection.query("select 1").catch(() => {});
      await lost;
      expect(connection.lost.reason).toMatchObject({ code: "DATABASE_CONNECTION_LOST" });
      await expect(connection.execute("select 1")).rejects.toMatchObject({
        code: "DATABASE_CONNECTION_LOST",
      });
      await connection.close();
    });
  });
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (skipped: ${reason})`;
}
