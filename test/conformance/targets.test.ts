/** The laws over every way to reach a PostgreSQL. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { afterAll, beforeAll, describe, inject } from "vitest";
import { parseAddress } from "../../src/database/address/address.ts";
import { freePort } from "../../src/database/embedded/cluster.ts";
import { openEmbedded } from "../../src/database/embedded/embedded.ts";
import { openPglite } from "../../src/database/pglite.ts";
import { endpointOf } from "../../src/database/rpc/endpoint.ts";
import { functionSql } from "../../src/database/rpc/exec-sql.ts";
import { openRpc } from "../../src/database/rpc/rpc.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import { Secret } from "../../src/std/secret.ts";
import { makeCertificate } from "../support/certificate.ts";
import { ledgerSchema } from "../support/database.ts";
import { startPostgrest } from "../support/postgrest.ts";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import { type Place, targetLaws } from "./target.ts";

/** A database of its own on a server that is administered over TCP, and reached by the URL. */
async function placeOn(port: number, urlOf: (database: string) => string | Promise<string>): Promise<Place> {
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
  await admin.connect();
  const database = `laws_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await admin.query(`create database ${database}`);
  const address = parseAddress({ url: await urlOf(database), environment: {} });
  return {
    open: () => openPostgres(address, { applicationName: "godwit test" }),
    async terminate(pid) {
      await admin.query("select pg_terminate_backend($1)", [pid]);
    },
    async close() {
      await admin.query(`drop database ${database} with (force)`);
      await admin.end();
    },
  };
}

targetLaws("TCP", () =>
  placeOn(
    inject("postgres").port,
    (name) => `postgres://postgres@127.0.0.1:${inject("postgres").port}/${name}`,
  ),
);

targetLaws("several hosts, the first of them dead", () =>
  placeOn(inject("postgres").port, async (name) => {
    const hosts = `127.0.0.1:${await freePort()},127.0.0.1:${inject("postgres").port}`;
    return `postgres://postgres@${hosts}/${name}?target_session_attrs=read-write`;
  }),
);

describe("a server of its own", () => {
  let server: ThrowAwayServer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "godwit-laws-"));
    chmodSync(folder, 0o777); // whoever the server is makes its socket here
    server = await startServer({
      files: makeCertificate(folder).files,
      settings: ["ssl=on", `unix_socket_directories=${folder}`],
    });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  targetLaws("Unix socket", () =>
    placeOn(server.port, (name) => `postgres://postgres@/${name}?host=${folder}&port=${server.port}`),
  );
  for (const mode of ["require", "prefer", "verify-full"])
    targetLaws(`TLS, sslmode=${mode}`, () =>
      placeOn(server.port, (name) => {
        const root = mode === "verify-full" ? `&sslrootcert=${join(folder, "server.crt")}` : "";
        return `postgres://postgres@localhost:${server.port}/${name}?sslmode=${mode}${root}`;
      }),
    );
});

targetLaws("embedded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-laws-"));
  chmodSync(folder, 0o711);
  const server = await openEmbedded({ folder, environment: process.env, log: () => {} });
  const address = parseAddress({ url: server.url, environment: {} });
  const open = () => openPostgres(address, { applicationName: "godwit test" });
  return {
    open,
    async terminate(pid) {
      await using other = await open();
      await other.query("select pg_terminate_backend($1)", [pid]);
    },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

targetLaws(
  "Supabase over HTTPS",
  async () => {
    const { port } = inject("postgres");
    const server = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
    await server.connect();
    const name = `laws_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
    await server.query(`create database ${name}`);
    const database = new pg.Client(`postgres://postgres@127.0.0.1:${port}/${name}`);
    await database.connect();
    const admin = async <R>(text: string) => (await database.query(text)).rows as R[];
    const api = await startPostgrest({ admin, name, port });
    const endpoint = endpointOf({
      url: api.url,
      key: new Secret(api.keys.service),
      names: { url: "URL", key: "KEY" },
    });
    return {
      open: () => openRpc(endpoint),
      async terminate() {
        const { length } = api.requests;
        api.fault = (_, number) => (number > length ? "after" : undefined);
      },
      async reset() {
        await admin(`drop schema if exists "${ledgerSchema}" cascade; drop schema public cascade; create schema public;
          grant usage on schema public to service_role; ${functionSql()}`);
        await api.reloaded();
      },
      async close() {
        await api[Symbol.asyncDispose]();
        await database.end();
        await server.query(`drop database ${name} with (force)`);
        await server.end();
      },
    };
  },
  {
    observer: "a request cannot be reached while it runs",
    parallel: "no transaction spans two requests",
    session: "each request is a transaction of its own",
    notices: "the API answers without them",
  },
);

targetLaws(
  "PGlite",
  async () => {
    const instance = await PGlite.create();
    return {
      open: () => openPglite(instance),
      terminate: () => instance.close(),
      close: async () => {},
    };
  },
  {
    observer: "it runs in this very process, which stands still meanwhile",
    parallel: "it has one session",
  },
);
