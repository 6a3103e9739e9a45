/** A run that continues an earlier one, and must end before it has judged the statement that the earlier one had begun. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test as withDatabase } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { type Proxy as Network, startProxy } from "../support/proxy.ts";
import { folderOf } from "../support/target.ts";

const test = withDatabase.extend<{ network: Network }>({
  network: async ({ db }, use) => {
    const network = await startProxy({ port: Number(new URL(db.url).port) });
    await use(network);
    await network.close();
  },
});

const GENEROUS = ["--json", "--lock-timeout", "0"];
/** What the run asks and says before it looks at the statement, each in a message of its own. */
const MESSAGES = [
  ["the ledger is asked for its statements", "select position, hash"],
  ["its session is opened", "as opened"],
  ["the lock is confirmed", "as held"],
] as const;
/** The row that says that a statement outside a transaction is done. */
const DONE = "set hash = excluded.hash, state = 'done'";

const PARTLY = `do $$ begin insert into t values (1); commit; ${GATE.replace("select", "perform")} end $$;`;
const UP_PARTLY = { "migrations/0001_a.sql": `-- godwit: transaction=off\n${PARTLY}\nselect 1;` };
const DOWN_PARTLY = {
  "migrations/0001_a.sql": `-- godwit: transaction=off\n-- migrate:up\nselect 1;\n-- migrate:down\n${PARTLY}`,
};
const INDEX = { "migrations/0001_a.sql": "create index concurrently i on t (i);" };

const states = (db: TestDatabase) =>
  db.sql(
    `select state from "${ledgerSchema}".migration_statements where direction = 'down' or revision <> ''`,
  );

interface Left {
  readonly db: TestDatabase;
  readonly network: Network;
  readonly folder: string;
  readonly words: readonly string[];
}

/** Ends a run with its statement begun, half of it committed. */
async function leaveHalfDone({ db, folder, words }: Left): Promise<void> {
  const gate = await closeGate(db);
  const running = commandIn({ folder, url: db.url }).start(...words, ...GENEROUS);
  const [pid] = await gate.reached();
  running.child.kill("SIGKILL");
  await running.ended;
  await db.admin("select pg_terminate_backend($1)", [pid]);
}

async function signalledAt(message: string, { db, network, folder, words }: Left) {
  const held = network.hold(message);
  const running = commandIn({ folder, url: network.url(db.url) }).start(...words, ...GENEROUS);
  await held.reached;
  running.child.kill("SIGTERM");
  await running.says("SIGTERM: ending");
  held.release();
  const { json } = await running.exits(143);
  expect(json.report).toMatchObject({
    outcome: "interrupted",
    failures: [{ revision: "0001_a", committed: "unknown" }],
  });
  expect(await states(db)).toEqual([{ state: "started" }]);
  return json.problems[0];
}

describe("a statement that has committed a part may have done so, also if the run ends while", () => {
  for (const [way, files, words] of [
    ["up", UP_PARTLY, ["up"]],
    ["down", DOWN_PARTLY, ["down", "base"]],
  ] as const)
    test.for(MESSAGES)(`$0, ${way}`, async ([, message], { db, network }) => {
      await db.sql("create table t (i int)");
      const folder = folderOf(files);
      if (way === "down") {
        await commandIn({ folder, url: db.url })("up");
        await db.sql(`delete from "${ledgerSchema}".migration_statements where direction = 'up'`);
      }
      const left = { db, network, folder, words };
      await leaveHalfDone(left);
      const problem = await signalledAt(message, left);
      expect(problem.message).toMatch(
        /0001_a was running\. Statement 1 of 0001_a\.sql commits by itself, so it may/,
      );
      expect(problem.hint).toContain("godwit repair --retry 0001_a:1");
      expect(await db.sql("select i from t")).toEqual([{ i: 1 }]);
    });
});

describe("an index that was built, and is not recorded, is not said to be rolled back, also if the run ends while", () => {
  test.for(MESSAGES)("$0", async ([, message], { db, network }) => {
    await db.sql("create table t (i int)");
    const folder = folderOf(INDEX);
    const held = network.hold(DONE);
    const first = commandIn({ folder, url: network.url(db.url) }).start("up");
    await held.reached;
    first.child.kill("SIGKILL");
    await first.ended;
    const problem = await signalledAt(message, { db, network, folder, words: ["up"] });
    expect(problem.message).toMatch(
      /Statement 1 of 0001_a\.sql was begun .* whether it took effect is not known/,
    );
    expect(problem.hint).toBe("Run again: the catalog says whether the statement took effect.");
    await commandIn({ folder, url: db.url })("up");
    expect(await db.sql("select indisvalid from pg_index where indexrelid = 'i'::regclass")).toEqual([
      { indisvalid: true },
    ]);
  });
});
