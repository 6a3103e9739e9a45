/** `godwit dev`: the embedded server stays up, and its database follows the files. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ask, columns, connect, ends, test } from "../support/dev.ts";
import { childrenOf } from "../support/processes.ts";
import { until } from "../support/until.ts";

test("the server stays up with its URL on stdout, other commands use it, and Ctrl-C ends it with the sessions of clients", async ({
  project,
}) => {
  const dev = await project.dev();
  const app = await connect(dev.url);
  expect((await app.query("select count(*)::int as n from shops")).rows).toEqual([{ n: 0 }]);
  const pid = await project.server();
  project.write({ "migrations/0002_users.sql": "create table users (id int);" });
  expect((await project.godwit("up")).stderr).toContain("0002_users applied");
  expect((await project.godwit("status")).stdout).toContain("2 applied");
  expect(await project.server()).toBe(pid);
  const ended = new Promise((resolve) => app.once("end", resolve));
  dev.child.kill("SIGINT");
  const { stdout } = await dev.exits(0);
  expect(stdout).toBe(`DATABASE_URL=${dev.url}\npsql ${dev.url}\n`);
  await ended;
  expect(await project.server()).toBeUndefined();
});

test("the newest migration runs again when its file changes; with a way back, rows and sessions stay", async ({
  project,
}) => {
  const draft = (column: string) =>
    `-- migrate:up\nalter table shops add column ${column} text;\n-- migrate:down\nalter table shops drop column ${column};\n`;
  project.write({ "migrations/0002_slug.sql": draft("slag") });
  const dev = await project.dev("--watch");
  const app = await connect(dev.url);
  await app.query("insert into shops (id) values (1)");
  project.write({ "migrations/0002_slug.sql": draft("slug") });
  await dev.says(/0002_slug has changed[\s\S]*0002_slug applied/);
  await until(async () => (await columns(dev.url, "shops")) === "id slug");
  expect((await app.query("select id from shops")).rows).toEqual([{ id: 1 }]);
  await ends(dev);
});

test("without a way back the database is the copy from before the newest migration", async ({ project }) => {
  project.write({ "migrations/0002_users.sql": "create table users (id int, nam text);" });
  const dev = await project.dev("--watch");
  await ask(dev.url, "insert into shops values (1)");
  await ask(dev.url, "alter database app set work_mem = '7MB'");
  project.write({ "migrations/0002_users.sql": "create table users (id int, name text);" });
  await dev.says(/0002_users has no way back[\s\S]*1 migration applied/);
  expect(await columns(dev.url, "users")).toBe("id name");
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(0);
  expect(await ends(dev)).toContain("Rows written since then are gone");
});

test("an error is shown with its place, and the watch goes on", async ({ project }) => {
  const dev = await project.dev("--watch");
  project.write({ "migrations/0002_users.sql": "create table users (\n  id int,\n  oops\n);" });
  await dev.says(/0002_users\.sql:4:1: syntax error[^\n]*\[STEP_FAILED\][\s\S]*Watching/);
  project.write({ "migrations/0002_users.sql": "create table users (\n  id int\n);" });
  await dev.says("0002_users applied");
  expect(await columns(dev.url, "users")).toBe("id");
  await ends(dev);
});

test("a renamed or deleted draft is taken back, and an older migration that was edited is refused", async ({
  project,
}) => {
  const dev = await project.dev("--watch");
  project.write({ "migrations/0002_user.sql": "create table users (id int);" });
  await dev.says("0002_user applied");
  rmSync(join(project.folder, "migrations/0002_user.sql"));
  project.write({ "migrations/0002_users.sql": "create table users (id int);" });
  await dev.says("0002_users applied");
  project.write({ "migrations/0001_shops.sql": "create table shops (id bigint);" });
  await dev.says("[PLAN_EDITED]");
  await ends(dev);
});

test("a second godwit dev says who has the folder, and the first goes on", async ({ project }) => {
  const dev = await project.dev();
  const { stderr } = await project.godwit.fails(1, "dev");
  expect(stderr).toContain("[DEV_RUNNING]");
  expect(stderr).toContain(`process ${dev.child.pid}`);
  // The hint is true.
  await project.godwit("status");
  await project.godwit("up");
  expect(await ask(dev.url, "select 1")).toBe(1);
  await ends(dev);
  await ends(await project.dev());
});

test("--reset makes the database anew, and only if its name is confirmed", async ({ project }) => {
  const first = await project.dev();
  await ask(first.url, "create table mine (id int)");
  await ends(first);
  expect((await project.godwit.fails(2, "dev", "--reset")).stderr).toContain(
    "`godwit dev --reset --confirm app`",
  );
  await project.godwit.fails(1, "dev", "--reset", "--confirm", "shop");
  const kept = await project.dev();
  expect(await ask(kept.url, "select to_regclass('mine')::text")).toBe("mine");
  await ends(kept);
  const anew = await project.dev("--reset", "--confirm", "app");
  expect(await ask(anew.url, "select to_regclass('mine')::text")).toBeNull();
  expect(await ask(anew.url, "select to_regclass('shops')::text")).toBe("shops");
  await ends(anew);
});

test("it is refused in production, with targets, and with a database of one's own", async ({ project }) => {
  const production = project.godwit.with({ NODE_ENV: "production" });
  expect((await production.fails(1, "dev")).stderr).toContain("NODE_ENV is production");
  const own = "postgres://me:secret@127.0.0.1:1/app";
  const { stderr } = await project.godwit.fails(
    1,
    "dev",
    "--reset",
    "--confirm",
    "app",
    "--database-url",
    own,
  );
  expect(stderr).toContain("a database of your own is configured");
  const pg = project.godwit.with({ PGHOST: "127.0.0.1" });
  expect((await pg.fails(1, "dev")).stderr).toContain("a database of your own");
  project.write({ "godwit.config.mjs": 'export default { targets: { a: { url: "postgres://h/a" } } };' });
  expect((await project.godwit.fails(1, "dev")).stderr).toContain("targets");
});

test("the URL that it has printed may stay in DATABASE_URL", async ({ project }) => {
  const first = await project.dev();
  const withUrl = project.godwit.with({ DATABASE_URL: first.url });
  expect((await withUrl("status")).stdout).toContain("1 applied");
  await ends(first);
  const again = withUrl.start("dev", "--once");
  await again.says(/Ctrl-C ends/);
  expect(await ask(first.url, "select 1")).toBe(1);
  await ends(again);
});

test("a server that was killed is there again, and so is the watch", async ({ project }) => {
  const dev = await project.dev("--watch");
  const pid = await project.server();
  process.kill(pid ?? 0, "SIGKILL");
  await dev.says("The server is there again");
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(0);
  project.write({ "migrations/0002_users.sql": "create table users (id int);" });
  await dev.says("0002_users applied");
  await ends(dev);
});

test("--json prints one document with the URL, as soon as there is one", async ({ project }) => {
  const dev = await project.dev("--json");
  dev.child.kill("SIGTERM");
  expect((await dev.exits(0)).json).toMatchObject({
    ok: true,
    command: "dev",
    url: dev.url,
    database: "app",
  });
});

test("the word of another tool that watches leads to godwit dev", async ({ project }) => {
  for (const word of ["watch", "start"]) {
    const { stderr } = await project.godwit.fails(2, word);
    expect(stderr).toContain("`godwit dev`");
  }
  await ends(await project.dev());
});

test("Ctrl-C while the data directory is made is an interruption, and leaves nothing half made", async ({
  project,
}) => {
  const godwit = project.godwit.start("dev");
  await godwit.says("Making a PostgreSQL");
  const initdb = await until(() =>
    childrenOf(godwit.child.pid).find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === "initdb\n"),
  );
  // A terminal sends the signal to the whole group of the command.
  expect(groupOf(initdb)).not.toBe(groupOf(godwit.child.pid));
  godwit.child.kill("SIGINT");
  const { stderr } = await godwit.exits(130);
  expect(stderr).toContain("[INTERRUPTED]");
  expect(readdirSync(join(project.folder, ".godwit")).filter((name) => name.includes(".new-"))).toEqual([]);
});

function groupOf(pid: number | undefined): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[2];
}
