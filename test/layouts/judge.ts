/** The original tool as the judge: it runs a folder in one database and we in another, and both must look the same. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { onTestFinished } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import type { LayoutOptions } from "../../src/source/layouts/layout.ts";
import { loadLayout } from "../../src/source/layouts/layouts.ts";
import type { TestDatabase } from "../support/database.ts";
import { TEMPLATE } from "../support/global.ts";
import { stateOf } from "../support/state.ts";
import { down, recorder, targetOf, up } from "../support/target.ts";
import { asFiles } from "../support/version.ts";

export interface Judge {
  /** The database that is the tool's. */
  readonly url: string;
  query(text: string): Promise<Record<string, unknown>[]>;
  /** Runs its command; gives what it wrote, and fails with all of it. */
  run(command: string, args: readonly string[], options: RunOptions): Promise<string>;
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A second database beside the test's own, gone when the test is over. */
export async function judgeBeside(db: TestDatabase): Promise<Judge> {
  const name = `${db.name}_judge`;
  await db.admin(`create database ${name} template ${TEMPLATE} owner ${db.owner} ${asFiles()}`);
  const replaced = (url: string) => url.replace(/[^/]+$/, name);
  const client = new pg.Client({ connectionString: replaced(db.adminUrl) });
  await client.connect();
  const admin = new pg.Client({ connectionString: db.adminUrl.replace(/[^/]+$/, "postgres") });
  onTestFinished(async () => {
    await client.end();
    await admin.connect();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  return {
    url: replaced(db.url),
    query: async (text) => (await client.query(text)).rows,
    async run(command, args, { cwd, environment = {} }) {
      const options = { cwd, env: { ...process.env, ...environment }, timeout: 60_000 };
      const { stdout, stderr } = await promisify(execFile)(command, [...args], options).catch((error) => {
        throw new Error(`${command} ${args.join(" ")}\n${error.stdout}\n${error.stderr}`, { cause: error });
      });
      return stdout + stderr;
    },
  };
}

export async function targetFor(
  db: TestDatabase,
  { layout, folder, options }: { layout: string; folder: string; options?: Partial<LayoutOptions> },
): Promise<Target> {
  const source = openInPlace(await loadLayout(layout), folder, {
    placeholders: {},
    environment: {},
    ...options,
  });
  return { ...targetOf({ url: db.url, folder }), source };
}

export const upAll = (target: Target) => up(target);
export const downOne = (target: Target) => migrate(target, down("-1"), recorder());

/** All objects and rows, without what the tool keeps for itself. */
export async function withoutHistory(
  query: (text: string) => Promise<Record<string, unknown>[]>,
  history: RegExp,
): Promise<{ schema: readonly string[]; rows: Readonly<Record<string, readonly string[]>> }> {
  const { schema, rows } = await stateOf(query);
  return {
    schema: schema.filter((line) => !history.test(line)),
    rows: Object.fromEntries(Object.entries(rows).filter(([table]) => !history.test(table))),
  };
}
