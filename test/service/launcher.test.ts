/** `godwit-run -- <app>`: a shell starts the app first, and `godwit run` takes care of the migrations beside it. */
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, commandIn, LAUNCHER, type Running } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { heavyOf, LEAVES_HEAVY } from "../support/heavy.ts";
import { childrenOf, isRunning, untilGone } from "../support/processes.ts";
import { type Files, folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const ONE: Files = { "migrations/0001_shops.sql": "create table shops (id int)" };
const SLEEPING: Files = { "migrations/0001_sleeps.sql": "select pg_sleep(600)" };
const NODE = process.execPath;
const FOREVER = `setInterval(() => {}, 1000); console.log("up");`;

function place(db: Pick<TestDatabase, "url">, files: Files, env: Readonly<Record<string, string>> = {}) {
  const folder = folderOf(files);
  return { folder, godwit: commandIn({ folder, url: db.url, env: { NODE_ENV: "production", ...env } }) };
}

async function isSleeping(db: TestDatabase): Promise<boolean> {
  const asked =
    "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()";
  return (await db.admin(asked)).length > 0;
}

/** The one that takes care of the migrations. */
function supervisorOf({ child }: Running): number {
  const found = childrenOf(child.pid).filter((pid) =>
    /\0run\0/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8")),
  );
  expect(found).toHaveLength(1);
  return found[0] ?? 0;
}

test("a signal at once, while the app has the machine for itself, leaves nothing behind", async ({ db }) => {
  const { godwit } = place(db, ONE);
  const running = godwit.launch("--", "sleep", "600");
  const beside = await until(() => {
    const found = childrenOf(running.child.pid).flatMap((pid) => [pid, ...childrenOf(pid)]);
    return found.length === 3 && found;
  });
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect(beside.filter(isRunning)).toEqual([]);
});

test("what the app has left is gone at the end, also where it takes a while to die", async () => {
  const { godwit } = place({ url: "postgres://nobody@127.0.0.1:1/none" }, {}, { SKIP_MIGRATIONS: "true" });
  for (let n = 0; n < 4; n++) {
    const left = heavyOf(await godwit.launch("--", NODE, "-e", LEAVES_HEAVY).exits(0));
    expect(left).toBeGreaterThan(1);
    expect(isRunning(left)).toBe(false);
  }
});

test("when the migrations have ended, a shell is all that stays beside the app", async ({ db }) => {
  const { godwit } = place(db, ONE);
  const running = godwit.launch("--", NODE, "-e", FOREVER);
  await running.says("1 migration applied");
  await until(() => childrenOf(running.child.pid).length === 1, { what: "the supervisor to end" });
  expect(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${running.child.pid}/status`, "utf8"))?.[1]),
  ).toBeLessThan(8_000);
  running.child.kill("SIGTERM");
  await running.exits(143);
});

test("with a health port it stays, answers, and ends with the app", async ({ db }) => {
  const { godwit } = place(db, ONE);
  const running = godwit.launch("--health-port=0", "--", NODE, "-e", FOREVER);
  let said = "";
  running.child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  await running.says("1 migration applied");
  const url = /health is answered on (http:\S+)/.exec(said)?.[1] ?? "";
  expect((await fetch(new URL("/readyz", url))).status).toBe(200);
  const supervisor = supervisorOf(running);
  running.child.kill("SIGTERM");
  await running.exits(143);
  expect(isRunning(supervisor)).toBe(false);
});

test("migrations that run when the app ends are stopped, said, and rolled back before the launcher ends", async ({
  db,
}) => {
  const { godwit, folder } = place(db, SLEEPING);
  const app = `const { existsSync } = require("node:fs");
    setInterval(() => existsSync(${JSON.stringify(join(folder, "go"))}) && process.exit(7), 10);`;
  const running = godwit.launch("--", NODE, "-e", app);
  await until(() => isSleeping(db), { what: "the migration to sleep" });
  const supervisor = supervisorOf(running);
  const ours = [supervisor, ...childrenOf(supervisor)];
  writeFileSync(join(folder, "go"), "");
  const { stderr } = await running.exits(7);
  expect(stderr).toContain("The app has ended: the migrations are stopped.");
  expect(ours.filter(isRunning)).toEqual([]);
  expect(await isSleeping(db)).toBe(false);
});

for (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const)
  test(`${name} reaches the app, once, while migrations run`, async ({ db }) => {
    const { godwit } = place(db, SLEEPING);
    const app = `let n = 0; process.on("${name}", () => { n++; setImmediate(() => { console.log(n + " signal"); process.exit(9); }); }); ${FOREVER}`;
    const running = godwit.launch("--", NODE, "-e", app);
    await running.says("up");
    await until(() => isSleeping(db), { what: "the migration to sleep" });
    running.child.kill(name);
    expect((await running.exits(9)).stdout).toBe("up\n1 signal\n");
    expect(await isSleeping(db)).toBe(false);
  });

for (const name of ["SIGINT", "SIGQUIT"] as const)
  test(`${name} ends an app that has no handler for it`, async ({ db }) => {
    const { godwit } = place(db, ONE);
    const running = godwit.launch("--", "sleep", "600");
    await running.says("1 migration applied");
    running.child.kill(name);
    await running.exits(143);
  });

test("--app-grace ends an app that ignores SIGTERM, also when the migrations have long ended", async ({
  db,
}) => {
  const { godwit } = place(db, ONE, { GODWIT_APP_GRACE: "100ms" });
  const running = godwit.launch("--", NODE, "-e", `process.on("SIGTERM", () => {}); ${FOREVER}`);
  await running.says("1 migration applied");
  running.child.kill("SIGTERM");
  await running.exits(137);
});

test("if the launcher is killed, the migrations end, and the app lives on", async ({ db }) => {
  const { godwit } = place(db, SLEEPING);
  const running = godwit.launch("--", NODE, "-e", FOREVER);
  await until(() => isSleeping(db), { what: "the migration to sleep" });
  const supervisor = supervisorOf(running);
  const app = childrenOf(running.child.pid).filter((pid) => pid !== supervisor);
  running.child.kill("SIGKILL");
  await untilGone([supervisor], "the supervisor");
  expect(await isSleeping(db)).toBe(false);
  expect(app.map(isRunning)).toEqual([true]);
  process.kill(app[0] ?? 0, "SIGKILL");
});

test("what the app starts is not told of our own variables", async ({ db }) => {
  const { godwit } = place(db, ONE);
  const app = "console.log(Object.keys(process.env).filter((name) => /BESIDE|SUPERVISED/.test(name)).length)";
  expect((await godwit.launch("--", NODE, "-e", app).exits(0)).stdout).toBe("0\n");
});

test("an app that can't be started is said in godwit run's words, and --wait is godwit run itself", async ({
  db,
}) => {
  const { godwit, folder } = place(db, ONE);
  writeFileSync(join(folder, "script"), "");
  expect((await godwit.launch("--", "nosuch").exits(127)).stderr).toContain('there is no command "nosuch"');
  expect((await godwit.launch("--", "./script").exits(126)).stderr).toContain("is not executable");
  const { stderr } = await godwit.launch("--wait", "--", NODE, "-e", "process.exit(4)").exits(4);
  expect(stderr).toContain("1 migration applied");
  expect((await godwit.launch().exits(1, 2)).stderr).toContain("needs the command of the app behind --");
});

test("an app that ends at once, however often, is not outlived by the migrations", async ({ db }) => {
  const { godwit } = place(db, SLEEPING);
  for (let n = 0; n < 30; n++) await godwit.launch("--", "sh", "-c", "exit 7").exits(7);
  expect(await isSleeping(db)).toBe(false);
});

test("a script without its interpreter is said in godwit run's words", async ({ db }) => {
  const { godwit, folder } = place(db, ONE);
  for (const line of ["#!/nope/sh", "#! /nope/sh -e", "#!/bin/sh\r"]) {
    writeFileSync(join(folder, "script"), `${line}\nexit 7\n`, { mode: 0o755 });
    const { stderr } = await godwit.launch("--", "./script").exits(127);
    expect(stderr).toContain("[APP_NOT_STARTED]");
    expect(stderr).not.toContain("setsid");
  }
  for (const line of ["#!/bin/sh", "#! /bin/sh -e", ""]) {
    writeFileSync(join(folder, "script"), `${line}\nexit 7\n`, { mode: 0o755 });
    await godwit.launch("--", "./script").exits(7);
  }
});

test("words with spaces, quotes and -- reach the app as they are, and its input too", async ({ db }) => {
  const { folder } = place(db, ONE);
  const words = ["a b", "$HOME", "*", "--", "it's", ""];
  const app =
    "process.stdin.pipe(process.stdout).on('error', () => {}); console.log(JSON.stringify(process.argv.slice(1)))";
  const env = { PATH: process.env.PATH ?? "", SKIP_MIGRATIONS: "true" };
  const { stdout, status } = spawnSync(LAUNCHER, ["--quiet", "--", NODE, "-e", app, "--", ...words], {
    ...{ cwd: folder, env, encoding: "utf8", input: "read me" },
  });
  expect([stdout, status]).toEqual([`${JSON.stringify(words)}\nread me`, 0]);
});

test("it is found through the link that npm makes beside that of godwit", async () => {
  const folder = folderOf({});
  symlinkSync(LAUNCHER, join(folder, "godwit-run"));
  symlinkSync(BINARY, join(folder, "godwit"));
  const env = { PATH: `${folder}:${process.env.PATH}`, SKIP_MIGRATIONS: "true" };
  const { status, stderr } = spawnSync("godwit-run", ["--wait", "--", NODE, "-e", "process.exit(3)"], {
    ...{ cwd: folder, env, encoding: "utf8" },
  });
  expect([status, stderr]).toEqual([3, expect.stringContaining("SKIP_MIGRATIONS is true")]);
});
