/** Checks and rollback do the same through library, fleet, HTTPS, a pooler, and beside an app. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { GodwitError, Report } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
};

const project = (db: TestDatabase, checks: readonly object[], more: object = {}) =>
  commandIn({
    folder: folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ checks, ...more }) }),
    url: db.url,
  });

const checks = [{ name: "never", sql: "select false" }];
const TAKEN_BACK = { outcome: "failed", rollback: { outcome: "done", reverted: ["0001_a"] } };

test("the library does the same, and tells of one end", async ({ db }) => {
  const ends: string[] = [];
  await using migrator = createMigrator({
    ...{ databaseUrl: db.url, root: folderOf(FILES), ledgerSchema, rollbackOnFailure: true, checks },
    observe: (event) => {
      if (event.kind === "finished") ends.push(event.report.outcome);
    },
  });
  const error = await migrator.up().catch((thrown: unknown) => thrown);
  expect((error as GodwitError).code).toBe("CHECK_FAILED");
  expect((error as GodwitError).report as Report).toMatchObject(TAKEN_BACK);
  expect(ends).toEqual(["failed"]);
});

test("each target of a fleet has its own checks, and only what it applied itself is taken back", async ({
  db,
}) => {
  const { createDatabases } = await import("../support/databases.ts");
  const more = await createDatabases(db, 1);
  const targets = {
    good: { url: db.url, checks: [{ sql: "select true" }] },
    bad: { url: more.urls[0] as string, rollbackOnFailure: true },
  };
  try {
    await using fleet = createFleet({
      targets,
      root: folderOf(FILES),
      dir: "migrations",
      ledgerSchema,
      checks,
    });
    const error = (await fleet.up().catch((thrown: unknown) => thrown)) as GodwitError;
    expect(error.report).toMatchObject({
      targets: [
        { name: "good", ok: true },
        { name: "bad", ok: false, report: TAKEN_BACK },
      ],
    });
    expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: "a" }]);
  } finally {
    await more.drop();
  }
});

test.for(["over HTTPS", "behind a pooler in transaction mode"])("%s too", async (way, { db }) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const config = { checks, rollbackOnFailure: true };
  const folder = folderOf({ ...FILES, "godwit.config.json": JSON.stringify(config) });
  const pooled = { folder, url: db.url, env: { GODWIT_POOLING: "transaction" } };
  const godwit = commandIn(way === "over HTTPS" ? { folder, env: api.env } : pooled);
  const { json } = await godwit.fails(1, "up", "--json");
  expect(json.problems[0].message).toBe('The check "never" did not pass: it returned false.');
  expect(json.report).toMatchObject(TAKEN_BACK);
});

test("a signal during a check takes nothing back, because nothing has failed", async ({ db }) => {
  const check = { name: "long", command: ["sh", "-c", "sleep 60"] };
  const run = project(db, [check], { rollbackOnFailure: true }).start("up", "--json");
  await run.says("0001_a applied");
  run.child.kill("SIGTERM");
  const { json } = await run.exits(143);
  expect(json.report).toMatchObject({
    outcome: "interrupted",
    rollback: { outcome: "not begun", reverted: [], kept: ["0001_a"] },
  });
  expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: "a" }]);
});

test("beside an app too, which goes on", async ({ db }) => {
  const server = createServer((_, response) => void response.writeHead(503).end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const godwit = project(db, [{ url, timeout: "300ms" }]).with({ NODE_ENV: "production" });
  const app = [process.execPath, "-e", "setInterval(() => {}, 1e6)"];
  const run = godwit.start("run", "--rollback-on-failure", "--", ...app);
  await run.says("The migrations have failed (CHECK_FAILED). The app goes on.");
  run.child.kill("SIGTERM");
  await run.ended;
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});
