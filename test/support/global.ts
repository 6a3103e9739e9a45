/** One server per run, with the template that every test's database is copied from. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { buildIfNeeded, root } from "../../scripts/fresh.mjs";
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
    await warm(server.port);
  } catch (error) {
    await server.stop(); // or the runner would never end
    throw error;
  }
  project.provide("postgres", { port: server.port, version: server.version });
  return server.stop;
}

/**
 * The build keeps the compiled code of a start that reaches no database. Nearly every start of a test reaches one, so the
 * code of such a start is kept in its place, once for each build: it takes 10 to 20 ms less of 135.
 */
async function warm(port: number): Promise<void> {
  const dist = join(root, "dist");
  const kept = readdirSync(dist).filter((name) => name.endsWith(".compiled"));
  const mark = join(root, ".cache", "warm");
  const built = String(statSync(join(dist, "godwit.cjs")).mtimeMs);
  if (existsSync(mark) && readFileSync(mark, "utf8") === built) return;
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
  await admin.connect();
  const folder = mkdtempSync(join(tmpdir(), "godwit-warm-"));
  try {
    await admin.query(`create database godwit_warm template ${TEMPLATE}`);
    writeFileSync(join(folder, "0001_first.sql"), "create table first (id integer);\n");
    for (const name of kept) rmSync(join(dist, name), { force: true });
    const url = `postgres://postgres@127.0.0.1:${port}/godwit_warm`;
    const command = [join(dist, "godwit.cjs"), "up", `--dir=${folder}`, `--database-url=${url}`];
    const { status, stderr } = spawnSync(process.execPath, command, { cwd: folder, env: { HOME: folder } });
    if (status !== 0) throw new Error(`The command does not run: ${stderr}`);
    await admin.query("drop database godwit_warm with (force)");
    mkdirSync(join(root, ".cache"), { recursive: true });
    writeFileSync(mark, built);
  } finally {
    await admin.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(port: number): Promise<void> {
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
  await admin.connect();
  await admin.query(`create role ${OWNER} login nosuperuser nobypassrls nocreaterole nocreatedb`);
  await admin.query(`create database ${TEMPLATE} owner ${OWNER}`);
  // The first connection to a database writes a cache of its catalog, which every copy then has.
  const first = new pg.Client(`postgres://postgres@127.0.0.1:${port}/${TEMPLATE}`);
  await first.connect();
  await first.end();
  await admin.query(`alter database ${TEMPLATE} is_template true allow_connections false`);
  await admin.end();
}
