/** Several windows at once: each row is changed once, whatever ends a worker, a connection or the run. */
import { describe } from "vitest";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Chance, chanceFor } from "../support/seed.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { KEYS } from "./kinds.ts";

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
