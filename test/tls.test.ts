/** What each `sslmode` promises, against a real server that speaks TLS with a certificate of its own. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parseAddress } from "../src/database/address/address.ts";
import { tlsAttempts } from "../src/database/wire/tls.ts";
import { startServer, type ThrowAwayServer } from "./support/server.ts";

let server: ThrowAwayServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-tls-"));
  for (const name of ["server", "stranger"]) {
    execFileSync(
      "openssl",
      [
        ...["req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost"],
        ...["-addext", "subjectAltName=DNS:localhost"],
        ...["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`)],
      ],
      { stdio: "ignore" },
    );
  }
  server = await startServer({
    files: {
      "server.crt": await readFile(join(folder, "server.crt")),
      "server.key": await readFile(join(folder, "server.key")),
    },
    settings: ["ssl=on"],
  });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** For each attempt in order: encrypted, plain, or refused. */
async function outcomes(port: number, query: string): Promise<string[]> {
  const host = query.includes("verify-full-by-address") ? "127.0.0.1" : "localhost";
  const address = parseAddress({
    url: `postgres://postgres@${host}:${port}/postgres${query.replace("-by-address", "")}`,
    environment: {},
  });
  const attempts = await tlsAttempts(address.tls, { host: address.hosts[0], homeFolder: folder });
  const found: string[] = [];
  for (const ssl of attempts) {
    const client = new pg.Client({ host, port, user: "postgres", database: "postgres", ssl });
    try {
      await client.connect();
      const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
      found.push(rows[0].ssl ? "encrypted" : "plain");
    } catch {
      found.push("refused");
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return found;
}

test.each([
  ["?sslmode=disable", ["plain"], ["plain"]],
  ["?sslmode=allow", ["plain", "encrypted"], ["plain", "refused"]],
  ["", ["encrypted", "plain"], ["refused", "plain"]],
  ["?sslmode=require", ["encrypted"], ["refused"]],
  ["?sslmode=require&sslrootcert=ROOT", ["encrypted"], ["refused"]],
  ["?sslmode=require&sslrootcert=STRANGER", ["refused"], ["refused"]],
  ["?sslmode=verify-ca&sslrootcert=ROOT", ["encrypted"], ["refused"]],
  ["?sslmode=verify-ca&sslrootcert=STRANGER", ["refused"], ["refused"]],
  ["?sslmode=verify-full&sslrootcert=ROOT", ["encrypted"], ["refused"]],
  ["?sslmode=verify-full&sslrootcert=STRANGER", ["refused"], ["refused"]],
  ["?sslmode=verify-full-by-address&sslrootcert=ROOT", ["refused"], ["refused"]],
  ["?sslrootcert=system", ["refused"], ["refused"]],
])("%s: %s where there is TLS, %s where there is none", async (query, encrypted, plain) => {
  const filled = query
    .replace("ROOT", join(folder, "server.crt"))
    .replace("STRANGER", join(folder, "stranger.crt"));
  expect(await outcomes(server.port, filled)).toEqual(encrypted);
  expect(await outcomes(inject("postgres").port, filled)).toEqual(plain);
});

test("a certificate file that is not there is named", async () => {
  const { tls, hosts } = parseAddress({
    url: "postgres://u@h/d?sslmode=verify-full&sslrootcert=/nowhere/root.crt",
    environment: {},
  });
  await expect(tlsAttempts(tls, { host: hosts[0], homeFolder: folder })).rejects.toMatchObject({
    code: "URL_INVALID",
    message: expect.stringMatching(/\/nowhere\/root\.crt of sslrootcert cannot be read: it does not exist/),
  });
});

test("over a socket there is nothing to encrypt", async () => {
  const { tls, hosts } = parseAddress({
    url: "postgres://u@/d?host=/run/pg&sslmode=require",
    environment: {},
  });
  expect(await tlsAttempts(tls, { host: hosts[0], homeFolder: folder })).toEqual([false]);
});
