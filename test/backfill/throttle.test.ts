/** A backfill makes way: for a replica that falls behind, for sessions that wait for it, and for a probe of its author's. */
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { describe } from "vitest";
import { openPglite } from "../../src/database/pglite.ts";
import { tellBackfill } from "../../src/run/backfills.ts";
import type { RunEvent } from "../../src/run/report/events.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { REPLICA, startReplica } from "../support/replica.ts";
import { startServer } from "../support/server.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const sql = (words: string, lines = "") =>
  `-- godwit: backfill table=products min-rows=100 max-rows=100 ${words}\n${lines}update products set hits = hits + 1 where :window;\n`;
/** So many seconds for each row. */
const slowly = (seconds: number, text: string) =>
  text.replace("hits + 1", `hits + 1 + length(pg_sleep(${seconds})::text) * 0`);
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const DONE = [{ hits: 1, n: 2000 }];

type Place = Parameters<typeof tellBackfill>[0];
const rate = (target: Place, rows: number | null) =>
  tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: rows } }, recorder());

/** Resolves with the first reason like this, in what is told of the backfill. */
function slowed(pattern: RegExp) {
  let found: (reason: string) => void = () => {};
  const reason = new Promise<string>((resolve) => {
    found = resolve;
  });
  const listen = (event: RunEvent) => {
    if (event.kind !== "backfill-progress" && event.kind !== "backfill-held") return;
    if (event.slowedBy !== null && pattern.test(event.slowedBy)) found(event.slowedBy);
  };
  return { reason, listen };
}

/** A server and its streaming replica, with a session on each. */
async function withReplica(
  work: (on: {
    readonly url: string;
    readonly client: pg.Client;
    readonly standby: pg.Client;
  }) => Promise<void>,
): Promise<void> {
  const primary = await startServer({ settings: ["max_wal_senders=4"] });
  const replica = await startReplica(primary.port);
  const [url, other] = [primary, replica].map(({ port }) => `postgres://postgres@127.0.0.1:${port}/postgres`);
  const standby = new pg.Client(other);
  await standby.connect();
  const client = new pg.Client(url);
  await client.connect();
  try {
    await work({ url: url as string, client, standby });
  } finally {
    await standby.end();
    await client.end();
    await replica.stop();
    await primary.stop();
  }
}

const TO_TABLE = { goal: { direction: "up", to: "0001_a", phases: ["startup"] } } as const;

test(
  "a streaming replica that replays nothing holds it, and it goes on when the replica follows",
  {
    timeout: 120_000,
  },
  () =>
    withReplica(async ({ url, client, standby }) => {
      const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("max-lag=1s") });
      const target = targetOf({ url, folder });
      await up(target, recorder(), TO_TABLE);
      await standby.query("select pg_wal_replay_pause()");
      await rate(target, 200);
      const { reason, listen } = slowed(new RegExp(`replica ${REPLICA}`));
      let held = 0;
      const recorded = recorder((event) => {
        listen(event);
        if (event.kind === "backfill-held" && event.slowedBy.includes(REPLICA)) held++;
      });
      const run = up(target, recorded);
      run.catch(() => {});
      expect(await reason).toMatch(/behind$/);
      await rate(target, null);
      // It holds still, however long nothing is replayed.
      await until(() => held >= 4, { what: "a backfill that holds still" });
      const { rows } = await client.query(HITS);
      expect(rows[0]).toMatchObject({ hits: 0 });
      await standby.query("select pg_wal_replay_resume()");
      expect((await run).outcome).toBe("done");
      expect((await client.query(HITS)).rows).toEqual(DONE);
      expect(recorded.events.filter(({ kind }) => kind === "backfill-unseen")).toEqual([]);
    }),
);

test(
  "a streaming replica that follows stays within the limit while 100,000 rows are written",
  {
    timeout: 120_000,
  },
  () =>
    withReplica(async ({ url, client, standby }) => {
      const folder = folderOf({
        "0001_a.sql": TABLE.replace("2000", "100000"),
        "0002_b.sql": sql("max-lag=2s").replaceAll("rows=100 ", "rows=2000 "),
      });
      const target = targetOf({ url, folder });
      await up(target, recorder(), TO_TABLE);
      let isOver = false;
      const run = up(target).finally(() => {
        isOver = true;
      });
      run.catch(() => {});
      const lags: number[] = [];
      while (!isOver) {
        const { rows } = await client.query(
          "select coalesce(extract(epoch from replay_lag), 0)::float8 as lag, pg_sleep(0.02) from pg_stat_replication",
        );
        lags.push(rows[0].lag);
      }
      expect((await run).outcome).toBe("done");
      expect(lags.length).toBeGreaterThan(5);
      expect(Math.max(...lags)).toBeLessThan(2);
      const isThere = async () => {
        const { rows } = await standby.query(HITS);
        return rows.length === 1 && rows[0].hits === 1 && rows[0].n === 100_000;
      };
      await until(isThere, { what: "a replica that has all of it" });
    }),
);

describe("the author's probe", () => {
  const probe = "-- godwit: probe select pg_sleep(seconds) from load\n";
  const LOAD = `${TABLE} create table load (seconds float8); insert into load values (0.5);`;

  test("slows it while it is over its limit, and no longer", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": LOAD,
      "0002_b.sql": slowly(0.002, sql("probe-limit=250ms", probe)),
    });
    const target = targetOf({ url: db.url, folder });
    const { reason, listen } = slowed(/its probe at/);
    const run = up(target, recorder(listen));
    run.catch(() => {});
    await reason;
    await db.sql("update load set seconds = 0");
    expect((await run).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("must be a query that changes nothing, which PostgreSQL can run", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLE,
      "0002_b.sql": sql("", "-- godwit: probe select 1 from nowhere\n"),
    });
    const target = targetOf({ url: db.url, folder });
    const refused = {
      code: "BACKFILL_PROBE",
      message: expect.stringContaining("PostgreSQL cannot run that"),
    };
    await expect(up(target)).rejects.toMatchObject(refused);
    writeFiles(folder, {
      "0002_b.sql": sql("", "-- godwit: probe update products set hits = 9 returning 1\n"),
    });
    await expect(up(target)).rejects.toMatchObject(refused);
    writeFiles(folder, {
      "0002_b.sql": sql("", "-- godwit: probe select 1\n-- godwit: probe from products limit 1\n"),
    });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("needs a second connection, which PGlite does not have", async () => {
    const instance = await PGlite.create();
    try {
      const target = (words: string, lines?: string) => ({
        ...targetOf({
          url: "postgres://nobody@127.0.0.1:1/nothing",
          folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql(words, lines) }),
        }),
        open: () => openPglite(instance),
      });
      await expect(up(target("", "-- godwit: probe select 1\n"))).rejects.toMatchObject({
        code: "BACKFILL_PROBE",
        message: expect.stringContaining("no second connection"),
      });
      expect((await up(target(""))).outcome).toBe("done");
      expect((await instance.query(HITS)).rows).toEqual(DONE);
    } finally {
      await instance.close();
    }
  });
});

describe("other sessions at work", () => {
  const AT_WORK = "other sessions at work";
  /** Reasons in their order, each time that another one is given. */
  const reasonsOf = (events: readonly RunEvent[]) =>
    events
      .flatMap((event) => (event.kind === "backfill-progress" ? [event.slowedBy] : []))
      .filter((reason, index, all) => reason !== all[index - 1]);
  /** Until every session has done nothing for so long that it is not taken for one at work. */
  const idle = (db: TestDatabase) =>
    until(
      async () => {
        const [row] = await db.admin<{ ms: number }>(
          "select min(extract(epoch from clock_timestamp() - state_change) * 1000)::float8 as ms from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
          [db.name],
        );
        return (row?.ms ?? 0) > 100;
      },
      { what: "sessions that do nothing" },
    );
  test("are made way for from the first window, as long as they work", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": slowly(0.002, sql("")) });
    let atWork = true;
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.slowedBy === AT_WORK) atWork = false;
    });
    const working = (async () => {
      while (atWork) await db.sql("select 1");
    })();
    const run = up(targetOf({ url: db.url, folder }), recorded).finally(() => {
      atWork = false;
    });
    expect((await run).outcome).toBe("done");
    await working;
    expect(reasonsOf(recorded.events)[0]).toBe(AT_WORK);
    expect(reasonsOf(recorded.events).at(-1)).not.toBe(AT_WORK);
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test.for([
    ["are not made way for at a share of 100%", "share=100%", true],
    ["are not those that are connected and do nothing", "", false],
  ] as const)("%s", async ([, words, areAtWork], { db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": slowly(0.002, sql(words)) });
    const recorded = recorder();
    let isOver = false;
    await db.sql("select 1");
    await idle(db);
    const run = up(targetOf({ url: db.url, folder }), recorded).finally(() => {
      isOver = true;
    });
    const working = (async () => {
      while (areAtWork && !isOver) await db.sql("select 1");
    })();
    expect((await run).outcome).toBe("done");
    await working;
    expect(reasonsOf(recorded.events)).toEqual([null]);
  });
});

test("a session that waits for a window is made way for", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": TABLE,
    // Who waits is at work too, and is not to be the reason.
    "0002_b.sql": slowly(0.02, sql("share=100%")),
  });
  const target = targetOf({ url: db.url, folder });
  await up(target, recorder(), { goal: { direction: "up", to: "0001_a", phases: ["startup"] } });
  const { reason, listen } = slowed(/waits? for it|made way/);
  const recorded = recorder(listen);
  const run = up(target, recorded);
  run.catch(() => {});
  // Whichever window is under way, one of these rows is in it.
  let isOver = false;
  const writing = (async () => {
    for (let id = 1; !isOver; id = (id + 100) % 2000)
      await db.sql(`update products set hits = hits where id = ${id}`);
  })();
  await reason;
  isOver = true;
  await writing;
  recorded.abort(new Error("ended by the test"));
  await expect(run).rejects.toThrow("are done and stay");
});

test("what the role may not see is said once", async ({ db }) => {
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("") }) });
  await rate(target, 1000);
  const recorded = recorder();
  expect((await up(target, recorded)).outcome).toBe("done");
  expect(recorded.events.filter(({ kind }) => kind === "backfill-unseen")).toMatchObject([
    {
      what: "the role may not see whether other sessions work, old transactions, and autovacuum on the table",
    },
  ]);
});

test("a lost second connection is said, had again, and frees nothing meanwhile", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": slowly(0.001, sql("")) });
  let isOver = false;
  const working = (async () => {
    while (!isOver) await db.sql("select 1");
  })();
  let ended = 0;
  const cutting = (async () => {
    while (!isOver && ended === 0) {
      const rows = await db.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query ~ 'pg_stat_replication' and pid <> pg_backend_pid()",
        [db.name],
      );
      ended += rows.length;
    }
  })();
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.rows >= 800)
      recorded.abort(new Error("ended by the test"));
  });
  await expect(up(targetOf({ url: db.url, folder }), recorded)).rejects.toThrow("are done and stay");
  isOver = true;
  await Promise.all([working, cutting]);
  expect(ended).toBeGreaterThan(0);
  const said = recorded.events.flatMap((event) => (event.kind === "backfill-unseen" ? [event.what] : []));
  expect(said.filter((what) => /second connection fails/.test(what))).toHaveLength(1);
  const reasons = recorded.events.flatMap((event) =>
    event.kind === "backfill-progress" ? [event.slowedBy] : [],
  );
  expect(reasons).not.toContain(null);
});

test.for([
  ["is not alone beside a session that its role may not see", true, 5000],
  ["is alone where there is no other session", false, 9000],
] as const)("%s", async ([, isBeside, least], { db }) => {
  const rows = 20_000;
  const folder = folderOf({
    "0001_a.sql": TABLE.replace("2000", String(rows)),
    "0002_b.sql": sql("").replace("min-rows=100 max-rows=100 ", ""),
  });
  const target = targetOf({ url: db.url, folder });
  await up(target, recorder(), { goal: { direction: "up", to: "0001_a", phases: ["startup"] } });
  const other = isBeside ? new pg.Client(db.adminUrl) : null;
  await other?.connect();
  const recorded = recorder();
  try {
    expect((await up(target, recorded)).outcome).toBe("done");
  } finally {
    await other?.end();
  }
  const sizes = recorded.events.flatMap((event) =>
    event.kind === "backfill-progress" ? [event.windowRows] : [],
  );
  if (isBeside) expect(Math.max(...sizes)).toBeLessThanOrEqual(least);
  else expect(Math.max(...sizes)).toBeGreaterThan(least);
});

test("where no session may be seen at all, it goes on", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("") });
  await db.admin("revoke select on pg_stat_activity from public");
  expect((await up(targetOf({ url: db.url, folder }), recorder())).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual(DONE);
});

test("its sessions that watch have a name of their own, and are not taken for others", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": TABLE,
    "0002_b.sql": sql("probe-limit=1h", "-- godwit: probe select count(*) from products\n"),
  });
  const target = targetOf({ url: db.url, folder });
  await rate(target, 200);
  const recorded = recorder();
  const run = up(target, recorded);
  run.catch(() => {});
  const watching = () =>
    db.admin<{ name: string }>(
      "select application_name as name from pg_stat_activity where datname = $1 and application_name like '%(signals)'",
      [db.name],
    );
  const names = await until(
    async () => {
      const seen = await watching();
      return seen.length === 2 ? seen : undefined;
    },
    { what: "the one that looks and the one that probes" },
  );
  const name = `godwit run ${recorded.runId} (signals)`;
  expect(names).toEqual([{ name }, { name }]);
  await recorded.once("backfill-progress");
  const reasons = recorded.events.map((event) => ("slowedBy" in event ? event.slowedBy : null));
  expect(reasons).not.toContain("other sessions at work");
  await rate(target, null);
  expect((await run).outcome).toBe("done");
});

test("off: no connection beside the run's own", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("throttle=off") });
  const target = targetOf({ url: db.url, folder });
  await rate(target, 1000);
  let beside = 0;
  const looking: Promise<void>[] = [];
  const recorded = recorder((event) => {
    if (event.kind !== "backfill-progress") return;
    looking.push(
      db
        .admin<{ n: number }>(
          "select count(*)::int as n from pg_stat_activity where datname = $1 and application_name like '%(signals)'",
          [db.name],
        )
        .then(([row]) => {
          beside += row?.n ?? 0;
        }),
    );
  });
  expect((await up(target, recorded)).outcome).toBe("done");
  await Promise.all(looking);
  expect(beside).toBe(0);
  expect(looking.length).toBeGreaterThan(10);
});

test.skipIf(withoutPgbouncer)("behind PgBouncer in transaction mode it looks too", async ({ db }) => {
  const pooler = await startPgbouncer(db, { mode: "transaction" });
  try {
    const folder = folderOf({
      "0001_a.sql": `${TABLE} create table load (seconds float8); insert into load values (0.5);`,
      "0002_b.sql": slowly(
        0.002,
        sql("probe-limit=250ms", "-- godwit: probe select pg_sleep(seconds) from load\n"),
      ),
    });
    const target = targetOf({ url: pooler.url, folder });
    const { reason, listen } = slowed(/its probe at/);
    const run = up(target, recorder(listen));
    run.catch(() => {});
    await reason;
    await db.sql("update load set seconds = 0");
    expect((await run).outcome).toBe("done");
  } finally {
    await pooler.stop();
  }
});
