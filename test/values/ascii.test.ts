/** What we send by ourselves is ASCII, whatever the names and messages in it: seen on the wire. */

import { once } from "node:events";
import { rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

/** Forwards to a server and keeps the text of every `Query` and `Parse` message. */
async function listener(to: number): Promise<{ port: number; texts: readonly Buffer[] }> {
  const texts: Buffer[] = [];
  const server = createServer((client) => {
    const upstream = connect({ port: to, host: "127.0.0.1" });
    let rest = Buffer.alloc(0);
    let started = false;
    client.on("data", (chunk) => {
      upstream.write(chunk);
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = started ? 1 : 0;
        if (rest.length < head + 4) return;
        const end = head + rest.readUInt32BE(head);
        if (rest.length < end) return;
        if (started && /[QP]/.test(String.fromCharCode(rest[0] ?? 0))) texts.push(rest.subarray(5, end));
        started = true;
        rest = rest.subarray(end);
      }
    });
    upstream.on("data", (chunk) => client.write(chunk));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, texts };
}

test("no statement of ours holds a character beyond ASCII, in the whole life of migrations", async ({
  db,
}) => {
  const wire = await listener(db.port);
  const url = `${db.url.replace(`:${db.port}/`, `:${wire.port}/`)}?sslmode=disable`;
  const folder = folderOf({
    "migrations/0001_größe.up.sql": "create table a (id int); -- ü",
    "migrations/0001_größe.down.sql": "drop table a; /* ☃ */",
    "migrations/0002_öl.down.sql": "drop index i; -- 日本",
    "migrations/0002_öl.up.sql": "-- godwit: transaction=off\ncreate index concurrently i on a (id); -- 日本",
    "migrations/0003_é.js":
      "export async function up({ sql }) { await sql`select 1`; }\nexport async function down() {}",
    "migrations/repeatable/ß.sql": "create or replace view v as select 1 as one;",
  });
  const godwit = commandIn({ folder, url, env: { GODWIT_LEDGER_SCHEMA: "größe" } });
  await godwit("up", "--search-path", '"größe", public');
  writeFiles(folder, { "migrations/0004_ä.sql": "select nothing;" });
  await godwit.fails(1, "up");
  await godwit("status");
  await godwit("history", "--log");
  rmSync(join(folder, "migrations/0004_ä.sql"));
  await godwit("down", "base", "--search-path", '"größe", public');
  expect(wire.texts.length).toBeGreaterThan(20);
  const beyond = wire.texts.filter((text) => text.some((byte) => byte > 0x7f)).map(String);
  expect(beyond).toEqual([]);
});
