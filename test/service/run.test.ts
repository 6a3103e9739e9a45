/** `godwit run -- <app>`: the app and its migrations side by side, over the real command. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { freePort } from "../../src/database/embedded/cluster.ts";
import { type Command, commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { heavyOf, LEAVES_HEAVY } from "../support/heavy.ts";
import { childrenOf, isRunning, untilGone } from "../support/processes.ts";
import { startProxy } from "../support/proxy.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const ONE: Files = { "migrations/0001_shops.sql": "create table shops (id int)" };
const SLEEPING: Files = { "migrations/0001_sleeps.sql": "select pg_sleep(600)" };

interface Place {
  readonly godwit: Command;
  readonly folder: string;
  /** Words that start an app of this source text. */
  readonly app: (text: string) => readonly string[];
}

function place(
  db: Pick<TestDatabase, "url">,
  files: Files,
  env: Readonly<Record<string, string>> = {},
): Place {
  const folder = folderOf(files);
  const godwit = commandIn({ folder, url: db.url, env: { NODE_ENV: "production", ...env } });
  return { folder, godwit, app: (text) => ["run", "--", process.execPath, "-e", text] };
}

/** Runs until the file is there. */
const UNTIL = (file: string, then = "") =>
  `const { existsSync } = require("node:fs");
   setInterval(() => { if (existsSync(${JSON.stringify(file)})) { ${then}; process.exit(0); } }, 10);`;
const FOREVER = `setInterval(() => {}, 1000); console.log("up");`;

test("the app is up while the migrations run, and its exit code is the command's", async ({ db }) => {
  const { godwit, app } = place(db, ONE);
  const running = godwit.start(...app(`console.log("answering"); process.stdin.resume(); ${FOREVER}`));
  await running.says("answering");
  await running.says("1 migration applied");
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
  running.child.kill("SIGTERM");
  await running.exits(143);
  const ended = await godwit.fails(7, ...app("process.exit(7)"));
  expect(ended.stdout).toBe("");
});

test("standard output is the app's alone, byte for byte", async ({ db }) => {
  const { godwit, app, folder } = place(db, ONE);
  const running = godwit.start(...app(`process.stdout.write("a\\0b"); ${UNTIL(join(folder, "go"))}`));
  await running.says("1 migration applied");
  writeFileSync(join(folder, "go"), "");
  expect((await running.exits(0)).stdout).toBe("a\0b");
});

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
] as const)
  test(`${signal} reaches the app and the migrations, and nothing of ours survives`, async ({ db }) => {
    const { godwit, app } = place(db, SLEEPING);
    const running = godwit.start(...app(FOREVER));
    await running.says("up");
    await until(async () => (await sleepers(db)) === 1, { what: "the migration to sleep" });
    const ours = childrenOf(running.child.pid);
    running.child.kill(signal);
    await running.exits(code);
    await untilGone(ours, "what we had started");
    await until(async () => (await sleepers(db)) === 0, { what: "the server to be told" });
  });

test("the app's own answer to a signal is the exit code", async ({ db }) => {
  const { godwit, app } = place(db, SLEEPING);
  const running = godwit.start(...app(`process.on("SIGTERM", () => process.exit(21)); ${FOREVER}`));
  await running.says("up");
  running.child.kill("SIGTERM");
  await running.exits(21);
});

test("an app that ends stops the migrations, and what it has left in its group ends with it", async ({
  db,
}) => {
  const { godwit, app, folder } = place(db, SLEEPING);
  const running = godwit.start(
    ...app(`const { spawn } = require("node:child_process");
      console.log("left " + spawn("sleep", ["600"], { stdio: "ignore" }).pid);
      ${UNTIL(join(folder, "go"), "process.exitCode = 0")}`),
  );
  await running.says(/left \d+\n/);
  await until(async () => (await sleepers(db)) === 1, { what: "the migration to sleep" });
  const ours = childrenOf(running.child.pid);
  writeFileSync(join(folder, "go"), "");
  const { stdout, stderr } = await running.exits(0);
  expect(stderr).toContain("The app has ended: the migrations are stopped.");
  const left = Number(/left (\d+)/.exec(stdout)?.[1]);
  expect([...ours, left].filter(isRunning)).toEqual([]);
});

test("what the app has left is gone at our end, also where it takes a while to die", async () => {
  const { godwit, app } = place(
    { url: "postgres://nobody@127.0.0.1:1/none" },
    {},
    { SKIP_MIGRATIONS: "true" },
  );
  for (let n = 0; n < 4; n++) {
    const left = heavyOf(await godwit.start(...app(LEAVES_HEAVY)).exits(0));
    expect(left).toBeGreaterThan(1);
    expect(isRunning(left)).toBe(false);
  }
});

test("a migration that PostgreSQL refuses is not tried again, and the app goes on", async ({ db }) => {
  const { godwit, app } = place(db, { "migrations/0001_wrong.sql": "create tabel shops ()" });
  const running = godwit.start(...app(FOREVER));
  await running.says("The migrations have failed (STEP_FAILED). The app goes on.");
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(143);
  expect(stderr).not.toContain("Attempt");
});

test("a cause that can pass is tried again, as often and after as long as was said", async () => {
  const { godwit, app } = place({ url: "postgres://nobody@127.0.0.1:1/none" }, ONE, {
    MIGRATION_RETRY_COUNT: "2",
    MIGRATION_RETRY_DELAY: "10ms,20ms",
  });
  const running = godwit.start(...app(FOREVER));
  await running.says("The migrations have failed after 3 attempts (DATABASE_UNREACHABLE). The app goes on.");
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(143);
  expect(stderr).toContain("Attempt 1 of 3 to migrate has failed, and its cause can pass: again in 10 ms.");
  expect(stderr).toContain("Attempt 2 of 3 to migrate has failed, and its cause can pass: again in 20 ms.");
});

test("migrations that are killed are tried again, and the app does not notice", async ({ db }) => {
  const { godwit, app } = place(db, SLEEPING, { MIGRATION_RETRY_COUNT: "1", MIGRATION_RETRY_DELAY: "1ms" });
  const running = godwit.start(...app(FOREVER));
  for (let n = 0; n < 2; n++) {
    await until(async () => (await sleepers(db)) === 1, { what: "the migration to sleep" });
    const migrating = childrenOf(running.child.pid).filter((pid) => commandOf(pid).includes("godwit.cjs"));
    expect(migrating).toHaveLength(1);
    expect(nicenessOf(migrating[0] ?? 0)).toEqual([10]);
    process.kill(migrating[0] ?? 0, "SIGKILL");
    await until(async () => (await sleepers(db)) === 0, { what: "the server to notice" });
  }
  await running.says("The migrations have failed after 2 attempts (MIGRATIONS_ENDED). The app goes on.");
  running.child.kill("SIGTERM");
  await running.exits(143);
});

test("a database that goes away during a step is a cause that can pass", async ({ db }) => {
  const proxy = await startProxy({ port: db.port });
  const through = { url: proxy.url(db.url) };
  const env = { MIGRATION_RETRY_COUNT: "1", MIGRATION_RETRY_DELAY: "1ms" };
  const { godwit, app } = place(through, SLEEPING, env);
  const running = godwit.start(...app(FOREVER));
  await until(async () => (await sleepers(db)) === 1, { what: "the migration to sleep" });
  await proxy.close();
  await running.says("Attempt 1 of 2 to migrate has failed, and its cause can pass");
  await running.says("The migrations have failed after 2 attempts (DATABASE_UNREACHABLE). The app goes on.");
  running.child.kill("SIGTERM");
  await running.exits(143);
});

test("a table lock that somebody holds longer than all tries is a cause that can pass", async ({ db }) => {
  await db.sql("create table shops (id int)");
  const reader = await db.connect();
  await reader.query("begin; select from shops;");
  const { godwit, app } = place(
    db,
    { "migrations/0001_slug.sql": "alter table shops add slug text" },
    { MIGRATION_RETRY_DELAY: "1ms", GODWIT_LOCK_ATTEMPTS: "1", GODWIT_LOCK_TIMEOUT: "50ms" },
  );
  const running = godwit.start(...app(FOREVER));
  await running.says("Attempt 1 of 4 to migrate has failed, and its cause can pass");
  await reader.query("rollback");
  await running.says("1 migration applied");
  running.child.kill("SIGTERM");
  await running.exits(143);
});

test("of several targets only those are tried again whose cause can pass", async ({ db }) => {
  const targets = {
    wrong: { url: db.url, ledgerSchema: "wrong", dir: "wrong" },
    gone: { url: "postgres://x@127.0.0.1:1/y" },
  };
  const files = {
    ...ONE,
    "wrong/0001_a.sql": "create tabel a ()",
    "godwit.config.json": JSON.stringify({ onTargetFailure: "continue", targets }),
  };
  const env = { NODE_ENV: "production", MIGRATION_RETRY_COUNT: "2", MIGRATION_RETRY_DELAY: "1ms" };
  const godwit = commandIn({ folder: folderOf(files), env: { ...env, GODWIT_ALLOW_SECOND_LEDGER: "true" } });
  const { stderr } = await godwit("run", "--wait", "--", process.execPath, "-e", "");
  expect(stderr).toContain(
    "The migrations have failed after 3 attempts (STEP_FAILED, DATABASE_UNREACHABLE).",
  );
  expect(stderr.match(/0001_a failed/g)).toHaveLength(1);
});

test("targets that were not begun because of another one are tried again with it", async ({ db }) => {
  const { hostname, port, pathname, username } = new URL(db.url);
  const later = await freePort();
  const targets = {
    shop: { url: db.url },
    late: { url: `postgres://${username}@127.0.0.1:${later}${pathname}`, ledgerSchema: "late", dir: "late" },
  };
  const files = {
    ...ONE,
    "late/0001_late.sql": "create table late (id int)",
    "godwit.config.json": JSON.stringify({ connectAttempts: 1, targets }),
  };
  const env = { NODE_ENV: "production", MIGRATION_RETRY_COUNT: "200", MIGRATION_RETRY_DELAY: "10ms" };
  const godwit = commandIn({ folder: folderOf(files), env: { ...env, GODWIT_ALLOW_SECOND_LEDGER: "true" } });
  const running = godwit.start("run", "--wait", "--", process.execPath, "-e", "");
  await running.says("not begun");
  const forward = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.pipe(server).pipe(client);
    for (const end of [client, server]) end.on("error", () => {});
  });
  await new Promise<void>((resolve) => forward.listen(later, "127.0.0.1", resolve));
  onTestFinished(() => void forward.close());
  await running.exits(0);
  expect(
    await db.sql("select to_regclass('shops') is not null and to_regclass('late') is not null as both"),
  ).toEqual([{ both: true }]);
});

test("migrations end with the supervisor, even if it is killed", async ({ db }) => {
  const { godwit, app, folder } = place(db, SLEEPING);
  const running = godwit.start(...app(`console.log("up"); ${UNTIL(join(folder, "go"))}`));
  await running.says("up");
  await until(async () => (await sleepers(db)) === 1, { what: "the migration to sleep" });
  const migrating = childrenOf(running.child.pid).filter((pid) => commandOf(pid).includes("godwit.cjs"));
  running.child.kill("SIGKILL");
  await untilGone(migrating, "the migrations");
  await until(async () => (await sleepers(db)) === 0, { what: "the server to be told" });
  // Without a container around it the app lives on.
  writeFileSync(join(folder, "go"), "");
  expect(await running.ended).toBe("SIGKILL");
});

test("of several containers that start at once one migrates, and all go on", async ({ db }) => {
  const { godwit, app } = place(db, { "migrations/0001_once.sql": "create table once (id int)" });
  const [run = "", ...words] = app("console.log('ready')");
  const all = await Promise.all(Array.from({ length: 6 }, () => godwit(run, "--wait", ...words)));
  expect(all.map(({ stdout }) => stdout)).toEqual(Array(6).fill("ready\n"));
  const applied = all.filter(({ stderr }) => stderr.includes("1 migration applied"));
  const nothing = all.filter(({ stderr }) => stderr.includes("everything is applied"));
  expect([applied.length, nothing.length]).toEqual([1, 5]);
});

test("several targets: what the app is told of is every one of them", async ({ db }) => {
  const targets = {
    shop: { url: db.url, ledgerSchema: "shop" },
    gone: { url: "postgres://x@127.0.0.1:1/y" },
  };
  const files = { ...ONE, "godwit.config.json": JSON.stringify({ onTargetFailure: "continue", targets }) };
  const folder = folderOf(files);
  const env = { NODE_ENV: "production", MIGRATION_RETRY_COUNT: "1", MIGRATION_RETRY_DELAY: "1ms" };
  const godwit = commandIn({ folder, env: { ...env, GODWIT_ALLOW_SECOND_LEDGER: "true" } });
  const { stderr } = await godwit("run", "--wait", "--", process.execPath, "-e", "");
  expect(stderr).toContain("The migrations have failed after 2 attempts (DATABASE_UNREACHABLE).");
  expect(await db.sql("select count(*)::int as n from shops")).toEqual([{ n: 0 }]);
  // Only the one that may come back is tried again.
  expect(stderr.match(/shop: nothing to do/g)).toBeNull();
  const one = await godwit("run", "--wait", "--target", "shop", "--", process.execPath, "-e", "");
  expect(one.stderr).toContain("everything is applied");
});

async function sleepers(db: TestDatabase): Promise<number> {
  const [row] = await db.admin<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()",
  );
  return row?.n ?? 0;
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}

/** Of all threads; each is listed once. */
function nicenessOf(pid: number): readonly number[] {
  const each = readdirSync(`/proc/${pid}/task`).map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8").split(") ").at(-1)?.split(" ")[16]),
  );
  return [...new Set(each)];
}
