/** What says `applied` is sent right behind the last window, where nothing is asked between the two. */
import { describe } from "vitest";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, type TargetOptions, targetOf, up } from "../support/target.ts";

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
