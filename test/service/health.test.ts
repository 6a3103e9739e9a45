/** `godwit run --health-port`: what becomes of the migrations beside an app is answered while the app runs. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { commandIn, type Running } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const FOREVER = "setInterval(() => {}, 1000)";

function start(
  db: TestDatabase,
  files: Files,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const folder = folderOf(files);
  const godwit = commandIn({ folder, url: db.url, env: { NODE_ENV: "production", ...env } });
  const running = godwit.start("run", ...flags, "--", process.execPath, "-e", FOREVER);
  return { godwit, folder, running };
}

async function urlOf(running: Running): Promise<string> {
  let said = "";
  running.child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  const found = () => /health is answered on (http:\S+)/.exec(said)?.[1];
  return until(found, { what: "the address" });
}

async function end(running: Running): Promise<void> {
  running.child.kill("SIGTERM");
  await running.exits(143);
}

async function migrationsAt(url: string) {
  const answer = await fetch(new URL("/api/health", url));
  const body = (await answer.json()) as { migrations: { status: string } };
  return `${answer.status} ${body.migrations.status}`;
}

test("is running, then failed with 503, and the app goes on", async ({ db }) => {
  const files = { "migrations/0001_a.sql": "select pg_sleep(600)" };
  const { running } = start(db, files, ["--health-port=0"]);
  const url = await urlOf(running);
  await until(async () => (await migrationsAt(url)) === "200 running", { what: "running" });
  expect((await fetch(new URL("/readyz", url))).status).toBe(503);
  const isSleeping = "query like '%sleep(600)%' and state = 'active' and pid <> pg_backend_pid()";
  await until(async () => {
    const [row] = await db.admin<{ n: number }>(
      `select count(pg_cancel_backend(pid))::int as n from pg_stat_activity where datname = current_database() and ${isSleeping}`,
    );
    return row?.n === 1;
  });
  await until(async () => (await migrationsAt(url)) === "503 failed", { what: "failed" });
  expect((await fetch(new URL("/livez", url))).status).toBe(200);
  await end(running);
});

test("is completed and ready, also in the status file that godwit health reads", async ({ db }) => {
  const files = { "migrations/0001_a.sql": "create table a (id int)" };
  const { running, godwit, folder } = start(db, files, ["--health-port=0", "--status-file=status.json"]);
  const url = await urlOf(running);
  await until(async () => (await migrationsAt(url)) === "200 completed", { what: "completed" });
  expect((await fetch(new URL("/readyz", url))).status).toBe(200);
  await godwit("health", "--ready", "--status-file", join(folder, "status.json"));
  await end(running);
});

test("a port that is taken is said, and keeps neither the app nor the migrations from running", async ({
  db,
}) => {
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await until(() => taken.listening);
  const { port } = taken.address() as AddressInfo;
  const files = { "migrations/0001_a.sql": "create table a (id int)" };
  const { running } = start(db, files, [`--health-port=${port}`]);
  await running.says("[HEALTH_PORT]");
  await running.says("1 migration applied");
  await end(running);
});

test("a status file that can't be written is said once, and keeps neither the app nor the migrations from running", async ({
  db,
}) => {
  const files = { "app.js": "", "migrations/0001_a.sql": "create table a (id int)" };
  for (const file of ["/proc/nope/st.json", "app.js/x/st.json"]) {
    const { running } = start(db, files, [`--status-file=${file}`]);
    await running.says(/1 migration applied|everything is applied/);
    running.child.kill("SIGTERM");
    const { stderr } = await running.exits(143);
    expect(stderr.match(/\[[A-Z_]+\]/g)).toEqual(["[STATUS_FILE]"]);
    expect(stderr).toContain(`${file} can't be written: `);
  }
});

test("migrations that are switched off leave it unknown, and ready", async ({ db }) => {
  const { running } = start(db, {}, ["--health-port=0"], { SKIP_MIGRATIONS: "true" });
  const url = await urlOf(running);
  await running.says("SKIP_MIGRATIONS is true");
  expect(await migrationsAt(url)).toBe("200 unknown");
  expect((await fetch(new URL("/readyz", url))).status).toBe(200);
  await end(running);
});

test("a broken configuration is failed in the status file, whatever an earlier start has left there", async ({
  db,
}) => {
  const files = { "migrations/0001_a.sql": "create table a (id int)" };
  const first = start(db, files, ["--status-file=status.json"]);
  await first.running.says("1 migration applied");
  await end(first.running);
  const statusFile = join(first.folder, "status.json");
  const broken = first.godwit.with({ GODWIT_LOCKWAIT: "1s", GODWIT_STATUS_FILE: statusFile });
  const completed = readFileSync(statusFile);
  for (const way of ["start", "launch"] as const) {
    writeFileSync(statusFile, completed);
    const running = broken[way](...(way === "start" ? ["run"] : []), "--", process.execPath, "-e", FOREVER);
    await running.says("The migrations were not begun. The app goes on.");
    const read = () => JSON.parse(readFileSync(statusFile, "utf8"));
    await until(() => read().migrations.status === "failed", { what: "the file to say so" });
    expect(read().status).toBe("error");
    await end(running);
    expect(read().migrations.status).toBe("failed");
  }
});
