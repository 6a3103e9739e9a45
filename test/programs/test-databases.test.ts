/** `createTestDatabase` touches no database but its own, whoever else uses the server and however processes end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { parseAddress } from "../../src/database/address/address.ts";
import { withDatabase } from "../../src/database/address/with-database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createTestDatabase } from "../support/watched.ts";

const FILES = { "0001_shops.sql": "create table shops (id int primary key); insert into shops values (1);" };

let server: ThrowAwayServer;
let url: string;
let client: pg.Client;

beforeAll(async () => {
  // As few connections as a small server has.
  server = await startServer({ settings: ["max_connections=12", "superuser_reserved_connections=3"] });
  url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  client = new pg.Client(url);
  await client.connect();
}, 60_000);

afterAll(async () => {
  await client?.end();
  await server?.stop();
});

async function databases(pattern = "godwit_test_%"): Promise<readonly string[]> {
  const { rows } = await client.query("select datname from pg_database where datname like $1 order by 1", [
    pattern,
  ]);
  return rows.map(({ datname }) => datname);
}

async function countIn(address: string): Promise<number> {
  const own = new pg.Client(address);
  await own.connect();
  try {
    return (await own.query("select count(*)::int as count from shops")).rows[0].count;
  } finally {
    await own.end();
  }
}

/** Another process that makes so many at once, uses each, and closes them when its stdin ends. */
function maker(dir: string, databaseUrl: string, count: number) {
  const script = `
    import { createTestDatabase } from ${JSON.stringify(join(root, "dist", "testing.js"))};
    import pg from ${JSON.stringify(join(root, "node_modules", "pg", "lib", "index.js"))};
    const { dir, databaseUrl, count } = JSON.parse(process.argv[1]);
    const made = await Promise.all(Array.from({ length: count }, () => createTestDatabase({ dir, databaseUrl })));
    console.log("made " + made.map(({ name }) => name).join(" "));
    for await (const _ of process.stdin);
    await Promise.all(made.map((database) => database.close()));
    console.log("closed");`;
  const options = JSON.stringify({ dir, databaseUrl, count });
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, options], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const says = (word: string) =>
    until(
      () => {
        if (!output.includes(word) && child.exitCode !== null) throw new Error(output);
        return output.includes(word);
      },
      { what: word, withinMs: 90_000 },
    );
  return { child: child as ChildProcess, says, names: () => /made (.*)/.exec(output)?.[1]?.split(" ") ?? [] };
}

describe("the address", () => {
  test("whatever its notation, the migrations run in the copy and never in the database it names", async () => {
    const dir = folderOf(FILES);
    const { port } = server;
    for (const databaseUrl of [
      `postgres://postgres@127.0.0.1:${port}?sslmode=disable`,
      `postgres://postgres@127.0.0.1:${port}/?sslmode=disable`,
      `postgres://postgres@127.0.0.1:${port}/postgres?dbname=postgres`,
      `postgresql:///?host=127.0.0.1&port=${port}&user=postgres`,
      `host=127.0.0.1 port=${port} user=postgres dbname='postgres'`,
    ]) {
      await using database = await createTestDatabase({ dir, databaseUrl });
      expect(await countIn(database.url)).toBe(1);
      expect(parseAddress({ url: database.url, environment: {} }).database).toBe(database.name);
      expect(
        (await client.query("select from pg_class where relname in ('shops', 'migration_ledger')")).rows,
      ).toEqual([]);
    }
  });

  test.skipIf(withoutPgbouncer)(
    "behind a pooler that leads every name to one database nothing is done",
    async () => {
      const settings = [
        "[databases]",
        `* = host=127.0.0.1 port=${server.port} dbname=postgres user=postgres`,
      ];
      const place = { owner: "postgres", port: server.port, url };
      for (const [mode, code] of [
        ["session", "URL_INVALID"],
        ["transaction", "DATABASE_POOLED"],
      ] as const) {
        const pooler = await startPgbouncer(place, { mode, settings });
        try {
          const made = createTestDatabase({ dir: folderOf(FILES), databaseUrl: pooler.url });
          await expect(made).rejects.toMatchObject({ code });
        } finally {
          await pooler.stop();
        }
        expect(
          (await client.query("select from pg_class where relname in ('shops', 'migration_ledger')")).rows,
        ).toEqual([]);
        expect(await databases("godwit\\_template%\\_d\\_%")).toEqual([]);
      }
    },
  );

  test("keeps all that is not the database", () => {
    expect(withDatabase("postgres://u:p%2F@[::1]:5433,b/app?sslmode=require&dbname=x", "a b")).toBe(
      "postgres://u:p%2F@[::1]:5433,b/a%20b?sslmode=require",
    );
    expect(withDatabase("host=/run/pg user=app password='a b/@' sslmode=disable", "t")).toBe(
      "postgres://app:a%20b%2F%40@/t?host=%2Frun%2Fpg&sslmode=disable",
    );
  });
});

test("another role of the same server makes a template of its own", async () => {
  const dir = folderOf(FILES);
  await client.query("create role alice login createdb; create role bob login createdb");
  for (const role of ["alice", "bob", "alice"]) {
    await using database = await createTestDatabase({
      dir,
      databaseUrl: url.replace("postgres@", `${role}@`),
    });
    expect(await countIn(database.url)).toBe(1);
  }
});

test("25 at once from each of three processes share few connections, and every one is closed", async () => {
  const dir = folderOf(FILES);
  const makers = [1, 2, 3].map(() => maker(dir, url, 25));
  await Promise.all(makers.map(({ says }) => says("made ")));
  const names = makers.flatMap((each) => each.names());
  expect(new Set(names).size).toBe(75);
  expect(await databases()).toEqual([...names].sort());
  for (const name of [names[0], names[30], names[74]])
    expect(await countIn(url.replace(/postgres$/, name ?? ""))).toBe(1);
  for (const { child } of makers) child.stdin?.end();
  for (const { child, says } of makers) {
    await says("closed");
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(0);
  }
  expect(await databases()).toEqual([]);
  expect(await databases("%\\_d\\_%")).toEqual([]);
}, 120_000);

test("what a killed process left is dropped by the next one, and what lives is not", async () => {
  const dir = folderOf(FILES);
  const [killed, living] = [maker(dir, url, 2), maker(dir, url, 2)];
  await Promise.all([killed.says("made "), living.says("made ")]);
  await client.query("create database godwit_test_keepme");
  killed.child.kill("SIGKILL");
  await once(killed.child, "exit");
  await until(async () => {
    const { rows } = await client.query(
      "select from pg_stat_activity where application_name = 'godwit testing'",
    );
    return rows.length === 1;
  });
  await using next = await createTestDatabase({ dir, databaseUrl: url });
  expect(await databases()).toEqual([...living.names(), next.name, "godwit_test_keepme"].sort());
  await client.query("drop database godwit_test_keepme");
});

test("who forgets to close can still end", async () => {
  const script = `
    import { createTestDatabase } from ${JSON.stringify(join(root, "dist", "testing.js"))};
    await createTestDatabase(JSON.parse(process.argv[1]));`;
  const options = JSON.stringify({ dir: folderOf(FILES), databaseUrl: url });
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, options]);
  onTestFinished(() => void (child.exitCode === null && child.kill("SIGKILL")));
  expect((await once(child, "exit"))[0]).toBe(0);
});
