/** One server per run, with the template that every test's database is copied from. */
import pg from "pg";
import type { TestProject } from "vitest/node";
import { buildIfNeeded } from "../../scripts/fresh.mjs";
import { startServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgres: { readonly port: number; readonly version: string };
  }
}

export const TEMPLATE = "godwit_test_template";
/** Owns the databases: neither superuser nor BYPASSRLS, and not allowed to make roles or databases. */
export const OWNER = "godwit_test_owner";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // What the developer's shell says about another database must not steer a test.
  for (const name of Object.keys(process.env)) {
    if (/^PG[A-Z_]+$/.test(name)) delete process.env[name];
  }
  if (!buildIfNeeded({ types: false })) throw new Error("dist/ could not be built.");
  const server = await startServer({ major: Number(process.env.GODWIT_TEST_POSTGRES ?? 18) });
  try {
    await prepare(server.port);
  } catch (error) {
    await server.stop(); // or the runner would never end
    throw error;
  }
  project.provide("postgres", { port: server.port, version: server.version });
  return server.stop;
}

async function prepare(port: number): Promise<void> {
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
  await admin.connect();
  await admin.query(`create role ${OWNER} login nosuperuser nobypassrls nocreaterole nocreatedb`);
  await admin.query(`create database ${TEMPLATE} owner ${OWNER} is_template true allow_connections false`);
  await admin.end();
}
