import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

describe("13: The lock is lost in mid run, and two runners are at work", () => {
  for (const [form, header] of [
    ["in a transaction", ""],
    ["outside of one", "-- godwit: transaction=off\n"],
  ] as const)
    test(`what was running ${form} is gone with the lock, and takes effect once`, async ({ db }) => {
      const gate = await closeGate(db);
      await db.sql("create table effects (by text)");
      const folder = folderOf({
        "0001_once.sql": `${header}insert into effects values ('one');\ninsert into effects select 'two' from (${GATE.slice(0, -1)}) g;`,
      });
      const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 0 } });
      const loser = recorder();
      const first = up(target, loser);
      const [pid] = await gate.reached();
      const winner = recorder();
      const second = up(target, winner);
      await winner.once("lock-waiting");
      await db.admin("select pg_terminate_backend($1)", [pid]);
      await loser.once("connection-lost");
      await gate.reached();
      await gate.open();
      const reports = await Promise.all([first, second]);
      expect(reports.map((report) => report.outcome)).toEqual(["done", "done"]);
      expect(reports.flatMap((report) => report.steps)).toHaveLength(1);
      expect(await db.sql("select by from effects")).toEqual([{ by: "one" }, { by: "two" }]);
      expect(await db.sql(`select state from "${ledgerSchema}".migration_history`)).toEqual([
        { state: "applied" },
      ]);
    });
});
