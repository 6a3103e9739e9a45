/** `godwit serve`: the answers of the real binary about a real database. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { serving } from "../support/health.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

const FILES = {
  "package.json": '{ "name": "shop", "version": "4.2.0" }',
  "migrations/0001_a.sql": "create table a (id int);",
};

test("health has exactly the fields that are promised, and follows the database", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url, env: { NODE_ENV: "staging" } });
  const { get, running } = await serving(godwit);
  const statusIs = (status: string) =>
    until(async () => (await get("/api/health")).json.migrations.status === status, { what: status });

  const checked = await until(async () => {
    const answer = await get("/api/health");
    return answer.json.migrations.lastChecked !== null && answer;
  });
  expect(checked.status).toBe(200);
  expect(checked.json).toEqual({
    status: "ok",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    service: "shop",
    environment: "staging",
    version: "4.2.0",
    uptime: expect.any(Number),
    migrations: { status: "unknown", lastChecked: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
  });
  expect(Object.keys(checked.json)).toEqual(
    "status timestamp service environment version uptime migrations".split(" "),
  );
  expect(await get("/readyz")).toMatchObject({ status: 503, json: { migrations: { pending: 1 } } });

  await godwit("up");
  await statusIs("completed");
  expect(await get("/readyz")).toMatchObject({ status: 200, json: { status: "ready" } });
  expect((await get("/livez")).json).toEqual({ status: "live" });

  writeFiles(folder, { "migrations/0002_b.sql": "create table a (secret_word int);" });
  await godwit.fails(1, "up");
  await statusIs("failed");
  expect((await get("/api/health")).status).toBe(503);
  expect((await get("/livez")).status).toBe(200);
  expect((await get("/readyz")).json.migrations.failures).toEqual([
    { code: "STEP_FAILED", revision: "0002_b" },
  ]);

  running.child.kill("SIGTERM");
  await running.exits(0);
});
