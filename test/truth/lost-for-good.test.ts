/** A run whose server cannot be reached any more says what it knows of the step that was running, and what to do with such a step. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf } from "../support/target.ts";

const WAIT = JSON.stringify(GATE);
const CREATE = '"create table a (i int)"';
const PARTLY = `do $$ begin create table a (i int); commit; ${GATE.replace("select", "perform")} end $$;`;
const GENEROUS = ["--lock-timeout", "0"];

interface Case {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly committed: "none" | "some" | "unknown";
  readonly kept: RegExp;
  readonly hint: RegExp;
  /** What must be done before the next run, as the hint says. */
  readonly first?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "a file in a transaction, whose COMMIT was sent with it",
    file: "0001_a.sql",
    text: `create table a (i int);\n${GATE}`,
    committed: "unknown",
    kept: /whether what was sent last took effect is not known\.$/,
    hint: /`godwit status` shows what is applied; run again, and it goes on where it stopped\.$/,
  },
  {
    name: "a module in a transaction",
    file: "0001_a.mjs",
    text: `export const up = async ({ execute }) => { await execute(${CREATE}); await execute(${WAIT}); };`,
    committed: "none",
    kept: /It was rolled back; nothing of it was kept\.$/,
    hint: /Run again: it continues where it stopped\.$/,
  },
  {
    name: "a file behind a statement that is done",
    file: "0001_a.sql",
    text: `-- godwit: transaction=off\ncreate table a (i int);\n${GATE}`,
    committed: "some",
    kept: /1 of the 2 statements of 0001_a\.sql before line 3 is done and stays; the rest was rolled back or not started\.$/,
    hint: /Run again: it continues where it stopped\.$/,
  },
  {
    name: "a statement that commits by itself",
    file: "0001_a.sql",
    text: PARTLY,
    committed: "unknown",
    kept: /Statement 1 of 0001_a\.sql commits by itself, so it may have kept a part of its work\.$/,
    hint: /if the statement may run again, corrected or not: `godwit repair --retry 0001_a:1`;/,
    first: ["repair", "--retry", "0001_a:1"],
  },
  {
    name: "a module outside a transaction",
    file: "0001_a.mjs",
    text: `export const transaction = false;
export const up = async ({ execute }) => { await execute(${CREATE}); await execute(${WAIT}); };`,
    committed: "unknown",
    kept: /It runs outside a transaction: what its statements have done stays, and how far it got is not known\.$/,
    hint: /if it may run again: `godwit repair --retry 0001_a` /,
    first: ["repair", "--retry", "0001_a"],
  },
];

const WAYS = ["it gives up", "a signal ends it"] as const;

async function cutOff(db: TestDatabase, { file, text }: Case, way: (typeof WAYS)[number]) {
  const network = await startProxy({ port: Number(new URL(db.url).port) });
  const gate = await closeGate(db);
  const folder = folderOf({ [`migrations/${file}`]: text });
  const ends = way === "it gives up";
  const running = commandIn({ folder, url: network.url(db.url) }).start(
    ...["up", "--json", ...GENEROUS, "--connect-attempts", ends ? "1" : "100"],
  );
  await gate.reached();
  await network.close();
  if (!ends) {
    await running.says("Connecting again");
    running.child.kill("SIGTERM");
  }
  const { json } = await running.exits(ends ? 1 : 143);
  await gate.open();
  return { json, godwit: commandIn({ folder, url: db.url }) };
}

for (const way of WAYS)
  describe(`when nobody answers any more, and ${way}:`, () => {
    test.for(CASES)("$name", async (one, { db }) => {
      const { json, godwit } = await cutOff(db, one, way);
      const [problem] = json.problems;
      expect(problem.message).toMatch(/0001_a was running\. /);
      expect(problem.message).toMatch(one.kept);
      expect(problem.hint).toMatch(one.hint);
      expect(json.report).toMatchObject({
        failures: [{ revision: "0001_a", committed: one.committed }],
        remaining: [],
      });
      if (one.first !== undefined) {
        const { json: refused } = await godwit.fails(1, "up", "--json");
        expect(refused.problems[0].code).toBe("PLAN_PARTIAL");
        await godwit(...one.first, "--confirm", db.name);
        await db.sql("drop table a");
      }
      await godwit("up");
      expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: "a" }]);
    });
  });
