import { expect, ledgerSchema, test } from "../support/database.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const FOLDER = {
  "0001_a.sql": "create table a (id int); insert into a values (1);",
  "0002_b.sql": "insert into a values (2);",
};

/** Cut once at every message between the plan and the end, so that among them is the answer to each COMMIT. */
test("25: It was committed, but the caller saw an error because the connection died", async ({ db }) => {
  const net = await startProxy({ port: db.port });
  try {
    const target = targetOf({
      url: net.url(db.url),
      folder: folderOf(FOLDER),
      settings: { connectAttempts: 20 },
    });
    const fates = new Set<string>();
    for (let message = 1; ; message++) {
      const events = recorder();
      const before = net.count();
      let planned = 0;
      const observe = (event: Parameters<typeof events.observe>[0]) => {
        if (event.kind === "planned" && planned === 0) {
          planned = net.count();
          net.cutBefore(planned + message);
        }
        events.observe(event);
      };
      const report = await up(target, { ...events, observe });
      const lost = events.events.some(({ kind }) => kind === "connection-lost");
      expect(report.outcome).toBe("done");
      expect(await db.sql("select id from a"), `cut ${message} messages after the plan`).toEqual([
        { id: 1 },
        { id: 2 },
      ]);
      expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(2);
      // What was committed unheard is in the report all the same: it was this run that did it.
      expect(report.steps.map((step) => step.revision)).toEqual(["0001_a", "0002_b"]);
      const until = events.events.findIndex(({ kind }) => kind === "connection-lost");
      const heard = events.events.slice(0, until).filter(({ kind }) => kind === "step-done").length;
      const plans = events.events.flatMap((event) =>
        event.kind === "planned" ? [event.plan.steps.length] : [],
      );
      fates.add(lost ? `lost, ${2 - (plans[1] ?? 0) - heard} committed unheard` : "not cut");
      await db.sql(`drop table a; drop schema "${ledgerSchema}" cascade`);
      if (!lost || net.count() - before < message) break;
    }
    // Both fates were met: nothing of it was committed, and all of it was although nobody heard so.
    expect([...fates]).toContain("lost, 0 committed unheard");
    expect([...fates]).toContain("lost, 1 committed unheard");
  } finally {
    await net.close();
  }
}, 120_000);
