/** A project with `godwit dev` in it, and an end for the server that it leaves. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { test as base, onTestFinished } from "vitest";
import { isServing, readPostmaster } from "../../src/database/embedded/postmaster.ts";
import { type Command, commandIn, type Running } from "./command.ts";
import { folderOf, writeFiles } from "./target.ts";
import { until } from "./until.ts";

export interface Project {
  readonly folder: string;
  readonly godwit: Command;
  readonly write: (files: Readonly<Record<string, string>>) => void;
  /** Starts `godwit dev`, and resolves with its URL when its first round is over. */
  readonly dev: (...args: readonly string[]) => Promise<Running & { readonly url: string }>;
  /** The process id of the server that is running. */
  readonly server: () => Promise<number | undefined>;
}

export const test = base.extend<{ project: Project }>({
  project: async ({ task: _ }, use) => {
    const folder = folderOf({ "migrations/0001_shops.sql": "create table shops (id int);" });
    chmodSync(folder, 0o755); // root may have to be somebody else for the server
    const godwit = commandIn({ folder });
    const data = join(folder, ".godwit", "postgres", "data");
    const server = async () => {
      const found = await readPostmaster(data);
      return found !== undefined && (await isServing(found.pid, data)) ? found.pid : undefined;
    };
    await use({
      folder,
      godwit,
      server,
      write: (files) => writeFiles(folder, files),
      async dev(...args) {
        const running = godwit.start("dev", ...args);
        await running.says(/Ctrl-C ends/);
        const password = readFileSync(join(folder, ".godwit/postgres/password"), "utf8").trim();
        const port = readFileSync(join(folder, ".godwit/postgres/port"), "utf8").trim();
        return { ...running, url: `postgres://postgres:${password}@127.0.0.1:${port}/app` };
      },
    });
    const left = await server();
    if (left !== undefined) process.kill(left, "SIGQUIT");
    await until(async () => (await server()) === undefined);
  },
});

export async function ask(url: string, text: string): Promise<unknown> {
  const client = await connect(url);
  try {
    return Object.values((await client.query(text)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

export const columns = (url: string, table: string) =>
  ask(
    url,
    `select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns where table_name = '${table}'`,
  );

export async function ends(running: Running): Promise<string> {
  running.child.kill("SIGINT");
  const { stderr } = await running.exits(0);
  return stderr;
}
