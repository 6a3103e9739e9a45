/** A run that waits too long tells for what, once; a signal or a deadline ends it as promptly as without webhooks. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { startReceiver, webhookSecret } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";

const FILES = {
  "migrations/0001_a.sql": "create table a (id int);",
  "migrations/0002_b.sql": "alter table a add column word_of_the_file text",
};

test("the session in the way is named with the command that ends it, and without what it does", async ({
  db,
}) => {
  const receiver = await startReceiver();
  const env = { GODWIT_WEBHOOK_URL: receiver.url, GODWIT_BLOCKED_AFTER: "1s" };
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url, env });
  await godwit("up", "+1");
  const client = await db.connect();
  await client.query("begin; lock table a in share mode; select 1 as word_of_the_blocker");
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const up = godwit.start("up");
  const blocked = (await receiver.arrived(4))[3]?.json;
  expect(blocked).toMatchObject({
    type: "run.blocked",
    data: {
      revision: "0002_b",
      waitingFor: { kind: "lock", pid: rows[0].pid, command: `select pg_terminate_backend(${rows[0].pid});` },
    },
  });
  expect(blocked.data.waitedMs).toBeGreaterThanOrEqual(1_000);
  await db.sql(blocked.data.waitingFor.command);
  await up.exits(0);
  const types = ["run.started", "run.completed", "run.started", "run.blocked", "run.completed"];
  expect(receiver.types()).toEqual(types);
  expect(receiver.received.map(({ body }) => body).join()).not.toContain("word_of");
});

test("a run that waits for another one tells so, and one that a signal ends tells that and ends at once", async ({
  db,
}) => {
  const [receiver, silent] = [await startReceiver(), await startReceiver("silence")];
  const webhooks = [{ url: receiver.url }, { url: silent.url }];
  const sleeping = {
    "migrations/0001_a.sql": "select pg_sleep(600)",
    "godwit.config.json": JSON.stringify({ webhooks, blockedAfter: "1ms" }),
  };
  const godwit = commandIn({ folder: folderOf(sleeping), url: db.url });
  const first = godwit.start("up");
  await receiver.arrived(1);
  const second = godwit.start("up");
  const told = (await receiver.arrived(2))[1]?.json;
  expect(told).toMatchObject({ type: "run.blocked", data: { revision: null, waitingFor: { kind: "run" } } });
  for (const running of [second, first]) {
    running.child.kill("SIGTERM");
    const { stderr } = await running.exits(143);
    expect(stderr).toContain("[INTERRUPTED]");
    expect(stderr).not.toContain("had not ended");
  }
  expect(receiver.received.slice(2).map(({ json: { type, data } }) => [type, data.outcome])).toEqual([
    ["run.failed", "interrupted"],
    ["run.failed", "interrupted"],
  ]);
  const { undelivered } = (await godwit("webhooks", "--json")).json;
  expect(undelivered.map(({ type }: { type: string }) => type).toSorted()).toEqual([
    ...["run.blocked", "run.failed", "run.failed", "run.started"],
  ]);
});

test("over HTTPS a run is told too, and what is not taken is kept behind row-level security", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const receiver = await startReceiver(400);
  const env = {
    ...api.env,
    ...{ GODWIT_WEBHOOK_URL: receiver.url, GODWIT_WEBHOOK_SECRET: webhookSecret() },
  };
  const godwit = commandIn({ folder: folderOf(FILES), env });
  expect((await godwit("up", "--json")).json.report.outcome).toBe("done");
  expect(receiver.types()).toEqual(["run.started", "run.completed"]);
  const table = `'"${ledgerSchema}".webhook_undelivered'::regclass`;
  expect(await db.sql(`select relrowsecurity from pg_class where oid = ${table}`)).toEqual([
    { relrowsecurity: true },
  ]);
  receiver.behave(200);
  expect((await godwit("webhooks", "--retry")).stdout).toBe("2 messages delivered.\n");
});
