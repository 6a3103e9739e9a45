import { describe } from "vitest";
import { Interrupted } from "../../src/errors.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { lockHolder, running } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const SIGTERM = new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM");

describe("26: SIGTERM in the middle of a run leaves a mess, or is not heard", () => {
  for (const [form, before, slow, kept] of [
    ["a transaction", "insert into a values (2);", "select slowly(1);", []],
    ["no transaction", "-- godwit: transaction=off\ninsert into a values (2);", "select slowly(1);", [2]],
    [
      "CREATE INDEX CONCURRENTLY",
      "insert into a values (2);",
      "create index concurrently i on a (slowly(id));",
      [2],
    ],
  ] as const)
    test(`in ${form}: the statement is cancelled, rolled back, and the lock is free`, async ({ db }) => {
      await db.sql(
        "create function slowly(int) returns int language plpgsql immutable as 'begin perform pg_sleep(300); return 1; end'",
      );
      const folder = folderOf({
        "0001_a.sql": "create table a (id int); insert into a values (1);",
        "0002_slow.sql": `${before}\n${slow}`,
        "0003_never.sql": "create table never (id int);",
      });
      const target = targetOf({ url: db.url, folder });
      const events = recorder();
      const run = up(target, events);
      await running(db, /slowly/);
      events.abort(SIGTERM);
      const error = await run.catch((thrown) => thrown);
      expect(error).toBeInstanceOf(Interrupted);
      expect(error).toMatchObject({
        by: "SIGTERM",
        report: {
          outcome: "interrupted",
          steps: [{ revision: "0001_a" }],
          remaining: ["0003_never"],
        },
      });
      expect(await lockHolder(db)).toBeUndefined();
      expect(await db.sql("select indexrelid from pg_index where not indisvalid")).toEqual([]);
      const ids = async () =>
        (await db.sql<{ id: number }>("select id from a order by id")).map(({ id }) => id);
      expect(await ids()).toEqual([1, ...kept]);

      writeFiles(folder, { "0002_slow.sql": `${before}\nselect 1;` });
      expect((await up(target)).outcome).toBe("done");
      expect(await ids()).toEqual([1, 2]);
      expect(
        await db.sql(`select revision from "${ledgerSchema}".migration_history where state <> 'applied'`),
      ).toEqual([]);
    });

  test("while it waits for the lock: it stops waiting", async ({ db }) => {
    const gate = await closeGate(db);
    const folder = folderOf({ "0001_gate.sql": GATE });
    const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 0 } });
    const first = up(target);
    await gate.reached();
    const events = recorder();
    const second = up(target, events);
    await events.once("lock-waiting");
    events.abort(SIGTERM);
    await expect(second).rejects.toMatchObject({
      by: "SIGTERM",
      report: { outcome: "interrupted", steps: [] },
    });
    await gate.open();
    expect((await first).outcome).toBe("done");
  });
});
