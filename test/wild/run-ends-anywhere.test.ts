/**
 * 47: an init container that is killed half-way cannot start again.
 *
 * `test/cut.test.ts` asks the network the same question with every kind of statement.
 */
import { describe, test } from "vitest";
import { Interrupted } from "../../src/errors.ts";
import type { RunEvent } from "../../src/run/report/events.ts";
import { cutEverywhere } from "../support/cut.ts";
import { expect } from "../support/database.ts";
import { everyPoint, openPlaces } from "../support/points.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const FILES = {
  "0001_sql.sql": "create table effects (what text);\ninsert into effects values ('0001');",
  "0002_outside.sql": `insert into effects values ('0002, before');
create index concurrently effects_what on effects (what);
insert into effects values ('0002, after');`,
  "0003_module.ts": `export async function up({ sql, log }: any) {
  await sql\`insert into effects values ('0003')\`;
  log.info("half-way");
  await sql\`create table last ()\`;
}
`,
};

describe("47: a run that ends anywhere", { timeout: 1_800_000 }, () => {
  test("at any event, by a signal: the next one ends where an undisturbed one does", async () => {
    const folder = folderOf(FILES);
    const places = await openPlaces("wild_47");
    const calm = await places.place("calm");
    const seen: RunEvent["kind"][] = [];
    await up(
      targetOf({ url: calm.url, folder }),
      recorder((event) => seen.push(event.kind)),
    );
    const undisturbed = await calm.state();
    expect(seen.filter((kind) => kind === "step-done")).toHaveLength(3);

    let interrupted = 0;
    await everyPoint([...seen.keys()], async (at) => {
      const place = await places.place(`event_${at}`);
      const target = targetOf({ url: place.url, folder });
      let count = 0;
      const context = recorder(() => {
        if (count++ === at)
          context.abort(new Interrupted({ code: "INTERRUPTED", message: "SIGTERM" }, "SIGTERM"));
      });
      const ended = await up(target, context).then(
        () => "done",
        (error) => error.code,
      );
      if (ended === "INTERRUPTED") interrupted++;
      else expect(ended, `aborted at event ${at} (${seen[at]})`).toBe("done");
      await up(target);
      const { ledger, ...rest } = await place.state();
      const label = `after an abort at event ${at} (${seen[at]})`;
      expect(rest, label).toEqual({ schema: undisturbed.schema, rows: undisturbed.rows });
      // The log keeps that it was interrupted; all else is the same.
      expect(ledger.filter(isHistory), label).toEqual(undisturbed.ledger.filter(isHistory));
    });
    console.info(`${seen.length} events, the run was interrupted at ${interrupted} of them`);
    expect(interrupted).toBeGreaterThan(5);
  });

  test("between any two messages that it sends, by a cut connection: it ends where an undisturbed one does", async () => {
    const folder = folderOf(FILES);
    const { points, messages, runs } = await cutEverywhere({
      prefix: "wild_47_cut",
      from: "client",
      run: async (url, { observe }) => {
        const target = targetOf({ url, folder, settings: { connectAttempts: 10, connectDelayMs: 5 } });
        const first = await up(target, recorder(observe)).catch(() => undefined);
        if (first === undefined) await up(target);
        return first === undefined;
      },
    });
    console.info(`${points} points around ${messages} messages, in ${runs} runs`);
  });
});

function isHistory(line: string): boolean {
  return !line.startsWith("log ");
}
