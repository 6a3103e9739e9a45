/** `godwit health` and the status file: what `docker exec` and `HEALTHCHECK` see. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createHealth } from "../../src/health.ts";
import { canary } from "../support/canaries.ts";
import { commandIn } from "../support/command.ts";
import { expect, test, withPassword } from "../support/database.ts";
import { get, serving } from "../support/health.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

/** Of letters and digits, as a header wants it. */
const TOKEN = canary("the token of the health port");

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };

test("health asks the port, or reads the file, and both say the same", async ({ db }) => {
  const folder = folderOf(FILES);
  const file = join(folder, "state", "status.json");
  // The server trusts everybody here, so a password changes nothing but what must not be seen.
  const secret = withPassword(db.url, "hunter2-is-secret");
  const godwit = commandIn({ folder, url: secret, env: { GODWIT_STATUS_FILE: file } });
  const { url, running, get } = await serving(godwit);
  const { port } = new URL(url);
  const byFile = commandIn({ folder, env: { GODWIT_STATUS_FILE: file } });
  const byPort = commandIn({ folder, env: { GODWIT_HEALTH_PORT: port } });
  await until(() => readFileSync(file, "utf8").includes('"pending": 1'));

  for (const ask of [byFile, byPort]) {
    expect((await ask("health", "--json")).json).toMatchObject({
      ok: true,
      health: { status: "ok", migrations: { status: "unknown" } },
    });
    await ask.fails(1, "health", "--ready");
  }
  await godwit("up");
  await until(() => statusIn(file) === "completed");
  for (const ask of [byFile, byPort]) {
    expect((await ask("health")).stdout).toMatch(/^ok: migrations completed \(\d{4}-.*Z\)\n$/);
    await ask("health", "--ready");
  }
  writeFiles(folder, { "migrations/0002_b.sql": "select nothing;" });
  await godwit.fails(1, "up");
  await until(() => statusIn(file) === "failed");
  for (const ask of [byFile, byPort])
    expect((await ask.fails(1, "health")).stdout).toMatch(/^error: migrations failed/);

  // An app of the same container reads the file.
  const health = createHealth({ statusFile: file });
  expect((await health.fetch(new Request("http://shop/api/health"))).status).toBe(503);
  const answers = ["/api/health", "/readyz", "/metrics", "/livez"].map(
    async (path) => (await get(path)).text,
  );
  for (const text of [readFileSync(file, "utf8"), ...(await Promise.all(answers))])
    expect(text).not.toMatch(/select nothing|postgres:|hunter2/);

  for (const ask of [byFile, byPort]) await ask("health", "--live");
  running.child.kill("SIGTERM");
  expect((await running.exits(0)).stderr).not.toContain("hunter2");
  for (const ask of [byFile, byPort]) await ask.fails(1, "health", "--live");
  expect(readdirSync(join(folder, "state"))).toEqual(["status.json"]);
  expect((await byPort.fails(1, "health", "--json")).json.problems[0]).toMatchObject({
    code: "HEALTH_UNKNOWN",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

function statusIn(file: string): string {
  return JSON.parse(readFileSync(file, "utf8")).migrations.status;
}

test("a run whose process was killed is not running for ever", async ({ db }) => {
  const folder = folderOf(FILES);
  const file = join(folder, "status.json");
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_STATUS_FILE: file } });
  await godwit("up");
  writeFiles(folder, { "migrations/0002_b.sql": "alter table a add column b int;" });
  const holder = await db.connect();
  await holder.query("begin; lock table a");
  const up = godwit.start("up");
  const { running } = await serving(godwit);
  await until(() => statusIn(file) === "running");
  expect((await godwit("health", "--json")).json.health.migrations.status).toBe("running");
  running.child.kill("SIGKILL");
  await running.ended;
  expect((await godwit("health", "--json")).json.health.migrations).toEqual({
    status: "unknown",
    lastChecked: expect.any(String),
  });
  await holder.query("rollback");
  await up.exits(0);
});

test("what cannot be asked, answered or written is said with the way out", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url });
  const problemOf = async (code: number, ...words: readonly string[]) =>
    (await godwit.fails(code, ...words, "--json")).json.problems[0];

  expect(await problemOf(2, "health")).toMatchObject({ code: "HEALTH_UNKNOWN" });
  expect(await problemOf(1, "health", "--status-file", "none.json")).toMatchObject({
    code: "STATUS_FILE",
    message: expect.stringContaining("is not there"),
  });
  writeFileSync(join(folder, "other.json"), '{"status":"ok"}');
  expect(await problemOf(1, "health", "--status-file", "other.json")).toMatchObject({
    message: expect.stringContaining("is not a status file of Godwit"),
  });
  mkdirSync(join(folder, "a-folder"));
  expect(await problemOf(1, "serve", "--health-port", "0", "--status-file", "a-folder")).toMatchObject({
    code: "STATUS_FILE",
    hint: expect.stringContaining("--status-file"),
  });
  expect(existsSync(join(folder, "a-folder"))).toBe(true);

  expect(
    (await godwit.with({ GODWIT_HEALTH_TOKEN: "" }).fails(1, "serve", "--json")).json.problems[0].message,
  ).toMatch(/GODWIT_HEALTH_TOKEN is empty/);

  const html = createServer((_, response) => response.end("<html>not ours</html>")).listen(0, "127.0.0.1");
  onTestFinished(() => void html.close());
  await until(() => html.listening);
  const port = String((html.address() as AddressInfo).port);
  expect(await problemOf(1, "health", "--health-port", port)).toMatchObject({
    code: "HEALTH_UNKNOWN",
    message: expect.stringContaining("no JSON"),
  });
  expect(await problemOf(1, "serve", "--health-port", port)).toMatchObject({
    code: "HEALTH_PORT",
    message: expect.stringContaining(`Port ${port} is taken`),
  });
  expect(await problemOf(1, "serve", "--health-port", "70000")).toMatchObject({ code: "HEALTH_PORT" });
  expect(await problemOf(1, "serve", "--health-host", "198.51.100.1", "--health-port", "0")).toMatchObject({
    code: "HEALTH_PORT",
  });
});

test("health that nobody answers: the service of the hint is started with the same option, and answers", async ({
  db,
}) => {
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url, env: { NODE_ENV: "production" } });
  const free = createServer().listen(0, "127.0.0.1");
  await until(() => free.listening);
  const { port } = free.address() as AddressInfo;
  await new Promise((closed) => free.close(closed));
  const app = ["--", process.execPath, "-e", "setInterval(() => {}, 1000)"];
  const services: readonly [option: string, code: number, ...words: string[]][] = [
    [`--health-port=${port}`, 0, "serve"],
    [`--health-port=${port}`, 143, "run", ...app],
    ["--status-file=serve.json", 0, "serve", "--health-port=0"],
    ["--status-file=run.json", 143, "run", ...app],
  ];
  for (const [option, code, service = "", ...words] of services) {
    const { hint } = (await godwit.fails(1, "health", option, "--json")).json.problems[0];
    expect(hint).toContain(`\`godwit ${service}\``);
    const running = godwit.start(service, option, ...words);
    await until(async () => (await godwit.start("health", option, "--live").exits(0, 1)).code === 0, {
      what: `${service} to answer`,
    });
    running.child.kill("SIGTERM");
    await running.exits(code);
  }
});

test("serve keeps to its own Host and to its token, and says neither of them", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_HEALTH_TOKEN: TOKEN } });
  const { url, running } = await serving(godwit, "--health-name", "probe.example", "--log-format", "json");
  const at = (path: string, headers: Readonly<Record<string, string>>) => get(`${url}${path}`, { headers });
  expect((await at("/livez", {})).status).toBe(200);
  expect((await at("/livez", { host: "evil.example" })).status).toBe(421);
  expect((await at("/livez", { host: "probe.example" })).status).toBe(200);
  expect((await at("/api/health", {})).status).toBe(401);
  expect((await at("/api/health", { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  expect((await get(`${url}/livez`, { method: "POST" })).status).toBe(405);
  expect((await get(`${url}/`)).status).toBe(404);
  const asked = commandIn({ folder, env: { GODWIT_HEALTH_PORT: new URL(url).port } });
  expect((await asked.fails(1, "health")).stderr).toContain("HTTP 401");
  await asked.with({ GODWIT_HEALTH_TOKEN: TOKEN })("health");
  running.child.kill("SIGTERM");
  const { stderr } = await running.exits(0);
  expect(stderr).not.toContain("sesame");
  const [line] = stderr.trim().split("\n");
  expect(Object.keys(JSON.parse(line ?? ""))).toEqual([
    ...["timestamp", "level", "message", "component", "instanceId"],
  ]);
});
