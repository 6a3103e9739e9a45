/** A real PgBouncer in front of a test's database, where the machine has one. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/database/embedded/cluster.ts";
import type { TestDatabase } from "./database.ts";

/** Why there is none; `false` where there is. */
export const withoutPgbouncer: string | false = ["/usr/sbin/pgbouncer", "pgbouncer"].some(
  (program) => spawnSync(program, ["--version"]).status === 0,
)
  ? false
  : "PgBouncer is not installed (apt-get install pgbouncer)";

export interface Pooler {
  readonly url: string;
  /** Ends it at once, with all its connections. */
  stop(): Promise<void>;
}

export interface PoolerOptions {
  readonly mode: "transaction" | "session" | "statement";
  readonly settings?: readonly string[];
}

export async function startPgbouncer(
  db: Pick<TestDatabase, "owner" | "port" | "url">,
  { mode, settings = [] }: PoolerOptions,
): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-pgbouncer-"));
  const port = await freePort();
  const users = join(folder, "users.txt");
  const config = join(folder, "pgbouncer.ini");
  writeFileSync(users, `"${db.owner}" ""\n"postgres" ""\n`);
  writeFileSync(
    config,
    [
      "[databases]",
      `* = host=127.0.0.1 port=${db.port}`,
      "[pgbouncer]",
      `listen_addr = 127.0.0.1`,
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = trust",
      `auth_file = ${users}`,
      `pool_mode = ${mode}`,
      "ignore_startup_parameters = extra_float_digits",
      ...settings,
    ].join("\n"),
  );
  chmodSync(folder, 0o755);
  const root = process.getuid?.() === 0;
  const program =
    spawnSync("/usr/sbin/pgbouncer", ["--version"]).status === 0 ? "/usr/sbin/pgbouncer" : "pgbouncer";
  const child = spawn(program, [...(root ? ["-u", "nobody"] : []), config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  await ready(child);
  const url = new URL(db.url);
  url.port = String(port);
  return { url: url.href, stop };
}

async function ready(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      log += chunk;
      if (/process up/.test(log)) resolve();
    });
    child.once("exit", () => reject(new Error(`PgBouncer did not start:\n${log}`)));
  });
  child.stderr?.removeAllListeners("data").resume();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
