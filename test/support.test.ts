/** What every other test relies on: a database of one's own, an owner without power, and leaks that are found. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe } from "vitest";
import type { RunEvent } from "../src/run/report/events.ts";
import { type Attempt, cutEverywhere } from "./support/cut.ts";
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

describe("a run that is cut at every point", () => {
  const before = async (url: string) => {
    await send(url, "create table done (step int)");
  };

  test("is cut again when it has got on, so that a few runs have all points", async () => {
    const careful = (step: number) =>
      `insert into done select ${step} where not exists (select from done where step = ${step})`;
    const run = (url: string, attempt: Attempt) => everyStep(url, { careful, attempt });
    const { points, cut, runs } = await cutEverywhere({ prefix: "cut_careful", before, run });
    expect(cut).toBe(points);
    expect(runs).toBeLessThan(points / 2);
  });

  test("fails with the name of the point at which a step is done twice", async () => {
    const careful = (step: number) =>
      step === 3
        ? "insert into done values (3)"
        : `insert into done select ${step} where not exists (select from done where step = ${step})`;
    const run = (url: string, attempt: Attempt) => everyStep(url, { careful, attempt });
    const failure = cutEverywhere({ prefix: "cut_careless", before, run });
    await expect(failure).rejects.toThrow(/^cut (before|after)_\d+: /);
  });
});

/** Sends the statements of six steps, each on a connection of its own, until each has an answer. */
async function everyStep(
  url: string,
  { careful, attempt }: { careful: (step: number) => string; attempt: Attempt },
): Promise<boolean> {
  for (let step = 1; step <= 6; step++) {
    const event = { step: { direction: "up", revision: `${step}` } };
    for (;;) {
      attempt.observe({ kind: "step-started", ...event } as RunEvent);
      const failed = await send(url, careful(step)).then(
        () => false,
        () => true,
      );
      if (!failed) break;
      attempt.observe({ kind: "connection-lost" } as RunEvent);
    }
    attempt.observe({ kind: "step-done", ...event } as RunEvent);
  }
  return false;
}

async function send(url: string, text: string): Promise<void> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  await client.connect();
  await client.query(text);
  await client.end();
}
