/** Locks of others before the first window of a backfill and behind its last one: each is waited out, and told as what it is. */
import type { Client } from "pg";
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import type { RunEvent } from "../../src/run/report/events.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, UP, up } from "../support/target.ts";
import { until } from "../support/until.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 300); analyze products;
create function asked(hits int) returns boolean language plpgsql as $$
begin perform pg_advisory_xact_lock_shared(7); return hits = 0; end $$;`;
const fill = (options = "", where = "") => `-- godwit: backfill table=products ${options}
${where}
update products set hits = hits + 1 where :window;
`;
const HITS = "select hits, count(*)::int as n from products group by hits";
const DONE = [{ hits: 1, n: 300 }];
const HISTORY = `lock table "${ledgerSchema}".migration_history in exclusive mode`;
const BACKFILLS = `lock table "${ledgerSchema}".migration_backfills in exclusive mode`;
const OF_LEDGER = `0002_b waits for its ledger: another session holds a lock on a table of the ledger in schema "${ledgerSchema}" (canceling statement due to lock timeout).`;
const OF_FILE = /^0002_b\.sql(:\d+)?: canceling statement due to lock timeout$/;

type Retry = RunEvent & { kind: "step-retry" };

async function placed(db: TestDatabase, text: string) {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": text });
  const settings = { lockTimeoutMs: 200 };
  const target = targetOf({ url: db.url, folder, settings });
  await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
  return { target, settings, folder, blocker: await db.connect() };
}

/** Lets the lock go as soon as the run has tried in vain, and returns what it said then. */
async function outwaited(
  blocker: Client,
  run: (context: ReturnType<typeof recorder>) => Promise<unknown>,
  seen: (event: RunEvent) => void = () => {},
): Promise<Retry["problem"]> {
  const recorded = recorder(seen);
  const running = run(recorded);
  running.catch(() => {});
  const retry = (await Promise.race([recorded.once("step-retry"), running])) as Retry;
  await blocker.query("rollback; select pg_advisory_unlock_all()");
  expect(await running).toMatchObject({ outcome: "done" });
  expect(retry).toMatchObject({ kind: "step-retry", attempt: 1 });
  return retry.problem;
}

describe.for(["", "parallel=2", "undo=yes", "background=yes"])(
  "a lock before the first window, %s",
  (options) => {
    test("on its table", async ({ db }) => {
      const { target, blocker } = await placed(db, fill(options));
      await blocker.query("begin; lock table products");
      const { message } = await outwaited(blocker, (context) => up(target, context));
      expect(message).toMatch(OF_FILE);
      expect(await db.sql(HITS)).toEqual(DONE);
    });

    test("on its ledger", async ({ db }) => {
      const { target, blocker } = await placed(db, fill(options));
      await blocker.query(`begin; ${HISTORY}`);
      const { message } = await outwaited(blocker, (context) => up(target, context));
      expect(message).toBe(OF_LEDGER);
      expect(await db.sql(HITS)).toEqual(DONE);
    });
  },
);

describe("a lock behind the last window", () => {
  test("on a row that was refused", async ({ db }) => {
    const { target, blocker } = await placed(db, fill());
    await db.sql("alter table products add constraint strict check (id <> 7 or hits = 0)");
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
    await db.sql("alter table products drop constraint strict");
    await blocker.query("begin; select from products where id = 7 for update");
    const { message, hint } = await outwaited(blocker, (context) => up(target, context));
    expect(message).toMatch(OF_FILE);
    expect(hint).toContain("299 rows of public.products up to id 300 are done and stay");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("on a row that was refused, which stays, ends the run", async ({ db }) => {
    const { target, blocker, folder, settings } = await placed(db, fill());
    await db.sql("alter table products add constraint strict check (id <> 7 or hits = 0)");
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
    await db.sql("alter table products drop constraint strict");
    await blocker.query("begin; select from products where id = 7 for update");
    const twice = targetOf({ url: db.url, folder, settings: { ...settings, lockAttempts: 2 } });
    await expect(up(twice)).rejects.toMatchObject({ message: expect.stringMatching(OF_FILE) });
    await blocker.query("rollback");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("on what its condition asks", async ({ db }) => {
    const { target, blocker } = await placed(db, fill("", "-- godwit: where asked(hits)"));
    await blocker.query("select pg_advisory_lock(7)");
    const { message } = await outwaited(blocker, (context) => up(target, context));
    expect(message).toMatch(OF_FILE);
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("on the row of the ledger", async ({ db }) => {
    const { target, blocker } = await placed(db, fill("", "-- godwit: where asked(hits)"));
    // The condition is asked behind the last window, and holds the run until the history is locked.
    await blocker.query("select pg_advisory_lock(7)");
    const said: string[] = [];
    let locked: Promise<unknown> | undefined;
    const recorded = recorder((event) => {
      if (event.kind !== "step-retry") return;
      said.push(event.problem.message);
      locked ??= blocker.query(`begin; ${HISTORY}; select pg_advisory_unlock(7)`);
      if (said.at(-1) === OF_LEDGER) void blocker.query("rollback");
    });
    expect((await up(target, recorded)).outcome).toBe("done");
    await locked;
    expect(said.at(-1)).toBe(OF_LEDGER);
    expect(await db.sql(HITS)).toEqual(DONE);
  });
});

describe("a lock at the end of a window", () => {
  const LATE = `create function late() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return null; end $$;
create constraint trigger late after update on products deferrable initially deferred for each row when (new.id = 150) execute function late();`;
  /** Holds a window until the lock of the ledger is there. */
  const GATE = `create function gate() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(8); return null; end $$;
create trigger gate after update on products for each statement execute function gate();`;

  test("that a deferred constraint waits for is one of the file, and not of the ledger", async ({ db }) => {
    const { target, blocker } = await placed(db, fill());
    await db.sql(LATE);
    await blocker.query("select pg_advisory_lock(7)");
    const { message } = await outwaited(blocker, (context) => up(target, context));
    expect(message).toMatch(OF_FILE);
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test.for([BACKFILLS, HISTORY])(
    "on the ledger is one also where a statement may not take as long: %s",
    async (lock, { db }) => {
      const { folder, blocker } = await placed(db, fill());
      await db.sql(GATE);
      await blocker.query("select pg_advisory_lock(8)");
      const settings = { lockTimeoutMs: 60_000, statementTimeoutMs: 700 };
      const target = targetOf({ url: db.url, folder, settings });
      const said: string[] = [];
      let locked: Promise<unknown> | undefined;
      const recorded = recorder((event) => {
        if (event.kind !== "step-retry") return;
        said.push(event.problem.message);
        if (locked !== undefined) void blocker.query("rollback; select pg_advisory_unlock_all()");
      });
      const running = up(target, recorded);
      running.catch(() => {});
      await until(
        async () => (await db.sql("select from pg_locks where not granted and objid = 8")).length > 0,
      );
      locked = blocker.query(`begin; ${lock}; select pg_advisory_unlock(8)`);
      expect((await running).outcome).toBe("done");
      expect(said.at(-1)).toMatch(/another session holds a lock on a table of the ledger/);
      expect(await db.sql(HITS)).toEqual(DONE);
    },
  );
});

test("a lock on the ledger before a way back is waited out", async ({ db }) => {
  const { target, blocker } = await placed(db, fill("undo=yes"));
  await up(target);
  await blocker.query(`begin; ${HISTORY}; ${BACKFILLS}`);
  const { message } = await outwaited(blocker, (context) => migrate(target, down("-1"), context));
  expect(message).toBe(OF_LEDGER);
  expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 300 }]);
});

test("a lock before the first window, while somebody comes who works", async ({ db }) => {
  const { target, blocker } = await placed(db, fill());
  await blocker.query(`begin; ${HISTORY}`);
  const guest = await db.connect();
  let working = true;
  let tries = 0;
  const recorded = recorder(({ kind }) => {
    // By then the guest is seen.
    if (kind === "step-retry" && ++tries === 5) void blocker.query("rollback");
  });
  const run = up(target, recorded);
  await recorded.once("step-retry");
  const work = (async () => {
    while (working) await guest.query("select 1");
  })();
  const { outcome } = await run.finally(() => {
    working = false;
  });
  await work;
  expect(outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual(DONE);
});
