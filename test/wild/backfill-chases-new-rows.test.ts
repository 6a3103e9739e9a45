/** FAILURES 55: an application that inserts while a backfill runs keeps it running, or is left with rows that count as done. */
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

test("rows that come behind the last key of its start are the application's, and it comes to its end", async ({
  db,
}) => {
  const folder = folderOf({
    "0001_a.sql":
      "create table events (id int primary key, kind text); insert into events select generate_series(1, 1000);",
    "0002_b.sql":
      "-- godwit: backfill table=events min-rows=100 max-rows=100\n-- godwit: where kind is null\nupdate events set kind = 'old' where :window;",
  });
  let at = 1000;
  const inserted: Promise<unknown>[] = [];
  const recorded = recorder((event) => {
    if (event.kind !== "backfill-progress") return;
    // As many as a window has done.
    inserted.push(db.sql(`insert into events select n from generate_series(${at + 1}, ${at + 100}) n`));
    at += 100;
  });
  expect((await up(targetOf({ url: db.url, folder }), recorded)).outcome).toBe("done");
  await Promise.all(inserted);
  expect(
    await db.sql("select kind, count(*)::int as n, min(id) as first from events group by kind order by 3"),
  ).toEqual([
    { kind: "old", n: 1000, first: 1 },
    { kind: null, n: 1000, first: 1001 },
  ]);
  expect(await db.sql(`select bound, windows from "${ledgerSchema}".migration_backfills`)).toEqual([
    { bound: ["1000"], windows: 10 },
  ]);
});
