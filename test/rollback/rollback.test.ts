/** `up --rollback-on-failure`: all of a run, or nothing of it, and never a guess. */
import { execFileSync } from "node:child_process";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const TABLES = `select tablename as name from pg_tables where schemaname = 'public' order by 1`;
const LEDGER = `select revision, state from "${ledgerSchema}".migration_history order by sequence`;
const up = (name: string) =>
  `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\ndrop table ${name};\n`;

async function tables(db: TestDatabase) {
  return (await db.sql<{ name: string }>(TABLES)).map(({ name }) => name);
}

async function applied(db: TestDatabase) {
  return (await db.sql(LEDGER)).map(({ revision, state }) => `${revision} ${state}`);
}

describe("a failed run", () => {
  test("takes back what it applied, newest first, and leaves what was there before", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    writeFiles(folder, {
      "migrations/0002_b.sql": up("b"),
      "migrations/0003_c.ts": `export async function up({ sql }: any) { await sql\`create table c (id int)\`; }
export async function down({ sql }: any) { await sql\`drop table c\`; }`,
      "migrations/0004_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json, stderr } = await godwit.fails(1, "up", "--rollback-on-failure", "--json");
    expect(json.problems[0].message).toMatch(/0004_bad/);
    expect(json.report).toMatchObject({
      command: "up",
      outcome: "failed",
      rollback: { outcome: "done", reverted: ["0003_c", "0002_b"], kept: [], unknown: [] },
    });
    expect(stderr).toMatch(/taking back 0003_c, 0002_b[\s\S]*0003_c reverted[\s\S]*0002_b reverted/);
    expect(await tables(db)).toEqual(["a"]);
    expect(await applied(db)).toEqual(["0001_a applied"]);
    // The log has both, under the ids of two runs.
    const log = await db.sql(
      `select event, revision, run_id::text = $1 as rollback from "${ledgerSchema}".migration_log where event in ('applied', 'reverted') order by id`,
      [json.report.rollback.runId],
    );
    expect(
      log.filter(({ rollback }) => rollback).map(({ event, revision }) => `${event} ${revision}`),
    ).toEqual(["reverted 0003_c", "reverted 0002_b"]);

    writeFiles(folder, { "migrations/0004_bad.sql": up("d") });
    await godwit("up", "--rollback-on-failure");
    expect(await tables(db)).toEqual(["a", "b", "c", "d"]);
  });

  test("takes back a view that it made, and keeps one of an earlier run", async ({ db }) => {
    const view = (name: string) =>
      `-- migrate:up\ncreate or replace view ${name} as select 1 as x;\n-- migrate:down\ndrop view ${name};\n`;
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/repeatable/old.sql": view("old"),
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    writeFiles(folder, {
      "migrations/repeatable/aaa.sql": view("aaa"),
      "migrations/repeatable/zzz.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json } = await godwit.fails(1, "up", "--rollback-on-failure", "--json");
    expect(json.report.rollback).toMatchObject({ outcome: "done", reverted: ["aaa"] });
    expect(await applied(db)).toEqual(["0001_a applied", "old applied"]);
  });

  test("that had applied nothing has nothing to take back", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json } = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--rollback-on-failure",
      "--json",
    );
    expect(json.report.rollback).toBeUndefined();
  });

  test("loses its connection on the way back, and goes on behind the step that was done", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_s.sql":
        "-- migrate:up\ncreate sequence tries;\n-- migrate:down\ndrop sequence tries;\n",
      "migrations/0003_b.sql":
        "-- migrate:up\ncreate table b (id int);\n-- migrate:down\nselect case when nextval('tries') = 1 then pg_terminate_backend(pg_backend_pid()) end; drop table b;\n",
      "migrations/0004_c.sql": up("c"),
      "migrations/0005_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json, stderr } = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--rollback-on-failure",
      "--json",
    );
    expect(stderr).toMatch(/Connecting again/);
    expect(json.report.rollback).toMatchObject({
      outcome: "done",
      reverted: ["0004_c", "0003_b", "0002_s", "0001_a"],
      kept: [],
    });
    expect(await tables(db)).toEqual([]);
  });

  test("whose way back fails says what is reverted and what is not", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\nselect 1 / 0;\n",
      "migrations/0003_c.sql": up("c"),
      "migrations/0004_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const { json, stderr } = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--rollback-on-failure",
      "--json",
    );
    expect(json.problems[0].message).toMatch(/0004_bad/);
    expect(json.report.rollback).toMatchObject({
      outcome: "failed",
      reverted: ["0003_c"],
      kept: ["0001_a", "0002_b"],
      unknown: [],
      problem: { message: expect.stringMatching(/0002_b/) },
    });
    expect(stderr).toContain("Taken back: 0003_c; still applied: 0001_a, 0002_b");
    expect(await applied(db)).toEqual(["0001_a applied", "0002_b applied"]);
  });

  test("takes nothing back if somebody has applied more on top of it meanwhile", async ({ db }) => {
    const files = { "migrations/0001_a.sql": up("a"), "migrations/0002_b.sql": up("b") };
    const check = { name: "gate", command: ["sh", "-c", "read x < gate; exit 3"] };
    const folder = folderOf({ ...files, "godwit.config.json": JSON.stringify({ checks: [check] }) });
    execFileSync("mkfifo", [`${folder}/gate`]);
    const first = commandIn({ folder, url: db.url }).start("up", "0001", "--rollback-on-failure", "--json");
    await first.says("0001_a applied");
    await commandIn({ folder: folderOf(files), url: db.url })("up");
    // The shell waits until the check reads.
    execFileSync("sh", ["-c", "echo > gate"], { cwd: folder });
    const { json } = await first.exits(1);
    expect(json.problems[0]).toMatchObject({
      code: "CHECK_FAILED",
      message: 'The check "gate" did not pass: it exited with code 3.',
    });
    expect(json.report.rollback).toMatchObject({ outcome: "failed", reverted: [], kept: ["0001_a"] });
    expect(json.report.rollback.problem.message).toMatch(/Another run has applied 0002_b on top/);
    expect(await tables(db)).toEqual(["a", "b"]);
    expect(json.report.rollback.problem.hint).toContain("`godwit down <revision>` takes back");
    const godwit = commandIn({ folder: folderOf(files), url: db.url });
    expect((await godwit("history", "--log")).stdout).toMatch(/0002_b/);
    await godwit("down", "0001_a");
    expect(await tables(db)).toEqual(["a"]);
  });
});

describe("a signal", () => {
  test("takes nothing back, because what is applied is whole, and says so", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_slow.sql": "-- migrate:up\nselect pg_sleep(60);\n-- migrate:down\nselect 1;\n",
    });
    const run = commandIn({ folder, url: db.url }).start("up", "--rollback-on-failure", "--json");
    await run.says("0001_a applied");
    run.child.kill("SIGTERM");
    const { json, stderr } = await run.exits(143);
    expect(json.report.rollback).toMatchObject({ outcome: "not begun", reverted: [], kept: ["0001_a"] });
    expect(stderr).toContain("Nothing was taken back, because the run was interrupted");
    expect(await applied(db)).toEqual(["0001_a applied"]);
    expect(json.report.rollback.problem.hint).toBe("`godwit up` continues where it stopped.");
    writeFiles(folder, { "migrations/0002_slow.sql": up("b") });
    await commandIn({ folder, url: db.url })("up");
    expect(await applied(db)).toEqual(["0001_a applied", "0002_slow applied"]);
  });

  test("during the way back stops it between two steps, and the rest is named", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_slow.sql":
        "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b; select pg_sleep(60);\n",
      "migrations/0003_c.sql": up("c"),
      "migrations/0004_bad.sql": "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n",
    });
    const godwit = commandIn({ folder, url: db.url });
    const run = godwit.start("up", "--rollback-on-failure", "--json");
    await run.says("0003_c reverted");
    run.child.kill("SIGTERM");
    const { json } = await run.exits(1);
    expect(json.report.rollback).toMatchObject({
      outcome: "interrupted",
      reverted: ["0003_c"],
      kept: ["0001_a", "0002_slow"],
    });
    expect(await applied(db)).toEqual(["0001_a applied", "0002_slow applied"]);
  });
});
