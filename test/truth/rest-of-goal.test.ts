/** A goal that counts steps: after a run that ended before its goal, the advice names what is left. The same command would do more. */
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { running } from "../support/sessions.ts";
import { folderOf } from "../support/target.ts";

const pair = (n: number, { up = "", down = "" } = {}) =>
  `-- migrate:up\ncreate table t${n} (id int);\n${up}\n-- migrate:down\n${down}\ndrop table t${n};\n`;
const SLEEP = "select pg_sleep(600) from nap;";

const tables = async (db: TestDatabase) =>
  (
    await db.sql<{ name: string }>(
      "select relname as name from pg_class where relkind = 'r' and relname ~ '^t[0-9]$' order by 1",
    )
  ).map(({ name }) => name);

const ENDINGS = {
  "by a signal": { options: [], interrupts: true, text: SLEEP },
  "by the deadline": { options: ["--timeout", "2s"], interrupts: false, text: SLEEP },
  "by a failure": { options: [], interrupts: false, text: "select 1 / n from nap;" },
};

test.for(Object.entries(ENDINGS))(
  "ended %s, down -2 says which command reverts the rest, and it does",
  async ([, how], { db }) => {
    await db.sql("create table nap as select 0 as n");
    const files = { 1: pair(1), 2: pair(2), 3: pair(3, { down: how.text }), 4: pair(4) };
    const folder = folderOf(
      Object.fromEntries(Object.entries(files).map(([n, text]) => [`migrations/000${n}_t.sql`, text])),
    );
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const stopped = godwit.start("down", "-2", "--json", ...how.options);
    if (how.interrupts) {
      await running(db, /from nap/);
      stopped.child.kill("SIGTERM");
    }
    const { json } = await stopped.exits(1, 143);
    for (const { hint } of [
      ...json.problems,
      ...json.report.failures.map((failure: { problem: { hint: string } }) => failure.problem),
    ])
      expect(hint).toContain("the rest is `godwit down -1`");
    expect(await tables(db)).toEqual(["t1", "t2", "t3"]);
    await db.sql("delete from nap");
    await godwit("down", "-1");
    expect(await tables(db)).toEqual(["t1", "t2"]);
  },
);

test("a failed up +2 says so too, and a target by its name", async ({ db }) => {
  const folder = folderOf({
    "m/0001_a.sql": "create table t1 (id int);",
    "m/0002_b.sql": "select 1 / 0;",
    "godwit.config.json": JSON.stringify({ targets: { shop: { url: db.url, dir: "m" } } }),
  });
  const godwit = commandIn({ folder });
  expect((await godwit.fails(1, "up", "+2")).stderr).toContain("the rest is `godwit up +1 --target shop`");
  expect((await godwit.fails(1, "up", "+1")).stderr).toContain(
    "For this target alone: `godwit up +1 --target shop`.",
  );
  expect((await godwit.fails(1, "up")).stderr).not.toMatch(/the rest is|For this target/);
});

test("the time that a run has only waited is in its report", async ({ db }) => {
  await db.sql("create table nap as select 0 as n");
  const folder = folderOf({ "migrations/0001_a.sql": SLEEP });
  const godwit = commandIn({ folder, url: db.url });
  const holder = godwit.start("up");
  await running(db, /from nap/);
  const { json } = await godwit.fails(1, "up", "--timeout", "2s", "--json");
  expect(json.report.waitedMs).toBeGreaterThan(0);
  holder.child.kill("SIGKILL");
  await holder.ended;
});
