/** What a webhook does not take never fails a run and never holds it up; it is kept, shown, and sent when somebody says so. */

import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Behaviour, type Receiver, startReceiver, webhookSecret } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };

function place(db: TestDatabase, receiver: Pick<Receiver, "url">) {
  return commandIn({
    folder: folderOf(FILES),
    url: db.url,
    env: { GODWIT_WEBHOOK_URL: receiver.url, GODWIT_WEBHOOK_SECRET: webhookSecret() },
  });
}

const rowsOf = (db: TestDatabase) =>
  db.sql(`select t::text as row from "${ledgerSchema}".webhook_undelivered t order by 1`);

test("a receiver that cuts and is down for a moment gets every message in the end, with one id", async ({
  db,
}) => {
  const receiver = await startReceiver("cut", 503, 204);
  const { json } = await place(db, receiver)("up", "--json");
  expect(json.report).toMatchObject({ outcome: "done", warnings: [] });
  expect(receiver.types()).toEqual(["run.started", "run.started", "run.started", "run.completed"]);
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(2);
});

const REFUSALS: readonly [name: string, behaviour: Behaviour, reason: RegExp][] = [
  ["always fails", 500, /answered 500/],
  ["does not know the path", 404, /answered 404/],
  [
    "redirects",
    { status: 302, headers: { location: "http://127.0.0.1:1/elsewhere" } },
    /answered 302, and a redirect is not followed/,
  ],
  ["never answers", "silence", /had not (answered|been reached) when the run ended/],
];
for (const [name, behaviour, reason] of REFUSALS)
  test(`a receiver that ${name} changes no exit code, and its messages are kept and sent later`, async ({
    db,
  }) => {
    const receiver = await startReceiver(behaviour);
    const godwit = place(db, receiver);
    const { json, stderr } = await godwit("up", "--json");
    expect(json.report.outcome).toBe("done");
    expect(json.report.warnings).toMatchObject([
      { code: "WEBHOOK_UNDELIVERED", details: { types: ["run.started", "run.completed"] } },
    ]);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain("godwit webhooks --retry");
    const { findings } = (await godwit("doctor", "--json")).json;
    expect(findings.find(({ subject }: { subject: string }) => subject === "webhooks")).toMatchObject({
      message: `2 messages were not delivered to ${new URL(receiver.url).host}`,
    });
    const kept = (await godwit("webhooks", "--json")).json;
    expect(kept.undelivered.map((each: { type: string }) => each.type)).toEqual([
      "run.started",
      "run.completed",
    ]);
    expect(JSON.stringify([kept, await rowsOf(db), stderr])).not.toMatch(/T0ken|hooks\/|whsec_/);

    if (behaviour !== "silence")
      expect((await godwit.fails(1, "webhooks", "--retry")).stdout).toMatch(/^0 messages delivered\.\n/);
    receiver.behave(204);
    const before = receiver.received.length;
    expect((await godwit("webhooks", "--retry")).stdout).toBe("2 messages delivered.\n");
    expect(receiver.types().slice(before)).toEqual(["run.started", "run.completed"]);
    expect((await godwit("webhooks")).stdout).toBe("Every message was delivered.\n");
  });

test("nobody listens: the run is done, and the messages of a webhook that is gone can be forgotten", async ({
  db,
}) => {
  const godwit = place(db, { url: "http://127.0.0.1:1/hooks/T0ken" });
  expect((await godwit("up")).stderr).toContain("127.0.0.1:1 could not be reached (ECONNREFUSED)");
  const other = godwit.with({ GODWIT_WEBHOOK_URL: "http://127.0.0.2:1/other" });
  const { stdout } = await other.fails(1, "webhooks", "--retry");
  expect(stdout).toContain("127.0.0.1:1 is not configured any more");
  expect((await other("webhooks", "--forget")).stdout).toBe("2 messages forgotten.\n");
  expect(await rowsOf(db)).toEqual([]);
});

test("where even the database does not keep them, the run says so and ends as it would", async ({ db }) => {
  const godwit = place(db, { url: "http://127.0.0.1:1/" }).with({
    DATABASE_URL: "postgres://nobody@127.0.0.1:2/none",
    GODWIT_CONNECT_ATTEMPTS: "1",
  });
  const { stderr } = await godwit.fails(1, "up");
  expect(stderr).toContain("[DATABASE_UNREACHABLE]");
  expect(stderr).toContain("The database could not keep them either (DATABASE_UNREACHABLE).");
});

test("a program lists, retries and forgets them too, and learns of them as of any warning", async ({
  db,
}) => {
  const receiver = await startReceiver(500);
  const warnings: string[] = [];
  await using migrator = createMigrator({
    ...{ root: folderOf(FILES), databaseUrl: db.url, ledgerSchema, environment: {} },
    webhooks: [{ url: receiver.url, events: ["run.completed"], name: "ops" }],
    observe: (event) => void (event.kind === "warning" && warnings.push(event.problem.code)),
  });
  const report = await migrator.up();
  expect([warnings, report.warnings.map(({ code }) => code)]).toEqual([
    ["WEBHOOK_UNDELIVERED"],
    ["WEBHOOK_UNDELIVERED"],
  ]);
  expect(await migrator.webhooks()).toMatchObject({
    ...{ delivered: 0, forgotten: 0 },
    undelivered: [{ webhook: "ops", type: "run.completed", attempts: 3, reason: "answered 500" }],
  });
  expect(await migrator.webhooks("retry")).toMatchObject({ delivered: 0, undelivered: [{ attempts: 4 }] });
  receiver.behave(200);
  expect(await migrator.webhooks("retry")).toMatchObject({ delivered: 1, undelivered: [] });
  await expect(migrator.webhooks("all" as never)).rejects.toThrow("one of list, retry, forget");
});
