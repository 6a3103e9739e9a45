/** Several windows at once: each row is changed once, whatever ends a worker, a connection or the run. */
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { type Chance, chanceFor } from "../support/seed.ts";
import { down, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { KEYS } from "./key-kinds.ts";

const ROWS = 600;

describe.each(Object.entries(KEYS))("several windows at once, by %s", (kind, { columns, values }) => {
  test("each row once, beside writers, however often and however it is ended", async ({ db }) => {
    const random = chanceFor(`parallel backfill by ${kind}`);
    const names = columns.map((column) => column.split(" ")[0] ?? "");
    const partitions = kind.includes("partition");
    await db.sql(`create table rows (${columns.join(", ")}, n int not null, changed int not null default 0,
  touched int not null default 0, primary key (${names.join(", ")}))${
    partitions ? " partition by list (region)" : ""
  }`);
    if (partitions)
      for (const region of [0, 1, 2])
        await db.sql(`create table rows_${region} partition of rows for values in (${region})`);
    await db.sql(`insert into rows select ${values}, n from generate_series(1, ${ROWS}) n`);
    const most = random.int(1, 60);
    const least = random.int(1, most);
    const text = (parallel: number) =>
      `-- godwit: backfill table=rows key=${names.join(",")} min-rows=${least} max-rows=${most} parallel=${parallel}
update rows r set changed = r.changed + 1 where :window(r);
`;
    const folder = folderOf({ "0001_fill.sql": text(random.int(1, 5)) });
    const target = targetOf({ url: db.url, folder });
    let outcome: string | undefined;
    for (let tries = 0; outcome !== "done"; tries++) {
      expect(tries).toBeLessThan(500);
      const after = random.int(1, 20);
      const way = random.int(0, 2);
      let windows = 0;
      const recorded = recorder((event) => {
        if (event.kind !== "backfill-progress" || ++windows !== after) return;
        if (way === 0) recorded.abort(new Error("ended by the test"));
        // All connections of the run, that of its lock included; or any of them.
        else void kill(db, way === 1 ? "true" : "random() < 0.4");
      });
      const writing = write(db, random);
      outcome = await up(target, recorded).then(
        (report) => report.outcome,
        (error: unknown) => {
          if (recorded.signal.aborted || /connection|taken over/i.test(String(error))) return undefined;
          throw error;
        },
      );
      await writing;
      writeFiles(folder, { "0001_fill.sql": text(random.int(1, 5)) });
    }
    expect(await db.sql("select changed, count(*)::int as rows from rows group by 1")).toEqual([
      { changed: 1, rows: expect.any(Number) },
    ]);
    const [state] = await db.sql(`select rows, changed from "${ledgerSchema}".migration_backfills`);
    expect(state?.rows).toBe(state?.changed);
    expect(await db.sql(`select * from "${ledgerSchema}".migration_backfill_ranges`)).toEqual([]);
  });
});

const TABLE = `create table products (id int primary key, hits int not null default 0, pid int);
insert into products (id) select generate_series(1, 2000);`;
const SQL = `-- godwit: backfill table=products parallel=4 min-rows=50 max-rows=100
update products set hits = hits + 1, pid = pg_backend_pid() where :window and (select pg_sleep(0.03)) is not null;
`;
const HITS = "select hits, count(*)::int as n from products group by 1 order by 1";
const STATE = `select rows, changed, failed from "${ledgerSchema}".migration_backfills`;

describe("several windows at once", () => {
  test("have a connection each, and one total", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const recorded = recorder();
    expect(await up(targetOf({ url: db.url, folder }), recorded)).toMatchObject({
      outcome: "done",
      warnings: [],
    });
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await db.sql("select count(distinct pid)::int as n from products")).toEqual([{ n: 4 }]);
    expect(await db.sql(STATE)).toEqual([{ rows: 2000, changed: 2000, failed: [] }]);
    const rows = recorded.events.flatMap((event) => (event.kind === "backfill-progress" ? [event.rows] : []));
    expect(rows).toEqual(rows.toSorted((one, other) => one - other));
    expect(rows.at(-1)).toBe(2000);
    const workers = recorded.events.flatMap((event) =>
      event.kind === "backfill-progress" ? [event.worker] : [],
    );
    expect([...new Set(workers)].toSorted()).toEqual([1, 2, 3, 4]);
  });

  test("stop at an edge when one fails, and another number of them goes on", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} create table broken (id int); insert into broken values (1234);
create function refuse() returns trigger language plpgsql as $$ begin
  if exists (select from broken where id = new.id) then raise exception 'not now' using errcode = '55000'; end if;
  return new; end $$;
create trigger refuse before update on products for each row execute function refuse();`,
      "0002_b.sql": SQL,
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      message: expect.stringContaining("not now"),
      hint: expect.stringContaining("are done and stay"),
    });
    const [done] = await db.sql("select count(*)::int as n from products where hits = 1");
    expect(await db.sql(STATE)).toMatchObject([{ rows: done?.n, changed: done?.n }]);
    await db.sql("delete from broken");
    writeFiles(folder, { "0002_b.sql": SQL.replace(" parallel=4", "") });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("go on behind the position of one after the other", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL.replace(" parallel=4", "") });
    const target = targetOf({ url: db.url, folder });
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 2) recorded.abort(new Error("enough"));
    });
    await expect(up(target, recorded)).rejects.toThrow();
    const several = targetOf({ url: db.url, folder, settings: { backfillParallel: 4 } });
    expect((await up(several)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await db.sql("select count(distinct pid)::int as n from products")).toEqual([{ n: 5 }]);
  });

  test("find the rows that PostgreSQL refuses, and the next run tries those", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} alter table products add constraint few check (hits = 0 or id % 900 <> 7);`,
      "0002_b.sql": SQL,
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_ROWS",
      message: expect.stringContaining("could not change 3 rows"),
    });
    expect(await db.sql(HITS)).toEqual([
      { hits: 0, n: 3 },
      { hits: 1, n: 1997 },
    ]);
    await db.sql("alter table products drop constraint few");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await db.sql(STATE)).toEqual([{ rows: 2000, changed: 2000, failed: [] }]);
  });

  test("keep old values together", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("parallel=4", "parallel=4 undo=yes"),
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    expect((await migrate(target, down("-1"), recorder())).warnings).toEqual([]);
    expect(await db.sql("select distinct hits, pid from products")).toEqual([{ hits: 0, pid: null }]);
  });

  test("are not done again where the end is refused", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace(
        "\n",
        '\n-- godwit: expect "select count(*) = 0 from products where id = 7"\n',
      ),
    });
    const target = targetOf({ url: db.url, folder });
    for (const parallel of [4, 1]) {
      const several = targetOf({ url: db.url, folder, settings: { backfillParallel: parallel } });
      await expect(up(several)).rejects.toMatchObject({ code: "EXPECTATION_FAILED" });
      expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    }
    await db.sql("delete from products where id = 7");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 1999 }]);
    expect(await db.sql(`select * from "${ledgerSchema}".migration_backfill_ranges`)).toEqual([]);
  });

  test("are fewer where the server has no connection for each", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
    const [name] = await db.sql("select quote_ident(current_database()) as database");
    await db.admin(`alter database ${name?.database} connection limit 4`);
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test.for(["parallel=4", "background=yes"])(
    "run on the connection of the run where there is no other, %s",
    async (options, { db }) => {
      const text = SQL.replace("parallel=4", options);
      const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": text });
      const target = targetOf({ url: db.url, folder, settings: { connectAttempts: 1 } });
      const nowhere = targetOf({ url: "postgres://nobody@127.0.0.1:1/none", folder });
      let isFull = false;
      const recorded = recorder((event) => {
        if (event.kind === "step-started") isFull = event.step.revision === "0002_b";
        if (event.kind === "step-done") isFull = false;
      });
      const open: typeof target.open = (opening) => (isFull ? nowhere : target).open(opening);
      expect((await up({ ...target, open }, recorded)).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    },
  );

  test("wait for no connection when the others have done all, or one of them has failed", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("parallel=4", "parallel=2 throttle=off"),
    });
    // The next try of a worker comes after half a minute at least.
    const settings = { connectAttempts: 10, connectDelayMs: 60_000 };
    const target = targetOf({ url: db.url, folder, settings });
    const nowhere = targetOf({ url: "postgres://nobody@127.0.0.1:1/none", folder });
    const attempt = async () => {
      let opened = -1;
      const recorded = recorder(({ kind }) => {
        if (kind === "step-started") opened = 0;
      });
      const open: typeof target.open = (options) =>
        (opened >= 0 && ++opened === 2 ? nowhere : target).open(options);
      const at = performance.now();
      const ended = await up({ ...target, open }, recorded).catch((error: unknown) => error);
      expect(performance.now() - at).toBeLessThan(25_000);
      expect(recorded.events).toContainEqual(expect.objectContaining({ kind: "database-waiting" }));
      return ended;
    };
    await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
    await db.sql(`create function refuse() returns trigger language plpgsql as $$ begin
  raise exception 'not now' using errcode = '55000'; end $$;
create trigger refuse before update on products for each statement execute function refuse();`);
    expect(await attempt()).toMatchObject({ message: expect.stringContaining("not now") });
    await db.sql("drop trigger refuse on products");
    expect(await attempt()).toMatchObject({ outcome: "done" });
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await db.sql("select count(distinct pid)::int as n from products")).toEqual([{ n: 1 }]);
  });

  test("of an empty table are none", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE.replace(/insert .*/, ""), "0002_b.sql": SQL });
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
  });

  test("of a half that is taken back leave nothing behind", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": SQL.replace("parallel=4", "parallel=4 undo=yes"),
    });
    const target = targetOf({ url: db.url, folder });
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 5) recorded.abort(new Error("enough"));
    });
    await expect(up(target, recorded)).rejects.toThrow();
    const goal = { ...down("0002").goal, undo: true };
    await migrate(target, { ...down("0002"), goal }, recorder());
    expect(await db.sql("select distinct hits, pid from products")).toEqual([{ hits: 0, pid: null }]);
    expect(await db.sql(`select * from "${ledgerSchema}".migration_backfill_ranges`)).toEqual([]);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });
});

describe.skipIf(withoutPgbouncer)("several windows at once behind PgBouncer in transaction mode", () => {
  test("each row once", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": SQL });
      expect((await up(targetOf({ url: pooler.url, folder }))).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    } finally {
      await pooler.stop();
    }
  });
});

async function kill(db: TestDatabase, which: string): Promise<void> {
  await db.admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit run %' and ${which}`,
  );
}

/** Some updates and deletes of rows, in front of the windows and behind them. */
async function write(db: TestDatabase, random: Chance): Promise<void> {
  for (let left = 4; left > 0; left--) {
    const n = random.int(1, ROWS);
    await db.sql(
      random.chance(0.2)
        ? `delete from rows where n = ${n}`
        : `update rows set touched = touched + 1 where n between ${n} and ${n + 20}`,
    );
  }
}
