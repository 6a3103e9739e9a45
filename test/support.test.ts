/** What every other test relies on: a database of one's own, an owner without power, and leaks that are found. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "./support/database.ts";

test("the owner has no more rights than it needs", async ({ db }) => {
  const [role] = await db.sql(
    "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user",
  );
  expect(role).toEqual({ rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false });
  await db.sql("create table mine (n int)");
  const [owner] = await db.sql(
    "select tableowner, current_database() as name from pg_tables where tablename = 'mine'",
  );
  expect(owner).toEqual({ tableowner: db.owner, name: db.name });
});

test("the superuser sees the same database", async ({ db }) => {
  await db.sql("create table mine as select 1 as n");
  expect(await db.admin("select n, current_setting('is_superuser') as super from mine")).toEqual([
    { n: 1, super: "on" },
  ]);
});

test.fails("a session that is left open fails the test", async ({ db }) => {
  const { default: pg } = await import("pg");
  const client = new pg.Client(db.url);
  client.on("error", () => undefined);
  await client.connect();
  await client.query("select pg_advisory_lock(1)");
});

test("a server goes away, with its folder, when whoever started it is killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "godwit-watchdog-"));
  const command = JSON.stringify({
    program: process.execPath,
    args: ["-e", "setInterval(() => {}, 1000)"],
    as: {},
  });
  const parent = spawn(process.execPath, ["--input-type=module", "-e", PARENT, folder, command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(parent.stdout, "data");
  expect(existsSync(folder)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
});

const PARENT = `
  import { spawn } from "node:child_process";
  const [folder, command] = process.argv.slice(1);
  spawn(process.execPath, ["test/support/watchdog.mjs", "SIGTERM", folder, command], {
    detached: true, stdio: ["pipe", "ignore", "inherit"] });
  process.stdout.write("started");
  setInterval(() => {}, 1000);`;
