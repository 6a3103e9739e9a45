/** What a backfill that is ended says of itself: what the ledger has, and no more. */
import { describe } from "vitest";
import { tellBackfill } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { connect } from "../../src/run/session/connect.ts";
import { acquireLock } from "../../src/run/session/locked.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, UP, up } from "../support/target.ts";
import { FILES, FILL, heldBetweenWindows, TABLE } from "./held.ts";

const ROWS = `select rows::int as n from "${ledgerSchema}".migration_backfills`;

describe("at the hour at which backfills end,", () => {
  test("one with several workers names the rows of all of them, also of windows that end later", async ({
    db,
  }) => {
    const slow = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.1); return null; end $$;
      create trigger slow before update on products for each statement execute function slow();`;
    const fill = FILL.replace("background=yes undo=yes", "parallel=3");
    const target = targetOf({
      url: db.url,
      folder: folderOf({ "0001_table.sql": `${TABLE} ${slow}`, "0002_fill.sql": fill }),
    });
    const until = new Date(Date.now() + 3_600_000);
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows === 4) until.setTime(Date.now() - 1);
    });
    const error = await up(target, recorded, { until }).catch((thrown: unknown) => thrown);
    const [{ n }] = (await db.sql(ROWS)) as [{ n: number }];
    expect(n).toBeLessThan(2000);
    expect(error).toMatchObject({
      code: "DEADLINE",
      message: expect.stringContaining(
        `, ${Number(n).toLocaleString("en")} rows of public.products are done and stay.`,
      ),
    });
  });

  test("one that has not begun does not say that it continues", async ({ db }) => {
    const target = targetOf({ url: db.url, folder: folderOf(FILES) });
    await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
    await expect(up(target, recorder(), { until: new Date(0) })).rejects.toMatchObject({
      code: "DEADLINE",
      message: expect.stringMatching(/^Backfills end at [-\d: ]+ \([^)]*\): 0002_fill was not begun\.$/),
      hint: expect.not.stringContaining("continues"),
    });
  });
});

test("a run that has done all windows and gets no lock for the end says so, with the code of that", async ({
  db,
}) => {
  const target = targetOf({ url: db.url, folder: folderOf(FILES) });
  const { run, resume } = await heldBetweenWindows({
    ...target,
    settings: { ...target.settings, lockWaitMs: 500 },
  });
  const connection = await connect(target, recorder());
  const lock = await acquireLock(target, connection, recorder());
  await resume();
  await expect(run).rejects.toMatchObject({
    code: "LOCK_TIMEOUT",
    hint: expect.stringMatching(/2,000 rows of public\.products .* are done and stay; no window is left/),
  });
  await lock.release();
  await connection.close();
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql("select hits, count(*)::int as n from products group by hits")).toEqual([
    { hits: 1, n: 2000 },
  ]);
});

describe("a run whose lock another one takes over between two windows", () => {
  const SLOW = FILL.replace("background=yes ", "");
  const TAKEN = `update "${ledgerSchema}".migration_locks set fence = fence + 1, run_id = gen_random_uuid()`;
  const takesOver = (db: TestDatabase, from: number) => {
    let taking: Promise<unknown> | undefined;
    const context = recorder((event) => {
      if (event.kind === "backfill-progress" && event.windows >= from) taking ??= db.sql(TAKEN);
    });
    return { context, taken: () => taking };
  };

  test.for(["", "parallel=3"])(
    "does not say that nothing was done, there and back (%s)",
    async (options, { db }) => {
      const fill = SLOW.replace("undo=yes", `undo=yes ${options}`);
      const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill });
      // Its lock is a lease, which others can take over while it is away.
      const target = targetOf({ url: db.url, folder, pooling: "transaction" });
      const free = () =>
        db.sql(`update "${ledgerSchema}".migration_locks set run_id = null, expires_at = null`);
      const rate = (value: number | null) =>
        tellBackfill(target, { revision: "0002_fill", word: { kind: "rate", rate: value } }, recorder());
      await rate(1000);
      const there = takesOver(db, 2);
      const error = await up(target, there.context).catch((thrown: unknown) => thrown);
      await there.taken();
      const [{ n }] = (await db.sql(ROWS)) as [{ n: number }];
      expect(error).toMatchObject({
        code: "LOCK_LOST",
        message: expect.stringContaining("while 0002_fill was running"),
        hint: expect.stringContaining(`${Number(n).toLocaleString("en")} rows of public.products`),
      });
      expect(`${(error as Error).message} ${(error as { hint: string }).hint}`).not.toContain(
        "nothing of it",
      );
      await free();
      await rate(null);
      await up(target);
      await rate(1000);
      const half = takesOver(db, 2);
      const back = await migrate(target, down("-1"), half.context).catch((thrown: unknown) => thrown);
      await half.taken();
      expect(back).toMatchObject({
        code: "LOCK_LOST",
        message: expect.stringContaining("while 0002_fill was running"),
        hint: expect.stringMatching(/\d+ rows of .*products.* are taken back/),
      });
      await free();
      await rate(null);
      await migrate(target, down("-1"), recorder());
      expect(await db.sql("select distinct hits from products")).toEqual([{ hits: 0 }]);
    },
  );
});
