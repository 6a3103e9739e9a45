/** A run that waits because a person has paused its backfill, and loses its connections: it waits on. */
import { describe } from "vitest";
import { backfillsOf, tellBackfill } from "../../src/run/backfills.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { until } from "../support/until.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const DONE = [{ hits: 1, n: 2000 }];
const SESSIONS = "datname = current_database() and application_name like 'godwit run %'";
/** More than a run reconnects, or begins a step, where nothing has moved in between. */
const LOSSES = 7;

type Place = Parameters<typeof tellBackfill>[0];
const tell = (target: Place, word: Parameters<typeof tellBackfill>[1]["word"]) =>
  tellBackfill(target, { revision: "0002_b", word }, recorder());

async function pausedRun(db: TestDatabase, options: string) {
  const text = `-- godwit: backfill table=products min-rows=100 max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": text }) });
  let pausing: Promise<unknown> | undefined;
  let windows = 0;
  let pauses = 0;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-paused") pauses++;
    if (event.kind !== "backfill-progress") return;
    windows++;
    if (event.windows === 3) pausing = tell(target, { kind: "pause" });
  });
  // So slow that the pause arrives while windows are left.
  await tell(target, { kind: "rate", rate: 400 });
  const run = up(target, recorded);
  run.catch(() => {});
  await recorded.once("backfill-paused");
  await pausing;
  const goOn = async () => {
    await tell(target, { kind: "rate", rate: null });
    await tell(target, { kind: "resume" });
  };
  return { target, run, recorded, goOn, windows: () => windows, pauses: () => pauses };
}

const end = (db: TestDatabase, which: string) =>
  db.admin(`select pg_terminate_backend(pid) from pg_stat_activity where ${SESSIONS} and ${which}`);

describe.each([
  ["one window at a time", ""],
  ["several at once", "parallel=3"],
])("a run with %s", (_, options) => {
  test("waits on when all of its connections are lost, and goes on when it is resumed", async ({ db }) => {
    const { target, run, goOn, windows, pauses } = await pausedRun(db, options);
    // Workers end their windows before they wait.
    await until(async () => {
      const [{ n } = { n: 1 }] = await db.sql(
        `select count(*)::int as n from pg_stat_activity where ${SESSIONS} and state <> 'idle' and pid <> pg_backend_pid()`,
      );
      return n === 0;
    });
    const [before] = await backfillsOf(target, recorder(), "0002");
    for (let losses = 0; losses < LOSSES; losses++) {
      const seen = pauses();
      await end(db, "true");
      await until(() => pauses() > seen, { what: `the run to wait again after ${losses + 1} losses` });
    }
    const [after] = await backfillsOf(target, recorder(), "0002");
    expect(after).toMatchObject({ state: "paused", rows: before?.rows });
    const seen = windows();
    await goOn();
    expect(await run).toMatchObject({ outcome: "done", failures: [] });
    expect(windows()).toBeGreaterThan(seen);
    expect(await db.sql(HITS)).toEqual(DONE);
  });
});

test("a worker that loses its connection alone waits on, and does no window meanwhile", async ({ db }) => {
  const { target, run, goOn } = await pausedRun(db, "parallel=3");
  const rows = async () => (await backfillsOf(target, recorder(), "0002"))[0]?.rows;
  const idle = `select count(*)::int as n from pg_stat_activity where ${SESSIONS} and query like '%migration_backfill_controls%' and state = 'idle'`;
  await until(async () => (await db.sql(idle))[0]?.n === 3, { what: "three workers that wait" });
  const before = await rows();
  const pids = async () =>
    (
      await db.sql(
        `select pid from pg_stat_activity where ${SESSIONS} and query like '%migration_backfill_controls%'`,
      )
    ).map(({ pid }) => pid);
  for (let losses = 0; losses < LOSSES; losses++) {
    const was = await pids();
    await end(db, `pid in (${was.join(", ")})`);
    await until(
      async () => {
        const now = await pids();
        return now.length === 3 && now.every((pid) => !was.includes(pid));
      },
      { what: `three new workers that wait, after ${losses + 1} losses` },
    );
  }
  expect(await rows()).toBe(before);
  await goOn();
  expect(await run).toMatchObject({ outcome: "done" });
  expect(await db.sql(HITS)).toEqual(DONE);
});

test("a connection that is lost again and again while windows are done ends no run", async ({ db }) => {
  const text = `-- godwit: backfill table=products min-rows=50 max-rows=50
update products set hits = hits + 1 where :window;
`;
  // A sequence is not rolled back: each second try of a window ends its own session, and is done at the next.
  const ends = `create sequence tries;
create function ends() returns trigger language plpgsql as $$ begin
  if nextval('tries') <= ${2 * LOSSES} and currval('tries') % 2 = 0 then perform pg_terminate_backend(pg_backend_pid()); end if;
  return null; end $$;
create trigger ends before update on products for each statement execute function ends();`;
  const files = { "0001_a.sql": `${TABLE}\n${ends}`, "0002_b.sql": text };
  const target = targetOf({ url: db.url, folder: folderOf(files) });
  const recorded = recorder();
  expect(await up(target, recorded)).toMatchObject({ outcome: "done", failures: [] });
  expect(recorded.events.filter(({ kind }) => kind === "connection-lost")).toHaveLength(LOSSES);
  expect(await db.sql(HITS)).toEqual(DONE);
});
