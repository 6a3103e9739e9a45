/** Who waits for the lock, or loses it, is told why, and how to get out of it. */
import pg from "pg";
import { describe } from "vitest";
import { expect, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { running } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const SLOW = "create table slow (id int); select pg_sleep(60);";

describe.skipIf(withoutPgbouncer)("a pool with one connection to the server", () => {
  test("is told of at the start, and is the reason that a long migration is given", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction", settings: ["default_pool_size = 1"] });
    try {
      const settings = { leaseTermMs: 2_000 };
      const folder = folderOf({ "0001_slow.sql": SLOW });
      const failed = await up(targetOf({ url: pooler.url, folder, settings })).catch((error) => error);
      expect(failed).toMatchObject({
        code: "LOCK_LOST",
        message: expect.stringContaining("because the pooler had no second connection to the server"),
        hint: expect.stringMatching(/direct URL.*default_pool_size/),
      });
      expect(failed.report.warnings).toContainEqual(
        expect.objectContaining({
          code: "DATABASE_POOLED",
          message: expect.stringContaining("longer than 1.5 s"),
        }),
      );
      // A short one fits into the term.
      const short = folderOf({ "0001_slow.sql": "create table slow (id int);" });
      expect((await up(targetOf({ url: pooler.url, folder: short, settings }))).steps).toHaveLength(1);
    } finally {
      await pooler.stop();
    }
  });

  test("with two of them nothing is said, and the same migration ends well", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction", settings: ["default_pool_size = 2"] });
    try {
      const folder = folderOf({ "0001_slow.sql": SLOW.replace("60", "3") });
      const report = await up(targetOf({ url: pooler.url, folder, settings: { leaseTermMs: 2_000 } }));
      expect(report.steps).toHaveLength(1);
      expect(report.warnings.filter(({ message }) => message.includes("second connection"))).toEqual([]);
    } finally {
      await pooler.stop();
    }
  });
});

test("a waiter says what the holder's session does, since when, and the command that ends it", async ({
  db,
}) => {
  const folder = folderOf({ "0001_slow.sql": SLOW });
  const first = recorder();
  const holder = up(targetOf({ url: db.url, folder }), first);
  holder.catch(() => {});
  await running(db, /pg_sleep\(60\)/);
  const failed = await up(targetOf({ url: db.url, folder, settings: { lockWaitMs: 1_000 } })).catch(
    (error) => error,
  );
  expect(failed).toMatchObject({ code: "LOCK_TIMEOUT", details: { statementForMs: expect.any(Number) } });
  const [server] = await db.sql<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  expect(/PostgreSQL 13 notices/.test(failed.hint)).toBe((server?.version ?? 0) < 140_000);
  const [, command = ""] = /(select pg_terminate_backend\(\d+\);)/.exec(failed.hint) ?? [];
  first.abort(new Error("enough"));
  const admin = new pg.Client({ connectionString: db.adminUrl });
  await admin.connect();
  await admin.query(command);
  await admin.end();
  await expect(holder).rejects.toThrow();
});
