/** A container of Brands in Blooms: the built app, the project's files, and what Supabase has beside them. */
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, commandIn, type Running } from "./command.ts";
import type { TestDatabase } from "./database.ts";
import { type Got, get } from "./health.ts";
import { buildNextApp, EXAMPLE, freePort } from "./next-app.ts";
import { installFunction, type Postgrest } from "./postgrest.ts";
import { type Files, folderOf, writeFiles } from "./target.ts";
import { until } from "./until.ts";

/** Of a Supabase project: the users, who asks, and the function that its owner has made once. */
export async function openProject(db: Pick<TestDatabase, "admin" | "sql">): Promise<void> {
  await db.sql(`create schema auth;
    create table auth.users (id uuid primary key);
    create function auth.uid() returns uuid language sql stable
      as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$`);
  await installFunction(db, readFileSync(join(EXAMPLE, "supabase", "exec_sql.sql"), "utf8"));
}

export type Way = "over HTTPS" | "over the database URL";
export const WAYS: readonly Way[] = ["over HTTPS", "over the database URL"];

/** The variables of that team, with both ways open. */
export function variablesOf(way: Way, { db, api }: { db: Pick<TestDatabase, "url">; api: Postgrest }) {
  return { ...api.env, SUPABASE_DB_URL: db.url, USE_NODE_MIGRATIONS: String(way === "over HTTPS") };
}

export interface Container {
  readonly folder: string;
  /** Any other command in it, as `docker exec` runs it. */
  readonly godwit: Command;
  readonly statusFile: string;
  /** Starts the image's command. */
  readonly start: () => Promise<Up>;
}

export interface Up {
  readonly running: Running;
  readonly port: number;
  /** The words that start the app. */
  readonly app: readonly string[];
  readonly get: (path: string) => Promise<Got>;
  /** Resolves when `/api/health` says so, as `200 completed`. */
  readonly health: (wanted: string) => Promise<Got>;
}

/** `files`: more of them, over those of the example. */
export function container(env: Readonly<Record<string, string>>, files: Files = {}): Container {
  const folder = folderOf({});
  cpSync(join(EXAMPLE, "supabase"), join(folder, "supabase"), { recursive: true });
  cpSync(join(EXAMPLE, "godwit.config.json"), join(folder, "godwit.config.json"));
  cpSync(join(EXAMPLE, "package.json"), join(folder, "package.json"));
  writeFiles(folder, files);
  const statusFile = join(folder, "tmp", "migrations.json");
  const godwit = commandIn({
    folder,
    env: {
      ...imageEnvironment(),
      // The image has one of them in /tmp; here containers share it.
      GODWIT_STATUS_FILE: statusFile,
      // What the file says counts, whatever schema the suite uses.
      GODWIT_LEDGER_SCHEMA: "",
      HOSTNAME: "127.0.0.1",
      ...env,
    },
  });
  return {
    folder,
    godwit,
    statusFile,
    async start() {
      const port = await freePort();
      const app = [process.execPath, join(buildNextApp(), "server.js")];
      const running = godwit.with({ PORT: String(port) }).launch("--", ...app);
      const ask = (path: string) => get(`http://127.0.0.1:${port}${path}`);
      return {
        ...{ running, port, app },
        get: ask,
        health: (wanted) =>
          until(
            async () => {
              const got = await ask("/api/health").catch(() => null);
              return got !== null && `${got.status} ${got.json.migrations.status}` === wanted && got;
            },
            { what: `health to be ${wanted}` },
          ),
      };
    },
  };
}

/** What the Dockerfile sets for the app, but for what is another in each place. */
function imageEnvironment(): Record<string, string> {
  const text = readFileSync(join(EXAMPLE, "Dockerfile"), "utf8");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  const found = [...last.matchAll(/^ENV (\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
  return Object.fromEntries(found.filter(([name]) => name !== "PATH"));
}

export async function stop({ running }: Up, signal: NodeJS.Signals = "SIGTERM") {
  running.child.kill(signal);
  return await running.exits(143);
}
