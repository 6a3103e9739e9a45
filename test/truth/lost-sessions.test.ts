/** What is counted as done after a lost session is what the ledger says that answers then; and no step is begun for ever. */
import { describe } from "vitest";
import { parseAddress } from "../../src/database/address/address.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import type { Target } from "../../src/run/session/target.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";

/** Its next connection leads to another server's database, as after a failover. */
function failingOver(target: Target, urls: readonly string[]): Target {
  let next = 0;
  return {
    ...target,
    open: (options) => {
      const url = urls[Math.min(next++, urls.length - 1)] ?? "";
      return openPostgres(parseAddress({ url, environment: {} }), options);
    },
  };
}

describe("after a failover to a server that lacks a step", () => {
  const FILES: Files = {
    "0001_a.sql": "create table a ();",
    "0002_b.sql": `create table b (); ${GATE}`,
    "0003_c.sql": "create table c ();",
  };

  test.for([
    ["+2", ["0001_a", "0002_b"]],
    ["heads", ["0001_a", "0002_b", "0003_c"]],
  ] as const)("%s ends with each step once, and says which was missing", async ([to, expected], { db }) => {
    const others = await createDatabases(db, 1);
    try {
      const gate = await closeGate(db);
      const folder = folderOf(FILES);
      const settings = { lockTimeoutMs: 0 };
      const target = failingOver(targetOf({ url: db.url, folder, settings }), [db.url, ...others.urls]);
      const context = recorder();
      const running = up(target, context, { goal: { ...UP.goal, to } });
      const [pid] = await gate.reached();
      expect(await appliedIn(db)).toEqual(["0001_a"]);
      await db.admin("select pg_terminate_backend($1)", [pid]);
      const report = await running;
      expect(report.steps.map(({ revision }) => revision)).toEqual(expected);
      expect(report.remaining).toEqual([]);
      expect(report.warnings).toMatchObject([
        { code: "DATABASE_CONNECTION_LOST", details: { revisions: ["0001_a"] } },
      ]);
      await using there = await openPostgres(parseAddress({ url: others.urls[0] ?? "", environment: {} }), {
        applicationName: "test",
      });
      const { rows } = await there.query(
        `select revision from "${ledgerSchema}".migration_history order by sequence`,
      );
      expect(rows.map(({ revision }) => revision)).toEqual(expected);
    } finally {
      await others.drop();
    }
  });
});

describe("a migration that ends its own session", () => {
  const KILL = "select pg_terminate_backend(pg_backend_pid())";
  const withTries = (db: TestDatabase) => db.sql("create sequence tries; create table effects (what text)");
  const tries = async (db: TestDatabase) =>
    Number((await db.sql("select last_value from tries"))[0]?.last_value);
  const TRY = "select nextval('tries')";
  const CASES: readonly (readonly [string, string, string, string, string])[] = [
    [
      "in a transaction",
      "0002_b.sql",
      `${TRY};\ninsert into effects values ('b');\n${KILL};`,
      "none",
      "select 1;",
    ],
    [
      "behind statements that are done",
      "0002_b.sql",
      `-- godwit: transaction=off\ninsert into effects values ('b');\ndo $$ begin perform nextval('tries'); perform pg_terminate_backend(pg_backend_pid()); end $$;`,
      "some",
      "-- godwit: transaction=off\ninsert into effects values ('b');\nselect 1;",
    ],
    [
      "in a module",
      "0002_b.ts",
      `export async function up({ execute }: any) { await execute("${TRY}"); await execute("${KILL}"); }`,
      "none",
      "export async function up({ execute }: any) { await execute('select 1'); }",
    ],
  ];

  test.for(CASES)(
    "%s is begun twice at most, and is named",
    async ([, file, text, committed, corrected], { db }) => {
      await withTries(db);
      const folder = folderOf({
        "migrations/0001_a.sql": "insert into effects values ('a');",
        [`migrations/${file}`]: text,
        "migrations/0003_c.sql": "insert into effects values ('c');",
      });
      const godwit = commandIn({ folder, url: db.url });
      const { json } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0]).toMatchObject({
        code: "STEP_FAILED",
        message: "The connection was lost twice while 0002_b was running; it is not tried again.",
        place: { file },
        hint: expect.stringContaining(
          committed === "none" ? "nothing of it was kept" : "correct 0002_b.sql from line 3 on",
        ),
      });
      expect(json.report).toMatchObject({
        steps: [{ revision: "0001_a" }],
        failures: [{ revision: "0002_b", committed }],
        remaining: ["0003_c"],
      });
      expect(await tries(db)).toBe(2);
      writeFiles(folder, { [`migrations/${file}`]: corrected });
      await godwit("up");
      const there = (await db.sql("select what from effects")).map(({ what }) => what);
      expect(there).toEqual(committed === "none" ? ["a", "c"] : ["a", "b", "c"]);
    },
  );

  test("in one of several statements of a line is named with its column", async ({ db }) => {
    const text = `-- godwit: transaction=off\ncreate table a (); ${KILL};`;
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": text }) });
    const { error } = await refusalOf(up(target));
    expect(error.hint).toContain("correct 0001_a.sql from line 2, column 20, on");
  });

  test("in a procedure that commits is told as what this run did, and asks a person", async ({ db }) => {
    await db.sql(`create procedure p() language plpgsql as
      'begin commit; perform pg_terminate_backend(pg_backend_pid()); end'`);
    const text = "-- godwit: transaction=off\nselect 1;\ncall p();";
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": text }) });
    const { error } = await refusalOf(up(target));
    expect(error.message).not.toContain("earlier run");
    expect(error).toMatchObject({
      code: "STEP_FAILED",
      message: expect.stringContaining("0001_a.sql:3: the connection was lost"),
      hint: expect.stringContaining("godwit repair --retry 0001_a:2"),
      report: { failures: [{ committed: "unknown" }] },
    });
    await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
  });

  test("outside a transaction, as a module, asks a person at once", async ({ db }) => {
    const target = targetOf({
      url: db.url,
      folder: folderOf({
        "0001_a.ts": `export default { transaction: false, async up({ execute }: any) { await execute("create table a ()"); await execute("${KILL}"); } };`,
      }),
    });
    const { error } = await refusalOf(up(target));
    expect(error).toMatchObject({
      code: "STEP_FAILED",
      message: expect.stringContaining("0001_a.ts: the connection was lost while it was running"),
      hint: expect.stringContaining("godwit repair --retry 0001_a"),
      report: { failures: [{ committed: "unknown" }] },
    });
    // The next run is told of it as an earlier one's.
    await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
  });
});
