/** The tool itself: a network that is bad in exactly the way it was told to be. */

import fc from "fast-check";
import pg from "pg";
import { test as base, expect, type TestDatabase } from "./support/database.ts";
import { splitter, startProxy } from "./support/proxy.ts";
import { until } from "./support/until.ts";

const test = base.extend<{ net: Awaited<ReturnType<typeof startProxy>>; client: () => Promise<pg.Client> }>({
  net: async ({ db }, use) => {
    const net = await startProxy({ port: db.port });
    await use(net);
    await net.close();
  },
  client: async ({ db, net }, use) => {
    const clients: pg.Client[] = [];
    await use(async () => {
      const client = new pg.Client({ connectionString: net.url(db.url), pipeline: true } as pg.ClientConfig);
      client.on("error", () => undefined);
      clients.push(client);
      await client.connect();
      return client;
    });
    for (const client of clients)
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  },
});

async function rows(db: TestDatabase): Promise<unknown> {
  return (await db.sql("select count(*)::int as n from kept"))[0]?.n;
}

test("it carries everything, and counts messages", async ({ net, client }) => {
  const one = await client();
  const before = net.count();
  const { rows } = await one.query("select repeat('x', 1000000) as big");
  expect(rows[0].big).toHaveLength(1_000_000);
  const seen = net.messages.slice(before).map(({ from, type }) => `${from} ${type}`);
  expect(seen).toEqual(["client Q", "server T", "server D", "server C", "server Z"]);
});

test("cut before a message, the server never sees it", async ({ db, net, client }) => {
  await db.sql("create table kept (n int)");
  const one = await client();
  net.cutBefore(net.count() + 1);
  await expect(one.query("insert into kept values (1)")).rejects.toThrow();
  expect(await rows(db)).toBe(0);
});

test("cut after a message, the server has it and the client hears nothing", async ({ db, net, client }) => {
  await db.sql("create table kept (n int)");
  const one = await client();
  net.cutAfter(net.count() + 1);
  await expect(one.query("insert into kept values (1)")).rejects.toThrow();
  // The server works on it although nobody listens; its session ends when it has.
  await expect.poll(() => rows(db)).toBe(1);
  const two = await client();
  expect((await two.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("cut before the answer to a commit, it is committed", async ({ db, net, client }) => {
  await db.sql("create table kept (n int)");
  const one = await client();
  await one.query("begin; insert into kept values (1)");
  net.cutBefore(net.count() + 2); // the query is the first, CommandComplete the second
  await expect(one.query("commit")).rejects.toThrow();
  await expect.poll(() => rows(db)).toBe(1);
  expect(net.messages.at(-1)).toMatchObject({ from: "server", type: "C" });
});

test("delay is latency: twenty messages in flight take as long as one", async ({ net, client }) => {
  const one = await client();
  net.delay(100);
  const start = performance.now();
  await Promise.all(Array.from({ length: 20 }, (_, n) => one.query("select $1::int", [n])));
  const all = performance.now() - start;
  expect(all).toBeGreaterThan(190);
  expect(all).toBeLessThan(2000); // one after the other they would need 4000
});

test("silence keeps both sides waiting, and says nothing of who hung up", async ({ db, net, client }) => {
  const one = await client();
  const pid = (await one.query("select pg_backend_pid() as pid")).rows[0].pid;
  net.goSilent();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  one.query("select 1").then(settle, settle);
  await until(() => net.keptBack.some(({ type }) => type === "Q"));
  expect(settled).toBe(false);
  (one as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await until(() => net.keptBack.some(({ type }) => type === "closed"));
  const session = await db.admin("select state, query from pg_stat_activity where pid = $1", [pid]);
  expect(session).toEqual([{ state: "idle", query: "select pg_backend_pid() as pid" }]);
});

test("messages are found whatever the pieces they arrive in", () => {
  const message = fc
    .tuple(fc.integer({ min: 65, max: 122 }), fc.uint8Array({ maxLength: 40 }))
    .map(([type, body]) => {
      const bytes = Buffer.alloc(5 + body.length);
      bytes[0] = type;
      bytes.writeInt32BE(4 + body.length, 1);
      bytes.set(body, 5);
      return bytes;
    });
  fc.assert(
    fc.property(fc.array(message), fc.array(fc.nat(20)), (messages, sizes) => {
      const split = splitter("server");
      let stream = Buffer.concat(messages);
      const found: Buffer[] = [];
      for (const size of sizes) {
        found.push(...split(stream.subarray(0, size)).map(({ bytes }) => bytes));
        stream = stream.subarray(size);
      }
      found.push(...split(stream).map(({ bytes }) => bytes));
      expect(found.map((bytes) => bytes.toString("hex"))).toEqual(
        messages.map((bytes) => bytes.toString("hex")),
      );
    }),
  );
});
