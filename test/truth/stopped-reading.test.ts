/** A command that changes nothing, ended before it is done, says so: nothing continues, and nothing of a scratch server is told. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

const READ = "It changes nothing: run it again.";
const MORE_TIME = "For more time use --timeout or MIGRATION_TIMEOUT.";
const CONTINUES = "Run again: it continues where it stopped.";
const FILES = { "migrations/0001_a.sql": "create table a ();" };

/** A server that takes connections and never says anything. */
async function silent() {
  let connected = () => {};
  const reached = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    connected();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { url: `postgres://u@127.0.0.1:${port}/d?sslmode=disable`, reached };
}

const READING: Readonly<Record<string, readonly (readonly string[])[]>> = {
  status: [[], ["--check"]],
  plan: [[], ["--sample"], ["--rehearse"], ["--calibration"]],
  lint: [[]],
  rehearse: [[]],
  test: [[]],
  drift: [[], ["--files"], ["--sql"]],
  diff: [["--from", "database", "--to", "migrations"]],
  compatible: [["--image-revisions", "revisions.json"]],
  current: [[]],
  history: [[], ["--log"]],
  duplicates: [[]],
  webhooks: [[]],
  backfill: [[]],
};
/** They ask no database, or stay until they are ended. What stops doctor is one of its findings. */
const ELSEWHERE = ["heads", "health", "completion", "serve", "doctor"];

test("every command that changes nothing is in this test", () => {
  const rows = COMMANDS.filter(({ changes }) => changes === "nothing").map(({ name }) => name);
  expect([...Object.keys(READING), ...ELSEWHERE].sort()).toEqual(rows.sort());
});

const CASES = Object.entries(READING).flatMap(([name, all]) => all.map((words) => [name, ...words]));

describe("ended while the database is silent, it changes nothing:", () => {
  test.for(CASES.map((words) => ({ title: `godwit ${words.join(" ")}`, words })))(
    "$title",
    async ({ words }) => {
      const { url, reached } = await silent();
      const godwit = commandIn({ folder: folderOf(FILES), url });
      if (words.includes("revisions.json")) await godwit("compatible", "--write", "revisions.json");
      const running = godwit.start(...words, "--json");
      await reached;
      running.child.kill("SIGTERM");
      const { json } = await running.exits(143);
      expect(json.problems).toMatchObject([{ code: "INTERRUPTED", hint: READ }]);
      expect(json.report).toBeUndefined();
    },
  );

  test.for([
    { words: ["status", "--timeout", "1s"], hint: `${READ} ${MORE_TIME}` },
    { words: ["up", "--timeout", "1s"], hint: `${CONTINUES} ${MORE_TIME}` },
    { words: ["baseline", "0001_a", "--timeout", "1s"], hint: `Run it again. ${MORE_TIME}` },
  ])("$words ends at its deadline", async ({ words, hint }) => {
    const { url } = await silent();
    const { json } = await commandIn({ folder: folderOf(FILES), url }).fails(1, ...words, "--json");
    expect(json.problems).toMatchObject([{ code: "DEADLINE", hint }]);
  });

  test("calls of the library", async () => {
    const root = folderOf(FILES);
    const hintOf = async (call: (migrator: ReturnType<typeof createMigrator>) => Promise<unknown>) => {
      const { url, reached } = await silent();
      const stop = new AbortController();
      await using migrator = createMigrator({ databaseUrl: url, root, signal: stop.signal });
      const failure = call(migrator).then(
        () => null,
        (error: { readonly hint?: string }) => error.hint,
      );
      await reached;
      stop.abort();
      return failure;
    };
    expect(await hintOf((migrator) => migrator.status())).toBe(READ);
    expect(await hintOf((migrator) => migrator.rehearse())).toBe(READ);
    expect(await hintOf((migrator) => migrator.drift())).toBe(READ);
    expect(await hintOf((migrator) => migrator.drift({ accept: true }))).toBe("Run it again.");
    expect(await hintOf((migrator) => migrator.up())).toBe(CONTINUES);
  });
});

describe("ended while a migration runs on the scratch server, it says nothing of that migration:", () => {
  test.for([
    { words: ["rehearse"] },
    { words: ["plan", "--rehearse"] },
    { words: ["test"] },
    { words: ["diff", "--from", "database", "--to", "migrations"] },
    { words: ["drift", "--files"], applied: true },
  ])("$words", async ({ words, applied = false }, { db }) => {
    const module = (here: string) =>
      `import { existsSync, writeFileSync } from "node:fs";
export const up = async ({ execute }) => {
  await execute("create table b ()");
  if (existsSync(${JSON.stringify(`${here}.passes`)})) return;
  writeFileSync(${JSON.stringify(here)}, "");
  await new Promise(() => setInterval(() => {}, 1000));
};`;
    const folder = folderOf(FILES);
    const here = join(folder, "here");
    writeFileSync(join(folder, "migrations/0002_b.mjs"), module(here));
    const godwit = commandIn({ folder, url: db.url });
    if (applied) {
      writeFileSync(`${here}.passes`, "");
      await godwit("up");
      rmSync(`${here}.passes`);
    }
    const running = godwit.start(...words, "--json");
    await until(() => existsSync(here));
    running.child.kill("SIGINT");
    const { json, stderr } = await running.exits(130);
    expect(json.problems).toMatchObject([
      { code: "INTERRUPTED", message: "SIGINT ended the run.", hint: READ },
    ]);
    expect(json.report).toBeUndefined();
    expect(stderr).not.toMatch(/0002_b was running|goes on where|continues where/);
  });
});
