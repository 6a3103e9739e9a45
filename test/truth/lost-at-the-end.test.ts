/** A run that must end, on a server that obeys no cancel: its connection is dropped, and what was kept is asked of the ledger. */
import pg from "pg";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { startServer } from "../support/server.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

/** It catches what cancels it, and goes on. */
const DEAF = `do $$ begin loop begin ${GATE.replace("select", "perform")} exit;
  exception when query_canceled then null; end; end loop; end $$;`;
const GENEROUS = ["--json", "--lock-timeout", "0"];

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly revision: string;
  readonly committed: "none" | "some" | "unknown";
  readonly says: RegExp;
  readonly steps: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "outside a transaction, behind statements that are done",
    files: { "0001_x.sql": `create table a (i int);\nvacuum a;\n${DEAF}` },
    revision: "0001_x",
    committed: "some",
    says: /while 0001_x was running\. 2 of the 3 statements of 0001_x\.sql before line 3 are done and stay/,
    steps: [],
  },
  {
    name: "in a transaction",
    files: { "0001_a.sql": "create table a (i int);", "0002_b.sql": `create table b (i int);\n${DEAF}` },
    revision: "0002_b",
    committed: "none",
    says: /while 0002_b was running\. It was rolled back; nothing of it was kept/,
    steps: ["0001_a"],
  },
  {
    name: "in a module in a transaction",
    files: {
      "0001_m.mjs": `export const up = async ({ execute }) => { await execute(${JSON.stringify(DEAF)}); };`,
    },
    revision: "0001_m",
    committed: "none",
    says: /while 0001_m was running\. It was rolled back; nothing of it was kept/,
    steps: [],
  },
  {
    name: "in a module outside a transaction",
    files: {
      "0001_m.mjs": `export const transaction = false;
export const up = async ({ execute }) => { await execute("create table a (i int)"); await execute(${JSON.stringify(DEAF)}); };`,
    },
    revision: "0001_m",
    committed: "unknown",
    says: /while 0001_m was running\. It runs outside a transaction: .* is not known/,
    steps: [],
  },
];

const logged = async (db: TestDatabase) =>
  db.sql(
    `select revision, details ->> 'committed' as committed from "${ledgerSchema}".migration_log where event = 'failed'`,
  );
const folder = ({ files }: Pick<Case, "files">) =>
  folderOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])));

describe("a statement that a deadline or a signal cannot cancel", () => {
  test.for(CASES)("$name", async (one, { db }) => {
    const gate = await closeGate(db);
    const running = commandIn({ folder: folder(one), url: db.url }).start("up", ...GENEROUS);
    await gate.reached();
    running.child.kill("SIGTERM");
    const { json } = await running.exits(143);
    const { problems, report } = json;
    expect(problems).toHaveLength(1);
    expect(problems[0].message).toMatch(one.says);
    expect(report.outcome).toBe("interrupted");
    expect(report.failures).toMatchObject([{ revision: one.revision, committed: one.committed }]);
    expect(report.remaining).toEqual([]);
    expect(report.steps.map(({ revision }: { revision: string }) => revision)).toEqual(one.steps);
    expect(await logged(db)).toEqual([{ revision: one.revision, committed: one.committed }]);
  });

  test("the deadline says the same, in the library too", async ({ db }) => {
    await closeGate(db);
    const [one] = CASES as [Case];
    const json = (
      await commandIn({ folder: folder(one), url: db.url }).fails(1, "up", ...GENEROUS, "--timeout", "2s")
    ).json;
    expect(json.problems[0]).toMatchObject({ code: "DEADLINE", message: expect.stringMatching(one.says) });
    expect(json.report.failures).toMatchObject([{ revision: "0001_x", committed: "some" }]);
    await using migrator = createMigrator({
      dir: `${folder(one)}/migrations`,
      databaseUrl: db.url,
      ledgerSchema,
      timeout: "2s",
      lockTimeout: "0",
    });
    await expect(migrator.up()).rejects.toMatchObject({
      code: "DEADLINE",
      message: expect.stringMatching(one.says),
      report: { failures: [{ revision: "0001_x", committed: "some" }] },
    });
  });
});

test("a server that is gone for good leaves the step that was running as a failure", async () => {
  const server = await startServer();
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (); select pg_sleep(60);" });
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  const running = commandIn({ folder, url }).start("up", "--json", "--connect-attempts", "1");
  try {
    await until(async () => {
      const client = new pg.Client(url);
      await client.connect();
      const { rows } = await client.query("select from pg_stat_activity where wait_event = 'PgSleep'");
      await client.end();
      return rows.length > 0;
    });
  } finally {
    await server.stop();
  }
  const { json } = await running.exits(1);
  expect(json.problems[0].message).toMatch(/Before, 0001_a was running\. .* is not known\.$/);
  expect(json.report).toMatchObject({
    outcome: "failed",
    failures: [{ revision: "0001_a", committed: "unknown" }],
    remaining: [],
  });
});
