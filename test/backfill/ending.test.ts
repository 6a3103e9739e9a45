/** What says `applied` is sent right behind the last window, where nothing is asked between the two. */
import { describe } from "vitest";
import { undoBackfill } from "../../src/run/backfill-undo.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, type TargetOptions, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 300); analyze products;`;
const SQL =
  "-- godwit: backfill table=products min-rows=100 max-rows=100\nupdate products set hits = hits + 1 where :window;\n";
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const STATE = `select h.state, b.position, b.finished_at is not null as finished from "${ledgerSchema}".migration_history h
  left join "${ledgerSchema}".migration_backfills b using (revision) where h.revision = '0002_b'`;
const APPLIED = [{ state: "applied", position: ["300"], finished: true }];

/** Raises at the last row: when the window checks its constraints, or not before its `COMMIT`. */
const REFUSED = {
  "when it checks its constraints": `create function late() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
create constraint trigger late after update on products deferrable initially deferred
  for each row when (new.id = 300) execute function late();`,
  "by its COMMIT": `create table later (id int);
create function latest() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
create constraint trigger latest after insert on later deferrable initially deferred for each row execute function latest();
create function late() returns trigger language plpgsql as $$ begin set constraints latest deferred; insert into later values (1); return null; end $$;
create constraint trigger late after update on products deferrable initially deferred
  for each row when (new.id = 300) execute function late();`,
};

const placed = (db: TestDatabase, more = "", settings: TargetOptions["settings"] = {}) =>
  targetOf({
    url: db.url,
    settings,
    folder: folderOf({ "0001_a.sql": `${TABLE}\n${more}`, "0002_b.sql": SQL }),
  });

describe.for(Object.entries(REFUSED))("a last window that is refused %s", ([, more]) => {
  test("is not done, its other rows are, and nothing says applied", async ({ db }) => {
    const target = placed(db, more);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS", details: { failed: [["300"]] } });
    expect(await db.sql(HITS)).toEqual([
      { hits: 0, n: 1 },
      { hits: 1, n: 299 },
    ]);
    expect(await db.sql(STATE)).toEqual([{ state: "partial", position: ["300"], finished: false }]);
    await db.sql("drop trigger late on products");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 300 }]);
    expect(await db.sql(STATE)).toEqual(APPLIED);
  });
});

test("a row of the bound that is gone when its window is tried again ends it all the same", async ({
  db,
}) => {
  const target = placed(
    db,
    `create function late() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return null; end $$;
create constraint trigger late after update on products deferrable initially deferred
  for each row when (new.id = 300) execute function late();`,
    { lockTimeoutMs: 100 },
  );
  const blocker = await db.connect();
  await blocker.query("select pg_advisory_lock(7)");
  const recorded = recorder();
  const running = up(target, recorded);
  running.catch(() => {});
  await recorded.once("step-retry");
  await blocker.query("delete from products where id = 300; select pg_advisory_unlock_all()");
  expect(await running).toMatchObject({ outcome: "done" });
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 299 }]);
  expect(await db.sql(STATE)).toMatchObject([{ state: "applied", finished: true }]);
});

test("a run that is ended as its last window is done says what the ledger says", async ({ db }) => {
  const target = placed(db);
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.rows === 300)
      recorded.abort(new Error("ended by the test"));
  });
  const { steps } = await up(target, recorded);
  expect(steps.map(({ revision }) => revision)).toEqual(["0001_a", "0002_b"]);
  expect(await db.sql(STATE)).toEqual(APPLIED);
});

describe("where triggers have their hand in it", () => {
  const OF_BACKFILLS = `before update on "${ledgerSchema}".migration_backfills for each row`;

  /** A backfill is done, so that all tables of the ledger are there. */
  async function withTrigger(db: TestDatabase, trigger: string) {
    const other = `create table other (id int primary key, v int); insert into other values (1, 0); create table seen (value text);`;
    const folder = folderOf({
      "0000_a.sql": `${TABLE} ${other}`,
      "0001_o.sql": "-- godwit: backfill table=other\nupdate other set v = 1 where :window;",
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, { "0002_b.sql": SQL.replace("min-rows", "undo=yes min-rows") });
    await db.sql(trigger);
    return target;
  }

  test("it waits for the disk, whatever a window has left in the session", async ({ db }) => {
    const target = await withTrigger(
      db,
      `create function off() returns trigger language plpgsql as $$ begin perform set_config('synchronous_commit', 'off', false); return new; end $$;
create trigger off before update on products for each row when (old.id = 300) execute function off();
create function looks() returns trigger language plpgsql as $$ begin insert into public.seen values (current_setting('synchronous_commit')); return new; end $$;
create trigger looks ${OF_BACKFILLS} when (new.finished_at is not null) execute function looks();`,
    );
    await db.sql(`alter database "${db.name}" set synchronous_commit = 'on'`);
    await up(target);
    expect(await db.sql("select * from seen")).toEqual([{ value: "on" }]);
  });

  test("the end of a way back waits for it too", async ({ db }) => {
    const target = await withTrigger(db, "select");
    await up(target);
    await db.sql(`create function off() returns trigger language plpgsql as $$ begin perform set_config('synchronous_commit', 'off', false); return new; end $$;
create trigger off before update on products for each row when (old.id = 300) execute function off();
create function looks() returns trigger language plpgsql as $$ begin insert into public.seen values (current_setting('synchronous_commit')); return old; end $$;
create trigger looks before delete on "${ledgerSchema}".migration_backfill_undo for each row execute function looks();
alter database "${db.name}" set synchronous_commit = 'on'`);
    await undoBackfill(target, down("0002_b"), recorder());
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 300 }]);
    expect(await db.sql("select * from seen")).toEqual([{ value: "on" }]);
  });

  test("a position that the ledger does not take is no end, and is told", async ({ db }) => {
    const target = await withTrigger(
      db,
      `create function no() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger no ${OF_BACKFILLS} when (new.position = '{300}') execute function no();`,
    );
    await expect(up(target)).rejects.toMatchObject({
      problems: [
        { code: "BACKFILL_LOST", hint: expect.stringContaining("`godwit repair --mark-done 0002_b`") },
      ],
      report: { failures: [{ committed: "unknown" }] },
    });
    expect(await db.sql(STATE)).toEqual([{ state: "partial", position: ["200"], finished: false }]);
    const request = { kind: "mark-done", revision: "0002_b", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 300 }]);
  });

  test("a row of the history that is gone is told, and not that its windows stay known", async ({ db }) => {
    const target = await withTrigger(
      db,
      `create function gone() returns trigger language plpgsql as $$ begin delete from "${ledgerSchema}".migration_history where revision = '0002_b'; return new; end $$;
create trigger gone before update on products for each row when (old.id = 300) execute function gone();`,
    );
    await expect(up(target)).rejects.toMatchObject({
      code: "STEP_ENDED_TRANSACTION",
      report: { failures: [{ committed: "unknown" }] },
    });
  });
});
