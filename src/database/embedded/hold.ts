/** The session by which an opener of the embedded server keeps it alive. The protocol is in `../embedded.ts`. */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type pg from "pg";
import { DatabaseError } from "../../errors.ts";
import { isAlive, type Postmaster, parsePostmaster, readPostmaster } from "./postmaster.ts";

/** The two methods are in pg but not in its types. */
type Client = pg.Client & { ref(): void; unref(): void };

export interface Hold {
  readonly pid: number;
  readonly port: number;
  readonly client: Client;
  /** Whether its session has ended. */
  gone(): boolean;
  ensureDatabase(name: string): Promise<void>;
}

/** The advisory lock that openers and closers pass through one at a time; any number that is ours alone. */
export const DOOR = "7306915340";
const HOLDING = "godwit embedded";
const LEAVING = "godwit embedded, leaving";

/** `undefined` when this server cannot be had at the moment: not listening, on its way out, or not ours. */
export async function take(found: Postmaster, { password }: { password: string }): Promise<Hold | undefined> {
  const client = await connect(found.port, password);
  if (!client) return undefined;
  try {
    await client.query(`select pg_advisory_lock(${DOOR})`);
    await client.query(`select pg_advisory_unlock(${DOOR})`);
    const { rows } = await client.query("select pg_read_file('postmaster.pid') as text");
    const now = parsePostmaster(rows[0]?.text ?? "");
    if (now?.pid === found.pid && now.state !== "stopping") {
      client.unref(); // who forgets to close must still be able to end
      let gone = false;
      client.once("end", () => {
        gone = true;
      });
      return {
        pid: found.pid,
        port: found.port,
        client,
        gone: () => gone,
        ensureDatabase: (name) => ensure(client, name),
      };
    }
  } catch {
    // Gone while we asked: the caller looks again.
  }
  await client.end().catch(() => undefined);
  return undefined;
}

/** Never throws: whatever goes wrong here, the work of the caller is done. */
export async function leave(
  { client, pid }: Hold,
  options: {
    readonly dataFolder: string;
    readonly pgCtl: string;
    readonly log: (line: string) => void;
    readonly timeoutMs: number;
    /** Other clients do not keep the server; their sessions are ended. */
    readonly endClients: boolean;
  },
): Promise<void> {
  client.ref();
  const deadline = performance.now() + options.timeoutMs;
  const running = async () => (await readPostmaster(options.dataFolder))?.pid === pid && isAlive(pid);
  try {
    await client.query(`select pg_advisory_lock(${DOOR})`);
    await client.query(`set application_name = '${LEAVING}'`);
    const others = await waitForOthers(client, options);
    if (others.openers > 0) return; // the last of them stops it
    if (others.clients > 0) {
      options.log(
        `The embedded PostgreSQL stays: ${others.clients} other ${others.clients === 1 ? "session is" : "sessions are"} using it.`,
      );
      return;
    }
    // It has just answered, so this process id is still its own.
    const signal = options.endClients ? "INT" : "TERM";
    if (process.platform === "win32") await promisify(execFile)(options.pgCtl, ["kill", signal, String(pid)]);
    else process.kill(pid, `SIG${signal}`);
    while (performance.now() < deadline && (await readPostmaster(options.dataFolder))?.state === "ready") {
      await pause(5);
    }
  } catch (error) {
    options.log(`The embedded PostgreSQL was gone before it was closed: ${(error as Error).message}`);
    return;
  } finally {
    await client.end().catch(() => undefined);
  }
  while (await running()) {
    if (performance.now() > deadline) {
      options.log(
        `The embedded PostgreSQL is still shutting down after ${options.timeoutMs / 1000} s; it was left to finish.`,
      );
      return;
    }
    await pause(5);
  }
}

/** A session that was closed a moment ago is still listed for a moment; another opener's is not going away. */
async function waitForOthers(
  client: Client,
  { endClients }: { readonly endClients: boolean },
): Promise<{ readonly openers: number; readonly clients: number }> {
  const giveUp = performance.now() + 500;
  for (;;) {
    const { rows } = await client.query(
      `select count(*) filter (where application_name <> '${HOLDING}')::int as clients,
         count(*) filter (where application_name = '${HOLDING}')::int as openers
       from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    const others = rows[0] as { clients: number; openers: number };
    if (endClients) return { ...others, clients: 0 };
    if (others.clients === 0 || others.openers > 0 || performance.now() > giveUp) return others;
    await pause(20);
  }
}

async function connect(port: number, password: string): Promise<Client | undefined> {
  const driver = await import("pg");
  const client = new driver.default.Client({
    host: "127.0.0.1",
    port,
    user: "postgres",
    password,
    database: "postgres",
    application_name: HOLDING,
    // Said explicitly, because the driver would take what is missing from the PG* variables.
    ssl: false,
    sslnegotiation: "postgres",
    options: "-c search_path=pg_catalog",
    lock_timeout: 5000, // a closer that is stopped in mid-door must not hold everybody for ever
    connectionTimeoutMillis: 5000,
  } as pg.ClientConfig) as Client;
  client.on("error", () => undefined); // its end is noticed where it is used
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    if ((error as { code?: string }).code === "28P01") {
      throw new DatabaseError(
        {
          code: "EMBEDDED_FAILED",
          message: `The PostgreSQL on port ${port} does not accept the password kept for the embedded server.`,
          hint: "Stop it and delete its folder if nothing in it is needed, or set DATABASE_URL.",
        },
        { cause: error },
      );
    }
    return undefined;
  }
}

async function ensure(client: Client, name: string): Promise<void> {
  const { rows } = await client.query("select 1 from pg_database where datname = $1", [name]);
  if (rows.length > 0) return;
  await client.query(`create database ${client.escapeIdentifier(name)}`).catch((error: { code?: string }) => {
    // Another opener was faster: 42P04 when it was done, 23505 when both were under way.
    if (error.code !== "42P04" && error.code !== "23505") throw error;
  });
}
