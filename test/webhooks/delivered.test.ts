/** Webhooks are told about runs, signed as Standard Webhooks says, and a run never waits long for them. */
import { Webhook } from "standardwebhooks";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startReceiver, webhookSecret } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_a.sql": "create table a (word_of_the_file int);",
  "migrations/0002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;",
  "package.json": JSON.stringify({ name: "shop", version: "1.2.3" }),
};

test("a run tells that it has started and completed, and every secret verifies the signature", async ({
  db,
}) => {
  const receiver = await startReceiver();
  const env = {
    GODWIT_WEBHOOK_URL: receiver.url,
    GODWIT_WEBHOOK_SECRET: `${webhookSecret(2)} ${webhookSecret(1)}`,
    NODE_ENV: "staging",
  };
  const { report } = (await commandIn({ folder: folderOf(FILES), url: db.url, env })("up", "--json")).json;
  expect(report.warnings).toEqual([]);
  expect(receiver.types()).toEqual(["run.started", "run.completed"]);
  for (const { headers, body } of receiver.received)
    for (const number of [1, 2])
      expect(new Webhook(webhookSecret(number)).verify(body, headers as Record<string, string>)).toEqual(
        JSON.parse(body),
      );
  const [started, completed] = receiver.received;
  const facts = {
    ...{ service: "shop", environment: "staging", version: "1.2.3", target: db.name },
    ...{ command: "up", runId: report.runId, host: expect.any(String) },
  };
  expect(started?.json.data).toEqual({ ...facts, pending: ["0001_a", "0002_b"], count: 2 });
  expect(completed?.json.data).toEqual({
    ...{ ...facts, applied: ["0001_a", "0002_b"], count: 2 },
    ...{ durationMs: expect.any(Number), warnings: [] },
  });
  expect(started?.headers["webhook-id"]).not.toBe(completed?.headers["webhook-id"]);
  expect(() =>
    new Webhook(webhookSecret(3)).verify(started?.body ?? "", started?.headers as never),
  ).toThrow();
});

test("a run with nothing to do tells nothing, and one that fails tells what failed without its text", async ({
  db,
}) => {
  const receiver = await startReceiver();
  const folder = folderOf({ ...FILES, "migrations/0003_c.sql": "insert into nowhere values ('word in it')" });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_WEBHOOK_URL: receiver.url } });
  await godwit("up", "0002");
  await godwit("up", "0002");
  expect(receiver.types()).toEqual(["run.started", "run.completed"]);
  await godwit.fails(1, "up");
  await godwit("down", "-1");
  expect(receiver.received.slice(2).map(({ json: { type, data } }) => [type, data.command])).toEqual([
    ["run.started", "up"],
    ["run.failed", "up"],
    ["run.started", "down"],
    ["run.completed", "down"],
  ]);
  expect(receiver.received[3]?.json.data).toMatchObject({
    ...{ outcome: "failed", applied: [], count: 0, remaining: 0 },
    failures: [{ code: "STEP_FAILED", revision: "0003_c", committed: "none" }],
  });
  expect(receiver.received.map(({ body }) => body).join()).not.toMatch(/nowhere|word|insert|create|drop/);
});

test("a run that can't even connect tells that it failed", async () => {
  const receiver = await startReceiver();
  const env = { GODWIT_WEBHOOK_URL: receiver.url, GODWIT_CONNECT_ATTEMPTS: "1" };
  const url = "postgres://nobody@127.0.0.1:1/none";
  await commandIn({ folder: folderOf(FILES), url, env }).fails(1, "up");
  expect(receiver.received.map(({ json }) => json.data.failures)).toEqual([
    [{ code: "DATABASE_UNREACHABLE", revision: null, committed: null }],
  ]);
});

test("Slack gets text in its own markup, and each webhook only the events that it asked for", async ({
  db,
}) => {
  const [chat, failures] = [await startReceiver(), await startReceiver()];
  const webhooks = [
    { url: chat.url, format: "slack" },
    { url: failures.url, events: ["run.failed"], secrets: [webhookSecret()] },
  ] as const;
  const folder = folderOf({ "migrations/0001_a.sql": "create table a ()", "migrations/0002_x.sql": "wrong" });
  await using migrator = createMigrator({
    ...{ root: folder, databaseUrl: db.url, ledgerSchema, webhooks, project: "a <b> & c", service: "shop" },
    environment: { NODE_ENV: "production" },
  });
  await migrator.up("+1");
  await expect(migrator.up()).rejects.toThrow(/0002_x/);
  expect(chat.received.map(({ json }) => json.text)).toEqual([
    "*shop* (production), a &lt;b&gt; &amp; c: applying 1 migration: `0001_a`.",
    expect.stringMatching(/^:white_check_mark: \*shop\* .*: applied 1 migration in [\d.]+ s: `0001_a`\.$/),
    "*shop* (production), a &lt;b&gt; &amp; c: applying 1 migration: `0002_x`.",
    expect.stringMatching(
      /^:x: .*: the run failed: `0002_x` STEP_FAILED\. Before that it applied 0 migrations\./,
    ),
  ]);
  expect(failures.types()).toEqual(["run.failed"]);
});
