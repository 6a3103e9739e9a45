/** Where messages go and where they are kept: over TLS, by many runs at once, and in any encoding. */
import pg from "pg";
import { onTestFinished } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { startReceiver, startSecureReceiver } from "../support/receiver.ts";
import { folderOf } from "../support/target.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };

test("over HTTPS a message goes only to a receiver whose certificate is trusted", async ({ db }) => {
  const folder = folderOf({ ...FILES, "migrations/0002_b.sql": "create table b (id int)" });
  const { file, files } = makeCertificate(folder);
  const [cert, key] = [files["server.crt"] ?? Buffer.of(), files["server.key"] ?? Buffer.of()];
  const receiver = await startSecureReceiver({ cert, key });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_WEBHOOK_URL: receiver.url } });
  expect((await godwit("up", "+1")).stderr).toMatch(/could not be reached \([A-Z_]*CERT[A-Z_]*\)/);
  expect(receiver.received).toEqual([]);
  await godwit.with({ NODE_EXTRA_CA_CERTS: file })("up");
  expect(receiver.types()).toEqual(["run.started", "run.completed"]);
});

test("six runs that fail at once each keep their own message, and the table is made once", async ({ db }) => {
  const receiver = await startReceiver(404);
  const env = { GODWIT_WEBHOOK_URL: receiver.url, GODWIT_WEBHOOK_EVENTS: "run.failed" };
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_x.sql": "wrong" }), url: db.url, env });
  await Promise.all(Array.from({ length: 6 }, () => godwit.fails(1, "up")));
  const { undelivered } = (await godwit("webhooks", "--json")).json;
  expect(
    undelivered.map(({ type, attempts }: { type: string; attempts: number }) => [type, attempts]),
  ).toEqual(Array.from({ length: 6 }, () => ["run.failed", 1]));
});

test("a database of another encoding keeps what it has no letters for", async ({ db }) => {
  const name = `${db.name}_latin1`;
  const [server] = await db.admin<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  const provider = (server?.version ?? 0) >= 150_000 ? "locale_provider libc" : "";
  await db.admin(
    `create database ${name} template template0 owner ${db.owner} encoding 'LATIN1' ${provider} lc_collate 'C' lc_ctype 'C'`,
  );
  onTestFinished(async () => {
    const server = new pg.Client(db.adminUrl.replace(/[^/]+$/, "postgres"));
    await server.connect();
    await server.query(`drop database if exists ${name} with (force)`);
    await server.end();
  });
  const receiver = await startReceiver(404);
  const files = { "migrations/0001_größe_日本_😀.sql": "create table a ()" };
  const url = db.url.replace(/[^/]+$/, name);
  const env = { GODWIT_WEBHOOK_URL: receiver.url, GODWIT_PROJECT: "日本" };
  const godwit = commandIn({ folder: folderOf(files), url, env });
  await godwit("up");
  expect((await godwit("webhooks", "--json")).json.undelivered).toMatchObject([
    { target: "日本" },
    { target: "日本" },
  ]);
  const first = receiver.received.length;
  receiver.behave(200);
  await godwit("webhooks", "--retry");
  expect(receiver.received[first]?.json.data.pending).toEqual(["0001_größe_日本_😀"]);
});
