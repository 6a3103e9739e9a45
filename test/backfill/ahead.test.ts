/** Where nobody else works in the database, a window begins before the one in front of it has its answer. */
import { tellBackfill } from "../../src/run/backfills.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const SQL =
  "-- godwit: backfill table=products min-rows=100 max-rows=100\nupdate products set hits = hits + 1 where :window;\n";
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const OPEN = `select state, query from pg_stat_activity where datname = current_database()
  and application_name like 'godwit run%' and xact_start is not null and application_name not like '%)'`;

test("a pause that is said in the window in front ends it, and no transaction is open meanwhile", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": TABLE });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  // In the transaction of the second window, so that whoever ends it reads it.
  await db.sql(`create function said() returns trigger language plpgsql as $$ begin
  insert into "${ledgerSchema}".migration_backfill_controls (revision, paused_at, paused_by) values ('0002_b', clock_timestamp(), 'the trigger');
  return new; end $$;
create trigger said before update on products for each row when (old.id = 150) execute function said()`);
  writeFiles(folder, { "0002_b.sql": SQL });
  const recorded = recorder();
  const run = up(target, recorded);
  run.catch(() => {});
  expect(await recorded.once("backfill-paused")).toMatchObject({ by: "the trigger" });
  await until(async () => (await db.sql(OPEN)).length === 0, { what: "the end of what was begun" });
  expect(await db.sql(HITS)).toEqual([
    { hits: 0, n: 1800 },
    { hits: 1, n: 200 },
  ]);
  await tellBackfill(target, { revision: "0002_b", word: { kind: "resume" } }, recorder());
  expect((await run).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
});

test("where the one in front is refused at its end, nothing of it is done, and each other row once", async ({
  db,
}) => {
  const folder = folderOf({
    "0001_a.sql": `${TABLE}
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
create constraint trigger late after update on products deferrable initially deferred
  for each row when (new.id = 777) execute function refuse();`,
    "0002_b.sql": SQL,
  });
  await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
    code: "BACKFILL_ROWS",
    details: { failed: [["777"]] },
  });
  expect(await db.sql(HITS)).toEqual([
    { hits: 0, n: 1 },
    { hits: 1, n: 1999 },
  ]);
});
