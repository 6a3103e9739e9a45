/** Keys of every kind, windows of any size, writers beside it, and runs that end anywhere: each row is changed once. */
import { describe } from "vitest";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Chance, chanceFor } from "../support/seed.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { KEYS } from "./kinds.ts";

const ROWS = 600;

describe.each(Object.entries(KEYS))("by %s", (kind, { columns, values }) => {
  test("each row once, beside writers, however often it is ended", async ({ db }) => {
    const random = chanceFor(`backfill by ${kind}`);
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
    const most = random.int(1, 90);
    const folder = folderOf({
      "0001_fill.sql": `-- godwit: backfill table=rows key=${names.join(",")} min-rows=${random.int(1, most)} max-rows=${most}
update rows r set changed = r.changed + 1 where :window(r);
`,
    });
    const target = targetOf({ url: db.url, folder });
    let outcome: string | undefined;
    for (let tries = 0; outcome !== "done"; tries++) {
      expect(tries).toBeLessThan(500);
      const after = random.int(1, 12);
      let windows = 0;
      const recorded = recorder((event) => {
        if (event.kind !== "backfill-progress") return;
        if (++windows === after) recorded.abort(new Error("ended by the test"));
      });
      const writing = write(db, random);
      outcome = await up(target, recorded).then(
        (report) => report.outcome,
        (error: unknown) => {
          if (!recorded.signal.aborted) throw error;
          return undefined;
        },
      );
      await writing;
    }
    expect(await db.sql("select changed, count(*)::int as rows from rows group by 1")).toEqual([
      { changed: 1, rows: expect.any(Number) },
    ]);
    const [state] = await db.sql(`select rows, changed from "${ledgerSchema}".migration_backfills`);
    expect(state?.rows).toBe(state?.changed);
  });
});

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
