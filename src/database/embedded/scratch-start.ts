/** Starting a scratch server: on a copy of the kept cluster, and on a new one where that does not start. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseError } from "../../errors.ts";
import { parseAddress } from "../address/address.ts";
import type { Binaries } from "./binaries.ts";
import { type ClusterOptions, type Environment, freePort, lastLines, startPostmaster } from "./cluster.ts";
import { OTHER_TEMPORARY, scratchEnded } from "./folder.ts";
import { chooseIdentity } from "./identity.ts";
import { type MadeCluster, makeCluster } from "./kept-cluster.ts";
import { readPostmaster } from "./postmaster.ts";

interface Start {
  readonly binaries: Binaries;
  readonly environment: Environment;
  readonly signal: AbortSignal | undefined;
}

interface Running {
  readonly port: number;
  readonly password: string;
  /** Resolves as soon as the server is no more, however it ends. */
  readonly ended: Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const PORTS_TRIED = 5;

/** Makes the data directory in the folder, and a server on it. */
export async function startScratch(
  folder: string,
  { binaries, environment, signal }: Start,
): Promise<Running> {
  const identity = await chooseIdentity(folder, binaries, "scratch");
  await identity.own(folder);
  const options = { binaries, identity, environment };
  const made = await makeCluster(folder, options);
  const first = await startOn(folder, { ...options, signal });
  if ("port" in first)
    return { ...first, password: made.shared ? await ownPassword(first, made) : made.password };
  if (!made.shared || !first.ended) throw first.error;
  // What was kept may be damaged.
  await made.discard();
  const { password } = await makeCluster(folder, { ...options, anew: true });
  const second = await startOn(folder, { ...options, signal });
  if ("port" in second) return { ...second, password };
  throw second.error;
}

/** Copies of one cluster begin with the same password. */
async function ownPassword({ port, ended }: Omit<Running, "password">, made: MadeCluster): Promise<string> {
  const password = randomBytes(18).toString("base64url");
  const { openPostgres } = await import("../wire/postgres.ts");
  const url = `postgres://postgres:${made.password}@127.0.0.1:${port}/postgres`;
  const address = parseAddress({ url, environment: {} });
  try {
    await using connection = await openPostgres(address, {
      applicationName: "godwit scratch",
      background: true,
    });
    await connection.execute(`alter role postgres password '${password}'`);
    return password;
  } catch (error) {
    throw (await endHeard(error, ended)) ? scratchEnded() : error;
  }
}

const END_HEARD_MS = 1_000;

/** Whether the error is that of a server which has ended: its sessions hear of that before we do. */
export async function endHeard(error: unknown, ended: Promise<void>): Promise<boolean> {
  if (!(error instanceof DatabaseError) || !CUT.includes(error.code)) return false;
  return Promise.race([ended.then(() => true), pause(END_HEARD_MS, false)]);
}

const CUT: readonly string[] = ["DATABASE_CONNECTION_LOST", "DATABASE_UNREACHABLE"];

type Tried = Omit<Running, "password"> | { readonly error: DatabaseError; readonly ended: boolean };

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
      if ((await readPostmaster(data))?.state === "ready") return { port, ended: server.ended };
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
