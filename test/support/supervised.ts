/** One cell of the supervisor's matrix: an app and migrations, each with a behaviour, a signal, and the first process. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { createFamily, type Family } from "../bounded/family.ts";
import { BINARY, LAUNCHER } from "./command.ts";
import type { TestDatabase } from "./database.ts";
import { childrenOf } from "./processes.ts";
import { startProxy } from "./proxy.ts";
import { type Files, folderOf } from "./target.ts";
import { until } from "./until.ts";

const SHIM = join(root, "bin", "godwit-init");
const TINI = process.env.GODWIT_TEST_TINI ?? "tini";
const NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];

/** With `godwit-run` in it, that launcher starts the app; elsewhere `godwit run` does. */
export type FirstProcess = "tini" | "godwit-init" | "another" | "godwit-run" | "tini before godwit-run";

/** What stands before the command, and whether this machine has it. */
const BEFORE: Readonly<Record<FirstProcess, readonly string[]>> = {
  tini: [...NAMESPACE, TINI, "-g", "--"],
  "godwit-init": [...NAMESPACE, SHIM],
  another: [],
  "godwit-run": NAMESPACE,
  "tini before godwit-run": [...NAMESPACE, TINI, "-g", "--"],
};

export function isHere(first: FirstProcess): boolean {
  const [program, ...args] = BEFORE[first];
  return program === undefined || spawnSync(program, [...args, "true"]).status === 0;
}

/** Ends as its kind says: on a cue, or on a signal unless it ignores that. */
const APP = `const [kind, cue] = process.argv.slice(1);
const end = () => process.exit(kind === "exits 7" ? 7 : 0);
for (const name of ["SIGTERM", "SIGINT"])
  if (kind === "ignores signals") process.on(name, () => {});
  else if (kind !== "is killed") process.on(name, end);
if (kind === "leaves children")
  require("node:child_process").spawnSync("sh", ["-c", "sleep 600 & (:) & exit 0"], { stdio: "ignore" });
setInterval(() => require("node:fs").existsSync(cue) && end(), 10);
console.log("the app is up");`;

export const APPS = ["exits 0", "exits 7", "is killed", "ignores signals", "leaves children"] as const;
export type AppKind = (typeof APPS)[number];
export const SIGNALS = ["SIGTERM", "SIGINT", null] as const;

export const MIGRATIONS = ["done", "failing", "hanging", "eating memory", "killed", "database lost"] as const;
export type MigrationsKind = (typeof MIGRATIONS)[number];

const EATS = `export async function up() {
  const held = Buffer.alloc(400 << 20, 1);
  await new Promise((go) => setTimeout(go, 600_000));
  return held;
}`;

function filesOf(kind: MigrationsKind, cell: string): Files {
  if (kind === "done") return { "migrations/0001_a.sql": `create table ${cell} (id int)` };
  if (kind === "failing") return { "migrations/0001_a.sql": "create tabel a ()" };
  if (kind === "eating memory") return { "migrations/0001_a.js": EATS };
  return { "migrations/0001_a.sql": `select pg_sleep(600), '${cell}'` };
}

/** What a shell would say of the app, whatever becomes of the migrations. */
export function expectedCode(app: AppKind, signal: (typeof SIGNALS)[number]): number {
  if (app === "exits 7") return 7;
  if (app === "is killed") return signal === null ? 137 : signal === "SIGTERM" ? 143 : 130;
  return app === "ignores signals" && signal !== null ? 137 : 0;
}

export interface Cell {
  readonly db: TestDatabase;
  /** A name for its tables, its own in the database. */
  readonly name: string;
  readonly app: AppKind;
  readonly migrations: MigrationsKind;
  readonly signal: (typeof SIGNALS)[number];
  readonly first: FirstProcess;
}

/** The exit code; with it what should not be: `143, 1 zombie`. */
export async function outcomeOf(cell: Cell): Promise<string> {
  const { db, name, app, migrations, signal, first } = cell;
  const folder = folderOf(filesOf(migrations, name));
  const family = createFamily();
  const cue = join(folder, "cue");
  const proxy = migrations === "database lost" ? await startProxy({ port: db.port }) : null;
  const [program = "", ...args] = [
    ...BEFORE[first],
    ...(first.includes("godwit-run") ? [LAUNCHER] : [process.execPath, BINARY, "run"]),
    ...["--", process.execPath, "-e", APP, app, cue],
  ];
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...{
        PATH: process.env.PATH ?? "",
        HOME: folder,
        NODE_ENV: "production",
        DATABASE_URL: proxy?.url(db.url) ?? db.url,
      },
      ...{
        GODWIT_LEDGER_SCHEMA: `ledger_${name}`,
        GODWIT_ALLOW_SECOND_LEDGER: "true",
        GODWIT_APP_GRACE: "300ms",
      },
      ...{ MIGRATION_RETRY_COUNT: "0", ...family.env },
    },
  });
  onTestFinished(() => {
    for (const pid of family.members()) process.kill(pid, "SIGKILL");
  });
  const says = listen(child);
  await says(/the app is up/);
  await reach(cell, { family, says, lose: async () => proxy?.close() });
  const outer = first === "another" ? (child.pid ?? 0) : (childrenOf(child.pid)[0] ?? 0);
  const zombies = await zombiesLeft(outer);
  if (signal !== null) process.kill(outer, signal);
  else if (app === "is killed") process.kill(memberOf(family, "the app is up"), "SIGKILL");
  else writeFileSync(cue, "");
  const [code] = (await once(child, "close")) as [number | null];
  const survivors = family.members().length;
  await proxy?.close();
  return [
    String(code),
    ...(zombies > 0 ? [`${zombies} zombies`] : []),
    ...(survivors > 0 ? [`${survivors} survivors`] : []),
  ].join(", ");
}

interface Scene {
  readonly family: Family;
  readonly says: (text: RegExp) => Promise<void>;
  readonly lose: () => Promise<unknown>;
}

/** Until the migrations are where their kind says. */
async function reach({ db, name, migrations }: Cell, { family, says, lose }: Scene): Promise<void> {
  if (migrations === "done") return says(/1 migration applied/);
  if (migrations === "failing") return says(/have failed \(STEP_FAILED\)/);
  if (migrations === "eating memory") return says(/have failed \(MIGRATIONS_MEMORY\)/);
  const isSleeping = `select 1 from pg_stat_activity where state = 'active' and query like '%600%' || $1 || '%' and pid <> pg_backend_pid()`;
  await until(async () => (await db.admin(isSleeping, [`'${name}'`])).length > 0, {
    what: `${name} to sleep`,
  });
  if (migrations === "killed") {
    process.kill(memberOf(family, "godwit.cjs\0up"), "SIGKILL");
    await says(/have failed \(MIGRATIONS_ENDED\)/);
  }
  if (migrations === "database lost") {
    await lose();
    await says(/have failed \(\w+\)/);
  }
}

/** The one whose command line holds these words, and not only as those of what it starts. */
function memberOf(family: Family, words: string): number {
  const found = family.members().filter((pid) => {
    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return line.includes(words) && !/\0run\0|godwit-run\0/.test(line);
  });
  if (found.length !== 1) throw new Error(`${found.length} processes of the command hold ${words}.`);
  return found[0] ?? 0;
}

/** Whoever clears away what has ended, its own children or a container's orphans, may take a moment. */
async function zombiesLeft(init: number): Promise<number> {
  const count = () =>
    readdirSync("/proc").filter((entry) => {
      if (!/^\d+$/.test(entry)) return false;
      try {
        const [state, parent] =
          readFileSync(`/proc/${entry}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
        return state === "Z" && Number(parent) === init;
      } catch {
        return false;
      }
    }).length;
  return until(() => count() === 0, { withinMs: 5_000 }).then(
    () => 0,
    () => count(),
  );
}

function listen(child: ChildProcess): (text: RegExp) => Promise<void> {
  let said = "";
  let isOver = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      said += chunk;
      child.emit("said");
    });
  child.once("close", () => {
    isOver = true;
    child.emit("said");
  });
  return async (text) => {
    while (!text.test(said)) {
      if (isOver) throw new Error(`It ended and never said ${text}:\n${said}`);
      await once(child, "said");
    }
  };
}
