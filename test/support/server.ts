/** A throw-away PostgreSQL: fast, forgetful, and gone with whoever started it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm, stat, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serverPackage } from "../../scripts/servers.mjs";
import { locateBinaries } from "../../src/database/embedded/binaries.ts";
import { freePort } from "../../src/database/embedded/cluster.ts";
import { chooseIdentity } from "../../src/database/embedded/identity.ts";
import { makeCluster } from "../../src/database/embedded/kept-cluster.ts";
import { CACHED } from "./cache.ts";

export interface ThrowAwayServer {
  readonly port: number;
  /** `18.4` */
  readonly version: string;
  stop(): Promise<void>;
}

export async function startServer({
  major = 18,
  settings = [],
  files = {},
  within,
  copy,
}: {
  major?: number;
  settings?: readonly string[];
  /** Put into the data directory, readable for the server only. */
  files?: Readonly<Record<string, string | Buffer>>;
  /** Where the data directory is made; in memory where there is enough of it. */
  within?: string;
  /** Puts the files of another server into the data directory, instead of making a new one. */
  copy?: (data: string) => Promise<void>;
} = {}): Promise<ThrowAwayServer> {
  const binaries = await locateBinaries(serverPackage(major));
  const folder = await mkdtemp(join(within ?? (await fastFolder()), "godwit-test-"));
  try {
    await chmod(folder, 0o711); // or nobody else could be the server
    const identity = await chooseIdentity(folder, binaries);
    await identity.own(folder);
    const data = join(folder, "data");
    if (copy === undefined) {
      await makeCluster(folder, { binaries, identity, environment: CACHED });
      await writeFile(join(data, "pg_hba.conf"), TRUST);
    } else {
      await copy(data);
      await chmod(data, 0o700);
      await identity.own(data);
    }
    const { uid, gid } = await stat(data);
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(data, name), content, { mode: 0o600 });
      await chown(join(data, name), uid, gid);
    }
    const port = await freePort();
    const all = [`port=${port}`, ...SETTINGS, ...settings].flatMap((setting) => ["-c", setting]);
    const command = JSON.stringify(identity.wrap(binaries.postgres, ["-D", data, ...all]));
    // The immediate shutdown: there is nothing worth keeping.
    const watchdog = spawn(process.execPath, [WATCHDOG, "SIGQUIT", folder, command], {
      detached: true, // Ctrl-C goes to the runner, which then stops the server
      stdio: ["pipe", "ignore", "pipe"],
    });
    const ended = once(watchdog, "exit");
    await untilReady(watchdog.stderr);
    watchdog.unref();
    return {
      port,
      version: binaries.version,
      async stop() {
        watchdog.ref();
        watchdog.stdin.end();
        await ended;
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const WATCHDOG = fileURLToPath(new URL("./watchdog.mjs", import.meta.url));

/** As `initdb --auth=trust` writes it. */
const TRUST = ["local", "host"]
  .flatMap((type) => ["all", "replication"].map((database) => [type, database] as const))
  .flatMap(([type, database]) =>
    (type === "local" ? [""] : ["127.0.0.1/32", "::1/128"]).map(
      (address) => `${type} ${database} all ${address} trust\n`,
    ),
  )
  .join("");

const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "fsync=off",
  "full_page_writes=off",
  "synchronous_commit=off",
  "max_connections=300",
  "shared_buffers=64MB",
  "wal_level=logical",
  "max_prepared_transactions=10",
  "checkpoint_timeout=1h",
  "max_wal_size=4GB",
  "timezone=UTC",
  "log_destination=stderr",
  "logging_collector=off",
];

/** Memory, where there is enough of it. */
async function fastFolder(): Promise<string> {
  const memory = await statfs("/dev/shm").catch(() => undefined);
  return memory && memory.bavail * memory.bsize > 1024 ** 3 ? "/dev/shm" : tmpdir();
}

async function untilReady(log: NodeJS.ReadableStream): Promise<void> {
  let seen = "";
  await new Promise<void>((resolve, reject) => {
    log.on("data", (chunk) => {
      if (seen.length < 100_000) seen += chunk;
      if (/database system is ready to accept (read-only )?connections/.test(seen)) resolve();
    });
    log.on("end", () => reject(new Error(`The test server did not start:\n${seen}`)));
  });
  log.removeAllListeners("data");
  log.resume(); // nobody reads it, but a full pipe would stop the server
}
