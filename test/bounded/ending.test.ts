/** A signal or a deadline ends a command at every moment, and user code ends with it. */
import { chmodSync, existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startServer } from "../support/server.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";
import { createFamily } from "./family.ts";

const SQL = { "migrations/0001_a.sql": "create table a ();" };

describe("while the ledger is made on a server whose standby is missing", () => {
  const within = async (use: (url: string) => Promise<void>) => {
    const server = await startServer({
      settings: ["synchronous_standby_names=nobody", "synchronous_commit=on", "fsync=on"],
    });
    try {
      await use(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
    } finally {
      await server.stop();
    }
  };

  test("the deadline ends the run", async () => {
    await within(async (url) => {
      const godwit = commandIn({ folder: folderOf(SQL), url });
      const { json, stderr } = await godwit.fails(1, "up", "--json", "--timeout", "1s");
      expect(json.problems[0].code).toBe("DEADLINE");
      expect(stderr.match(/^error: /gm)).toHaveLength(1);
    });
  });
});

test("a server that stops answering does not outlive the deadline", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const url = `postgres://u@127.0.0.1:${port}/d?sslmode=disable`;
  const { json } = await commandIn({ folder: folderOf(SQL), url }).fails(
    1,
    "up",
    "--json",
    "--timeout",
    "1s",
  );
  expect(json.problems[0].code).toBe("DEADLINE");
  silent.close();
});

test("a migration that spins ends with a command that is killed", async ({ db }) => {
  const family = createFamily();
  const folder = folderOf({
    "migrations/0001_a.mjs": "export const up = async ({ sql }) => { await sql`select 1`; for (;;); };",
  });
  const running = commandIn({ folder, url: db.url, env: family.env }).start("up");
  await running.says(/0001_a|connected|migrat/).catch(() => {});
  await family.hasMembers(2);
  running.child.kill("SIGKILL");
  await running.ended;
  await family.gone();
});

test("what a migration has started ends with it", async ({ db }) => {
  const family = createFamily();
  const folder = folderOf({
    "migrations/0001_a.mjs": `
      import { spawn } from "node:child_process";
      export const up = async ({ sql }) => {
        spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
        await sql\`create table a ()\`;
      };`,
  });
  await commandIn({ folder, url: db.url, env: family.env })("up");
  await family.gone();
});

test("a migration is asked to end before it is ended, and may leave things in order", async ({ db }) => {
  const family = createFamily();
  const folder = folderOf({
    "migrations/0001_a.mjs": `
      export const up = async ({ sql, signal, log }) => {
        await sql\`create table a ()\`;
        log.info("begun");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        console.log("left in order");
      };`,
  });
  const running = commandIn({ folder, url: db.url, env: family.env }).start("up", "--json");
  await running.says("begun");
  running.child.kill("SIGTERM");
  const { json, stderr } = await running.exits(143);
  expect(stderr).toContain("left in order");
  expect(json.report).toMatchObject({ outcome: "interrupted", steps: [] });
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  await family.gone();
});

test("the library keeps its deadline too, and its process goes on", async ({ db }) => {
  const folder = folderOf({ "0001_a.mjs": "export const up = () => { for (;;); };" });
  await using migrator = createMigrator({ dir: folder, databaseUrl: db.url, timeout: "1s" });
  await expect(migrator.up()).rejects.toMatchObject({ code: "DEADLINE" });
  await until(async () => {
    const rows = await db.admin(
      "select from pg_stat_activity where application_name like 'godwit run%' and datname = current_database()",
    );
    return rows.length === 0;
  });
});

describe("a command that only reads", () => {
  const READING = [
    ...["doctor", "status", "status --check", "plan", "plan --rehearse", "plan --calibration", "rehearse"],
    ...["history", "history --log", "current", "drift", "drift --files", "drift --sql", "lint"],
  ];

  test.for(["alone", "of a target"])(
    "is ended by a signal with its code and one error: %s",
    {
      timeout: 120_000,
    },
    async (how, { db }) => {
      const target = { url: db.url, ledgerSchema };
      const config = { "godwit.config.json": JSON.stringify({ targets: { a: target } }) };
      const godwit =
        how === "alone"
          ? commandIn({ folder: folderOf(SQL), url: db.url })
          : commandIn({ folder: folderOf({ ...SQL, ...config }) });
      await godwit("up");
      const blocker = await db.connect();
      for (const [at, words] of READING.entries()) {
        await blocker.query(
          `begin; lock table ${ledgerSchema}.migration_history, ${ledgerSchema}.migration_log`,
        );
        const [signal, code] = at % 2 === 0 ? (["SIGTERM", 143] as const) : (["SIGINT", 130] as const);
        const running = godwit.start(...words.split(" "));
        await until(async () => {
          const waiting = await db.admin(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
          );
          return waiting.length > 0;
        });
        running.child.kill(signal);
        const { stdout, stderr } = await running.exits(code);
        expect(stderr.match(/^error: /gm), words).toHaveLength(1);
        expect(stderr, words).toContain(`${signal} ended the run`);
        expect(stdout, words).toBe("");
        await blocker.query("rollback");
      }
    },
  );

  test("is also ended at once where it works on a server of its own", { timeout: 60_000 }, async ({ db }) => {
    const folder = folderOf(SQL);
    chmodSync(folder, 0o777); // the server may be another user
    const reached = join(folder, "reached");
    const text = `copy (select) to '${reached}'; select pg_sleep(600);`;
    const godwit = commandIn({ folder: folderOf({ ...SQL, "schema.sql": text }), url: db.url });
    const running = godwit.start("diff", "--to", "schema.sql");
    await until(() => existsSync(reached));
    const killedAt = performance.now();
    running.child.kill("SIGTERM");
    await running.exits(143);
    // What does not end is waited for for eight.
    expect(performance.now() - killedAt).toBeLessThan(6_000);
  });
});
