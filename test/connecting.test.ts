/** Whatever keeps a run from its database has a name, a way out, and no password in it. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { freePort } from "../src/database/embedded/cluster.ts";
import { GodwitError } from "../src/errors.ts";
import { asSecret } from "./support/canaries.ts";
import { makeCertificate } from "./support/certificate.ts";
import { ledgerSchema } from "./support/database.ts";
import { startServer, type ThrowAwayServer } from "./support/server.ts";
import { folderOf, recorder, targetOf, up } from "./support/target.ts";

const PASSWORD = asSecret("the password of a role", "s3cret/ö% of a role");
const IN_URL = encodeURIComponent(PASSWORD);
const HBA = `host all postgres all trust
hostssl all tlsonly all scram-sha-256
hostnossl all tlsonly all reject
host all all all scram-sha-256
`;

let server: ThrowAwayServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "godwit-connecting-"));
  server = await startServer({
    files: { ...makeCertificate(folder).files, "pg_hba.conf": HBA },
    settings: ["ssl=on"],
  });
  for (const role of ["limited", "crowded", "tlsonly"])
    await admin(`create role ${role} login password '${PASSWORD}'`);
  await admin("alter role crowded connection limit 0");
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function admin(text: string, database = "postgres"): Promise<unknown[]> {
  const client = new pg.Client(`postgres://postgres@127.0.0.1:${server.port}/${database}`);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const FILES = { "0001_a.sql": "select 1;" };

/** The error of a run, which is ours and says what to do; with what had been told until then. */
async function refusal(url: string, settings = {}, pooling?: "transaction") {
  const run = recorder();
  const error: unknown = await (async () =>
    up(
      targetOf({
        url,
        folder: folderOf(FILES),
        settings: { connectAttempts: 2, ...settings },
        ...(pooling ? { pooling } : {}),
      }),
      run,
    ))().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(GodwitError);
  const { code, message, hint } = error as GodwitError;
  expect(hint).toMatch(/\w/);
  for (const part of [PASSWORD, IN_URL, "s3cret"])
    expect(inspect([error, run.events], { depth: 20, showHidden: true })).not.toContain(part);
  return { code, message, hint, waited: run.events.filter(({ kind }) => kind === "database-waiting").length };
}

const at = (user: string, rest = "/postgres", password = IN_URL) =>
  `postgres://${user}:${password}@127.0.0.1:${server.port}${rest}`;

test("a wrong password is refused at once", async () => {
  for (const mode of ["", "?sslmode=prefer", "?sslmode=disable", "?sslmode=require", "?sslmode=allow"])
    expect(await refusal(at("limited", `/postgres${mode}`, "s3cret-no"))).toMatchObject({
      code: "DATABASE_REFUSED_LOGIN",
      message: expect.stringContaining("password authentication failed"),
      waited: 0,
    });
});

test("one hears of the password also where the server and we disagree on TLS", async () => {
  const plain = await startServer({ files: { "pg_hba.conf": "host all all all scram-sha-256\n" } });
  onTestFinished(plain.stop);
  const url = `postgres://postgres:s3cret-no@127.0.0.1:${plain.port}/postgres?sslmode=prefer`;
  expect(await refusal(url)).toMatchObject({
    message: expect.stringContaining("password authentication failed"),
  });
  expect(await refusal(at("tlsonly", "/postgres?sslmode=allow", "s3cret-no"))).toMatchObject({
    message: expect.stringContaining("password authentication failed"),
  });
  expect(await refusal(at("tlsonly", "/postgres", "s3cret-no"))).toMatchObject({
    message: expect.stringContaining("password authentication failed"),
  });
  await up(
    targetOf({ url: at("tlsonly", "/postgres?sslmode=allow"), folder: folderOf({ "a.sql": "select 1;" }) }),
  ).catch((error) => expect(error.code).toBe("DATABASE_PRIVILEGE"));
});

test("a missing password is asked for", async () => {
  expect(await refusal(`postgres://limited@127.0.0.1:${server.port}/postgres`)).toMatchObject({
    code: "DATABASE_REFUSED_LOGIN",
    message: expect.stringContaining("asks for a password"),
    waited: 0,
  });
});

test("a database that does not exist is named", async () => {
  expect(await refusal(at("limited", "/nowhere"))).toMatchObject({
    code: "DATABASE_REFUSED_LOGIN",
    message: expect.stringContaining('"nowhere" does not exist'),
    hint: expect.stringContaining("Create the database"),
    waited: 0,
  });
});

test("a role without CONNECT is refused at once, and the statement of the hint lets it in", async () => {
  await admin("create database private");
  await admin("revoke connect on database private from public");
  const { hint = "", ...refused } = await refusal(at("limited", "/private"));
  expect(refused).toMatchObject({ code: "DATABASE_REFUSED_LOGIN", waited: 0 });
  const [, words = ""] = /(GRANT CONNECT ON DATABASE) …/.exec(hint) ?? [];
  await admin(`${words} private to limited`);
  expect(await refusal(at("limited", "/private"))).toMatchObject({ code: "DATABASE_PRIVILEGE" });
});

test("nobody there is waited for, as often as was asked", async () => {
  for (const host of [`127.0.0.1:${await freePort()}`, "nowhere.invalid"])
    expect(
      await refusal(`postgres://limited:${IN_URL}@${host}/postgres`, { connectAttempts: 3 }),
    ).toMatchObject({
      code: "DATABASE_UNREACHABLE",
      waited: 2,
    });
});

test("a host that never answers is given up after connect_timeout", async () => {
  const { port } = await deafServer();
  expect(
    await refusal(`postgres://limited:${IN_URL}@127.0.0.1:${port}/postgres?connect_timeout=2`, {
      connectAttempts: 1,
    }),
  ).toMatchObject({
    code: "DATABASE_UNREACHABLE",
    message: expect.stringContaining("no answer within 2 s (connect_timeout)"),
  });
});

test("a signal ends the waiting for a host that never answers", async () => {
  const { port, called } = await deafServer();
  const run = recorder();
  const running = up(
    targetOf({ url: `postgres://limited:${IN_URL}@127.0.0.1:${port}/postgres`, folder: folderOf(FILES) }),
    run,
  );
  running.catch(() => {});
  await called;
  run.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});

test("a URL that cannot be understood is not repeated", async () => {
  for (const url of [
    `postgres://limited:${PASSWORD}@:::1/x`,
    `mysql://limited:${IN_URL}@h/x`,
    at("limited", "/postgres?sslmode=maybe"),
  ])
    expect((await refusal(url)).code).toMatch(/^(URL_INVALID|CONFIG_VARIABLE_INVALID)$/);
});

test("a certificate that nobody vouches for is refused at once, and so is a server without TLS", async () => {
  expect(await refusal(at("limited", `/postgres?sslmode=verify-full&sslrootcert=system`))).toMatchObject({
    code: "DATABASE_TLS",
    hint: expect.stringContaining("sslrootcert"),
    waited: 0,
  });
  const plain = `postgres://u:${IN_URL}@127.0.0.1:${inject("postgres").port}/postgres?sslmode=require`;
  expect(await refusal(plain)).toMatchObject({
    code: "DATABASE_TLS",
    message: expect.stringContaining("does not support SSL"),
    waited: 0,
  });
});

test("too many connections are waited for", async () => {
  expect(await refusal(at("crowded"))).toMatchObject({
    code: "DATABASE_UNREACHABLE",
    message: expect.stringContaining("too many connections"),
    waited: 1,
  });
});

test("of several hosts the one that answers says what is wrong", async () => {
  const hosts = `127.0.0.1:${await freePort()},127.0.0.1:${server.port}`;
  expect(await refusal(`postgres://limited:s3cret-no@${hosts}/postgres`)).toMatchObject({
    code: "DATABASE_REFUSED_LOGIN",
    waited: 0,
  });
});

test("who may not make the ledger is told the statement that helps, and it does", async () => {
  for (const [name, remedy] of [
    ["granted", (database: string) => `grant create on database ${database} to limited`],
    ["given", () => `create schema "${ledgerSchema}" authorization limited`],
  ] as const) {
    await admin(`create database ${name}`);
    for (const pooling of [undefined, "transaction"] as const) {
      expect(await refusal(at("limited", `/${name}`), {}, pooling)).toMatchObject({
        code: "DATABASE_PRIVILEGE",
        waited: 0,
      });
    }
    await admin(remedy(name), name);
    const target = targetOf({ url: at("limited", `/${name}`), folder: folderOf(FILES) });
    expect((await up(target)).steps).toHaveLength(1);
  }
});

test("a standby is waited for, in case it is promoted, and named", async () => {
  const standby = await startServer({ files: { "standby.signal": "" }, settings: ["hot_standby=on"] });
  onTestFinished(standby.stop);
  const url = (rest: string) => `postgres://postgres:${IN_URL}@127.0.0.1:${standby.port}/postgres${rest}`;
  expect(await refusal(url(""))).toMatchObject({
    code: "DATABASE_IN_RECOVERY",
    message: expect.stringContaining("standby"),
  });
  expect(await refusal(url("?target_session_attrs=read-write"), { connectAttempts: 3 })).toMatchObject({
    code: "DATABASE_IN_RECOVERY",
    hint: expect.stringContaining("primary"),
    waited: 2,
  });
});

test("a server that comes late is waited for", async () => {
  const port = await freePort();
  const run = recorder();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = { connectAttempts: 1_000, connectDelayMs: 20 };
  const running = up(targetOf({ url, folder: folderOf(FILES), settings }), run);
  running.catch(() => {});
  const waiting = await run.once("database-waiting");
  expect(waiting).toMatchObject({ attempt: 1, attempts: 1_000, problem: { code: "DATABASE_UNREACHABLE" } });
  const late = await startServer({ settings: [`port=${port}`] });
  onTestFinished(late.stop);
  expect((await running).steps).toHaveLength(1);
  const delays = run.events.flatMap((event) => (event.kind === "database-waiting" ? [event.delayMs] : []));
  expect(delays.length).toBeGreaterThan(1);
  expect(Math.max(...delays)).toBeGreaterThan(delays[0] as number);
});

/** Accepts connections and says nothing. */
async function deafServer(): Promise<{ port: number; called: Promise<unknown> }> {
  const deaf = createServer((socket) => socket.on("error", () => {}));
  deaf.listen(0, "127.0.0.1");
  await once(deaf, "listening");
  onTestFinished(() => {
    deaf.close();
  });
  return { port: (deaf.address() as AddressInfo).port, called: once(deaf, "connection") };
}
