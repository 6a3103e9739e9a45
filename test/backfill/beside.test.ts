/** A backfill in the background: its windows run while the migrations lock is free, and other runs migrate beside it. */
import { describe } from "vitest";
import type { GodwitError } from "../../src/errors.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { undoBackfill } from "../../src/run/backfill-undo.ts";
import { repair } from "../../src/run/repair.ts";
import type { Report } from "../../src/run/report/report.ts";
import { statusOf } from "../../src/run/status.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { chanceFor } from "../support/seed.ts";
import { down, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { FILL, FILES as HELD, heldBetweenWindows, TABLE } from "./held.ts";

const FILES = { ...HELD, "0004_other.sql": "create table other (id int);" };
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const DONE = [{ hits: 1, n: 2000 }];
const HISTORY = `select revision, state from "${ledgerSchema}".migration_history order by sequence`;

describe("a backfill in the background", () => {
  test("comes last, and what requires it behind it", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf(FILES) });
    const recorded = recorder();
    const report = await up(target, recorded);
    expect(report.steps.map(({ revision }) => revision)).toEqual([
      "0001_table",
      "0004_other",
      "0002_fill",
      "0003_strict",
    ]);
    expect(recorded.events.some(({ kind }) => kind === "backfill-beside")).toBe(true);
    expect(await db.sql(HITS)).toEqual(DONE);
    expect((await up(target)).steps).toEqual([]);
  });

  test("lets another run do what does not wait, which says what still runs", async ({ db }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    const { run, resume } = await heldBetweenWindows(target);
    writeFiles(folder, { "0005_new.sql": "create table later (id int);" });
    const beside = targetOf({ url: db.url, folder });
    const report = await up(beside);
    expect(report.outcome).toBe("done");
    expect(report.steps.map(({ revision }) => revision)).toEqual(["0005_new"]);
    expect(report.warnings).toMatchObject([
      {
        code: "BACKFILL_RUNNING",
        message: expect.stringMatching(
          /^The backfill 0002_fill is not finished: \d+ of about 2,000 rows are done, and godwit run .* is carrying it out\. 0003_strict waits for it\.$/,
        ),
      },
    ]);
    const status = await statusOf(beside, { ...UP, imports: async () => [] }, recorder());
    expect(status).toMatchObject({
      upToDate: false,
      problems: [],
      plan: { steps: [], waiting: ["0002_fill", "0003_strict"] },
    });
    for (const goal of ["0003", "0002"])
      await expect(up(beside, recorder(), { goal: { ...UP.goal, to: goal } })).rejects.toMatchObject({
        code: "BACKFILL_RUNNING",
      });
    await expect(up(beside, recorder(), down("base"))).rejects.toMatchObject({ code: "BACKFILL_RUNNING" });
    await resume();
    expect(await run).toMatchObject({ outcome: "done" });
    expect(await db.sql(HITS)).toEqual(DONE);
    expect(await db.sql(HISTORY)).toEqual(
      ["0001_table", "0004_other", "0002_fill", "0005_new", "0003_strict"].map((revision) => ({
        revision,
        state: "applied",
      })),
    );
  });
});

describe("a run that waits for backfills", () => {
  const WAITING = { ...UP, waitForBackfills: true };

  test("does what does not wait, waits for the other run, and then does the rest", async ({ db }) => {
    const folder = folderOf(FILES);
    const { run, resume } = await heldBetweenWindows(targetOf({ url: db.url, folder }));
    writeFiles(folder, { "0005_new.sql": "create table later (id int);" });
    const recorded = recorder();
    const waiting = up(targetOf({ url: db.url, folder }), recorded, WAITING);
    waiting.catch(() => {});
    const told = await Promise.race([recorded.once("waiting-for-backfill"), waiting]);
    expect(told).toMatchObject({ revision: "0002_fill", by: expect.stringMatching(/^godwit run /) });
    expect((told as { share: number }).share).toBeLessThan(1);
    expect(await db.sql("select to_regclass('later') is not null as there")).toEqual([{ there: true }]);
    await resume();
    const [first, second] = await Promise.all([run, waiting]);
    expect([first.outcome, second.outcome]).toEqual(["done", "done"]);
    const all = [...first.steps, ...second.steps].map(({ revision }) => revision).sort();
    expect(all).toEqual(["0002_fill", "0003_strict", "0004_other", "0005_new"]);
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("takes a backfill over from a run that ends, also where what waits was asked for by name", async ({
    db,
  }) => {
    const folder = folderOf(FILES);
    const { run, recorded: other, resume } = await heldBetweenWindows(targetOf({ url: db.url, folder }));
    const recorded = recorder();
    const options = { ...WAITING, goal: { ...UP.goal, to: "0003" } };
    const waiting = up(targetOf({ url: db.url, folder }), recorded, options);
    waiting.catch(() => {});
    await Promise.race([recorded.once("waiting-for-backfill"), waiting]);
    await resume();
    other.abort(new Error("ended by the test"));
    await expect(run).rejects.toThrow();
    expect((await waiting).steps.at(-1)).toMatchObject({ revision: "0003_strict" });
    expect(await db.sql(HITS)).toEqual(DONE);
  });
});

describe("while a backfill runs beside others,", () => {
  test("a repair of it and an undo are refused, and its table is nobody else's", async ({ db }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    const { run, resume } = await heldBetweenWindows(target);
    for (const kind of [{ kind: "forget" }, { kind: "retry", position: null }] as const)
      await expect(
        repair(target, { ...kind, revision: "0002_fill" }, { confirm: db.name }, recorder()),
      ).rejects.toMatchObject({ code: "BACKFILL_RUNNING" });
    await expect(
      repair(
        target,
        { kind: "mark-done", revision: "0002_fill", position: null },
        { confirm: db.name },
        recorder(),
      ),
    ).rejects.toMatchObject({ code: "BACKFILL_RUNNING" });
    await expect(
      undoBackfill(target, { ...UP, goal: { ...UP.goal, to: "0002_fill" } }, recorder()),
    ).rejects.toMatchObject({ code: "BACKFILL_RUNNING" });
    const fill = "-- godwit: backfill table=products\nupdate products set hits = 7 where :window;";
    // Another ledger of the same database knows nothing of this one.
    const other = {
      ...targetOf({ url: db.url, folder: folderOf({ "0001_other.sql": fill }) }),
      ledger: openLedger("beside_ledger", { allowSecond: true }),
    };
    await expect(up(other)).rejects.toMatchObject({
      code: "BACKFILL_RUNNING",
      message: expect.stringMatching(
        /^0001_other was not begun: godwit run .* carries out another backfill of public\.products\.$/,
      ),
    });
    // One of the same ledger waits for it.
    // Its table may be spelled otherwise.
    writeFiles(folder, {
      "0005_fill.sql": fill,
      "0006_fill.sql": fill.replace("table=products", "table=public.products"),
    });
    const report = await up(targetOf({ url: db.url, folder }));
    expect(report.steps).toEqual([]);
    expect(report.warnings[0]?.message).toContain("0003_strict, 0005_fill, 0006_fill wait for it.");
    await resume();
    expect((await run).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("a run that is ended is followed by one that goes on", async ({ db }) => {
    const folder = folderOf(FILES);
    const target = targetOf({ url: db.url, folder });
    const { run, recorded, resume } = await heldBetweenWindows(target);
    recorded.abort(new Error("ended by the test"));
    await expect(run).rejects.toThrow("are done and stay");
    await resume();
    // A comment may change on the way.
    writeFiles(folder, { "0002_fill.sql": `-- a remark\n${FILL}` });
    const next = recorder();
    expect((await up(target, next)).steps.map(({ revision }) => revision)).toEqual([
      "0002_fill",
      "0003_strict",
    ]);
    expect(await db.sql(HITS)).toEqual(DONE);
  });

  test("what failed in it fails the run, and others are done all the same", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "0002_fill.sql": FILL.replace("hits + 1", "hits + 1 / (id - 1500)"),
      "0006_second.sql":
        "-- godwit: backfill table=other2 background=yes\nupdate other2 set n = 1 where :window;",
      "0000_other2.sql":
        "create table other2 (id int primary key, n int); insert into other2 select generate_series(1, 300);",
    });
    const target = targetOf({ url: db.url, folder });
    const error = await up(target, recorder(), { failure: "continue" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "BACKFILL_ROWS" });
    expect(reported(error).steps.map(({ revision }) => revision)).toEqual([
      "0000_other2",
      "0001_table",
      "0004_other",
      "0006_second",
    ]);
    expect(reported(error).failures.map(({ revision }) => revision)).toEqual(["0002_fill", "0003_strict"]);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS" });
    expect(await db.sql("select count(*)::int as n from products where hits = 1")).not.toEqual([{ n: 0 }]);
  });
});

test.for([1, 2, 3, 4])(
  "two runs at once, ended at random, change each row once and apply each migration once (%i)",
  async (round, { db }) => {
    const random = chanceFor(`backfills beside other runs, ${round}`);
    const files = { ...FILES, "0002_fill.sql": FILL.replace("undo=yes ", "") };
    const folder = folderOf({ ...files, "0001_table.sql": TABLE.replace("2000", "1500") });
    const isComplete = async () =>
      (
        await db.sql(
          `select count(*)::int as n from "${ledgerSchema}".migration_history where state = 'applied'`,
        )
      )[0]?.n === 4;
    await up(targetOf({ url: db.url, folder }), recorder(), { goal: { ...UP.goal, to: "0001" } });
    const lane = async () => {
      for (let tries = 0; !(await isComplete()); tries++) {
        expect(tries).toBeLessThan(300);
        const after = random.int(1, 12);
        const way = random.int(0, 3);
        let seen = 0;
        const recorded = recorder((event) => {
          const counts = ["backfill-progress", "backfill-beside", "lock-acquired", "step-done"];
          if (!counts.includes(event.kind) || ++seen !== after) return;
          if (way === 0) recorded.abort(new Error("ended by the test"));
          if (way === 1 || way === 2) void kill(db, way === 1 ? "true" : "random() < 0.4");
        });
        await up(targetOf({ url: db.url, folder }), recorded).catch((error: unknown) => {
          if (!recorded.signal.aborted && !/connection|taken over|session/i.test(String(error))) throw error;
        });
      }
    };
    await Promise.all([lane(), lane()]);
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 1500 }]);
  },
);

test.skipIf(withoutPgbouncer)(
  "behind a pooler that shares sessions it runs under the lock",
  async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      const target = targetOf({ url: pooler.url, folder: folderOf(FILES), pooling: "transaction" });
      const recorded = recorder();
      expect((await up(target, recorded)).outcome).toBe("done");
      expect(recorded.events.some(({ kind }) => kind === "backfill-beside")).toBe(false);
      expect(await db.sql(HITS)).toEqual(DONE);
    } finally {
      await pooler.stop();
    }
  },
);

const reported = (error: unknown) => (error as GodwitError).report as Report;

async function kill(db: TestDatabase, which: string): Promise<void> {
  await db.admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit run %' and ${which}`,
  );
}
