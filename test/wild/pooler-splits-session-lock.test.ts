import { describe } from "vitest";
import { parseAddress } from "../../src/database/address/address.ts";
import { looksPooled } from "../../src/database/address/pooling.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

describe("6: A pooler in transaction mode strands or splits the session lock", () => {
  test("the direct URL is named where it can be derived, and the password is not", () => {
    const advice = (url: string) => looksPooled(parseAddress({ url, environment: {} }))?.advice;
    expect(advice("postgres://u:secret@ep-cool-1-pooler.eu-central-1.aws.neon.tech/shop")).toContain(
      "Use the direct URL postgres://u:***@ep-cool-1.eu-central-1.aws.neon.tech/shop",
    );
    expect(advice("postgres://postgres.abcdef:secret@aws-0-eu.pooler.supabase.com:6543/postgres")).toContain(
      "Use the direct URL postgres://postgres:***@db.abcdef.supabase.co:5432/postgres",
    );
    expect(advice("postgres://u:secret@pgbouncer.railway.internal:6432/railway")).toContain(
      "DATABASE_URL of the Postgres service",
    );
    expect(advice("postgres://u:secret@db.example.org/shop")).toBeUndefined();
  });

  test("where sessions are shared, none of them is given a lock or a setting to keep", async ({ db }) => {
    const seen = `insert into seen select
  (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
  (select setting from pg_settings where name = 'lock_timeout');`;
    const folder = folderOf({
      "0001_seen.sql": `create table seen (locks int, lock_timeout text);\n${seen}`,
      "0002_outside.sql": `-- godwit: transaction=off\n${seen}`,
    });
    const target = targetOf({
      url: db.url,
      folder,
      pooling: "transaction",
      settings: { lockTimeoutMs: 4_321 },
    });
    let connection: Awaited<ReturnType<typeof target.open>> | undefined;
    const sql: { locks: number; setting: string }[] = [];
    const report = await up({
      ...target,
      // The first connection is the one that migrates; what the next user of its session would find is asked before it ends.
      async open(options) {
        const opened = await target.open(options);
        if (connection !== undefined) return opened;
        connection = opened;
        const close = opened.close.bind(opened);
        opened.close = async () => {
          if (!opened.lost.aborted)
            sql.push(
              ...(
                await opened.query<{ locks: number; setting: string }>(
                  `select (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
                   current_setting('lock_timeout') as setting`,
                )
              ).rows,
            );
          await close();
        };
        return opened;
      },
    });
    expect(report.outcome).toBe("done");
    expect(await db.sql("select * from seen")).toEqual([
      { locks: 0, lock_timeout: "4321" },
      { locks: 0, lock_timeout: "4321" },
    ]);
    expect(sql).toEqual([{ locks: 0, setting: "0" }]);
  });
});
