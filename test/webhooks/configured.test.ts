/** What is wrong with a webhook is one clear error before anything is done, and its URL and secrets stay unseen. */
import { execFileSync } from "node:child_process";
import { commandIn, type Finished } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startReceiver, webhookSecret } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int)" };
const CANARY = "Zq8canary55Zq";

const BAD: readonly [what: string, config: object, env: Readonly<Record<string, string>>, message: RegExp][] =
  [
    ["no URL", {}, { GODWIT_WEBHOOK_URL: `${CANARY} here` }, /GODWIT_WEBHOOK_URL is not a URL\./],
    [
      "a URL of something else",
      { webhooks: [{ url: `ftp://example.com/${CANARY}` }] },
      {},
      /webhooks\[0\]\.url is not a URL of HTTP\./,
    ],
    [
      "a secret of another form",
      {},
      { GODWIT_WEBHOOK_URL: "http://127.0.0.1:1/", GODWIT_WEBHOOK_SECRET: `${webhookSecret()} ${CANARY}` },
      /GODWIT_WEBHOOK_SECRET is not a secret of Standard Webhooks/,
    ],
    [
      "a variable that is not set",
      { webhooks: [{ url: { variable: "OPS_HOOK" } }] },
      {},
      /OPS_HOOK is not set \(webhooks\[0\]\.url\)\./,
    ],
    ["no list", { webhooks: { url: `http://127.0.0.1/${CANARY}` } }, {}, /webhooks is not a list\./],
    ["no URL in it", { webhooks: [{}] }, {}, /webhooks\[0\]\.url is missing\./],
    [
      "a mistyped key",
      { webhooks: [{ url: `http://127.0.0.1/${CANARY}`, event: [] }] },
      {},
      /unknown option "event".*Did you mean events\?/s,
    ],
    [
      "an event that there is not",
      { webhooks: [{ url: `http://127.0.0.1/${CANARY}`, events: ["run.complete"] }] },
      {},
      /webhooks\[0\]\.events .*Did you mean run\.completed\?/s,
    ],
    [
      "two of one name",
      { webhooks: [1, 2].map((number) => ({ url: `http://127.0.0.1/${CANARY}${number}`, name: "ops" })) },
      {},
      /Two webhooks are called "ops"\./,
    ],
  ];

test("bad input is refused by name, and none of it is quoted", async ({ db }) => {
  for (const [what, config, env, message] of BAD) {
    const folder = folderOf({ ...FILES, "godwit.config.json": JSON.stringify(config) });
    const { stdout, stderr } = await commandIn({ folder, url: db.url, env }).fails(1, "up", "--json");
    expect(stderr.replaceAll(/\s+/g, " "), what).toMatch(message);
    expect(`${stdout}${stderr}`, what).not.toContain(CANARY);
  }
  expect(await db.sql("select to_regclass('a')::text as a")).toEqual([{ a: null }]);
});

test("the command of the hint makes a secret", async ({ db }) => {
  const env = { GODWIT_WEBHOOK_URL: "http://127.0.0.1:1/", GODWIT_WEBHOOK_SECRET: "x" };
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url, env });
  const [, program] = /node -e '(.+)'/.exec((await godwit.fails(1, "status")).stderr) ?? [];
  const made = execFileSync(process.execPath, ["-e", program ?? ""], { encoding: "utf8" });
  await godwit.with({ GODWIT_WEBHOOK_SECRET: made })("status");
});

test("neither the URL nor a secret is seen anywhere, also where a migration prints its environment", async ({
  db,
}) => {
  const receiver = await startReceiver(500);
  const url = receiver.url.replace("T0ken", CANARY);
  const inFile = "http://127.0.0.1:1/services/T000/Zq9inTheFile99";
  // In whole, and the part that is secret by itself.
  const module = `export async function up({ log }) {
    for (const text of [...Object.values(process.env), ${JSON.stringify(inFile)}]) log.info(text + " in whole");
    log.info(new URL(process.env.GODWIT_WEBHOOK_URL).pathname.split("/").pop() + " alone");
    log.info(process.env.GODWIT_WEBHOOK_SECRET.slice(6) + " alone");
    log.info("Zq9inTheFile99 alone");
  }`;
  const folder = folderOf({
    ...{ ...FILES, "migrations/0002_prints.js": module },
    "godwit.config.json": JSON.stringify({ webhooks: [{ url: inFile }] }),
  });
  const secret = webhookSecret(7);
  const env = { GODWIT_WEBHOOK_URL: url, GODWIT_WEBHOOK_SECRET: secret };
  const godwit = commandIn({ folder, url: db.url, env });
  const said: Finished[] = [];
  for (const words of [["doctor"], ["up", "--verbose"], ["webhooks", "--json"], ["doctor", "--json"]])
    said.push(await godwit.start(...words).exits(0, 1));
  said.push(await godwit.fails(1, "webhooks", "--retry"));
  const all = said.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  expect(receiver.received[0]?.path).toContain(CANARY);
  expect(all).toContain("answered 500");
  expect(all.match(/\*\*\* alone/g)).toHaveLength(3);
  for (const hidden of [CANARY, secret, secret.slice(6), "Zq9inTheFile99"]) {
    expect(all).not.toContain(hidden);
    expect(await ledgerOf(db)).not.toContain(hidden);
  }
});

test("every target of a fleet tells for itself, and keeps for itself", async ({ db }) => {
  const [receiver, refusing] = [await startReceiver(), await startReceiver(404)];
  const root = folderOf({ "one/0001_a.sql": "create table a ()", "two/0001_b.sql": "create table b ()" });
  await db.sql("create schema one; create schema two");
  const target = (name: string) => ({
    ...{ url: db.url, dir: name, searchPath: name, ledgerSchema: `${ledgerSchema}_${name}` },
    allowSecondLedger: true,
  });
  await using fleet = createFleet({
    ...{ root, environment: {}, targets: { one: target("one"), two: target("two") } },
    webhooks: [{ url: receiver.url }, { url: refusing.url, events: ["run.started"] }],
  });
  await fleet.up();
  expect(receiver.received.map(({ json: { type, data } }) => [type, data.target])).toEqual([
    ["run.started", "one"],
    ["run.completed", "one"],
    ["run.started", "two"],
    ["run.completed", "two"],
  ]);
  expect((await fleet.target("two").webhooks()).undelivered).toMatchObject([{ target: "two" }]);
});

test("what is said of a webhook that nobody has named is refused by name", async () => {
  const folder = folderOf({ "migrations/0001_a.sql": "select 1;" });
  for (const [name, value] of [
    ["SECRET", `whsec_${Buffer.alloc(32, 1).toString("base64")}`],
    ["EVENTS", "run.failed"],
    ["FORMAT", "slack"],
  ] as const) {
    const variable = `GODWIT_WEBHOOK_${name}`;
    const { stderr } = await commandIn({ folder, env: { [variable]: value } }).fails(1, "up");
    expect(stderr).toContain(`${variable} is set, and GODWIT_WEBHOOK_URL is not.`);
  }
});

async function ledgerOf(db: TestDatabase): Promise<string> {
  const tables = await db.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = '${ledgerSchema}'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => db.sql(`select t::text as row from ${name} t`)));
  return JSON.stringify(rows);
}
