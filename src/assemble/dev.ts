/** The embedded server as `godwit dev` uses it: kept up, and with the right to copy and exchange its databases. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { parseAddress } from "../database/address/address.ts";
import { withDatabase } from "../database/address/with-database.ts";
import type { Connection } from "../database/connection.ts";
import type { Databases } from "../database/embedded/databases.ts";
import type { TurnHolder } from "../database/embedded/turn.ts";
import { ConfigError, LockError } from "../errors.ts";
import type { Observe } from "../run/report/events.ts";
import { secretUrl } from "../std/secret.ts";
import { type Assembled, assemble, isAddressed } from "./assemble.ts";
import { embeddedFolder, openInFolder, type Say, signOfProduction } from "./embedded.ts";

/** The database that is developed. */
export const DATABASE = "app";
/** Its copy from before the newest migration. */
export const COPY = "app_before_newest";

export interface DevServer {
  readonly directory: string;
  readonly version: string;
  /** The URL of the database as it is now. A server that was killed is started again. */
  reach(): Promise<string>;
  /** For work on whole databases. It holds the turn, which no other process has. */
  databases(): Promise<Databases>;
  /** Aborts when the server is gone. */
  lost(): AbortSignal;
  target(database: string, observe: Observe): Promise<Assembled>;
  /** Ends the sessions of all clients, and stops the server unless another process of Godwit uses it. */
  close(): Promise<void>;
}

export interface DevServerOptions {
  readonly say: Say;
  readonly signal: AbortSignal;
}

/**
 * Throws `ConfigError` where the configuration is not one for development. Throws `LockError` `DEV_RUNNING` where another
 * process has the turn, and `DatabaseError` where the server cannot start.
 */
export async function openDevServer(config: Config, { say, signal }: DevServerOptions): Promise<DevServer> {
  refuseOutsideDevelopment(config);
  const embedded = await openInFolder(config, say);
  let turn: Connection | undefined;
  const open = async (name: string) => {
    const { openPostgres } = await import("../database/wire/postgres.ts");
    const url = withDatabase(await embedded.reach(), "postgres");
    const address = parseAddress({ url, environment: {} });
    return openPostgres(address, { applicationName: name, background: true });
  };
  const withTurn = async () => {
    embedded.check();
    if (turn !== undefined && !turn.lost.aborted) return turn;
    const { takeTurn, turnName } = await import("../database/embedded/turn.ts");
    const connection = await open(turnName(process.pid));
    const holder = await takeTurn(connection);
    if (holder !== null) {
      await connection.close();
      throw held(holder, config);
    }
    turn = connection;
    return connection;
  };
  const close = async () => {
    await turn?.close();
    await embedded.close({ endClients: true });
  };
  const onWaiting = (database: string) =>
    say(`Waiting for another run of Godwit on database "${database}" …`);
  try {
    await withTurn();
  } catch (error) {
    await embedded.close();
    throw error;
  }
  return {
    directory: embedded.directory,
    version: embedded.version,
    async reach() {
      await withTurn();
      return embedded.reach();
    },
    async databases() {
      return { connection: await withTurn(), open: () => open("godwit dev"), signal, onWaiting };
    },
    lost: () => turn?.lost ?? AbortSignal.abort(),
    async target(database, observe) {
      const url = withDatabase(await embedded.reach(), database);
      return assemble(atUrl(config, url), { say, observe, signal });
    },
    close,
  };
}

/** The configuration, but with this address. */
export function atUrl(config: Config, url: string): Config {
  return { ...config, values: { ...config.values, databaseUrl: secretUrl(url) } };
}

function refuseOutsideDevelopment(config: Config): void {
  const refusal = (message: string, hint: string) =>
    new ConfigError({ code: "CONFIG_INVALID", message, hint });
  const found = signOfProduction(config);
  if (found !== null)
    throw refusal(
      `godwit dev is for development only, and ${found}.`,
      "`godwit up` applies what is pending to the database that DATABASE_URL names.",
    );
  if (config.targets !== null)
    throw refusal(
      "godwit dev is about the embedded PostgreSQL, and the targets of the configuration name databases of their own.",
      "`godwit up` applies what is pending to all of them.",
    );
  if (isAddressed(config) && !isOwn(config))
    throw refusal(
      "godwit dev is about the embedded PostgreSQL, and a database of your own is configured.",
      "`godwit up` applies what is pending to that one, and `godwit doctor` shows where its address comes from. For the embedded one, leave the address out.",
    );
}

/** Whether the configured URL is the one that an earlier `godwit dev` has printed. The port may have changed since. */
function isOwn(config: Config): boolean {
  const url = config.values.databaseUrl?.reveal();
  if (url === undefined || !URL.canParse(url)) return false;
  const { hostname, password, pathname } = new URL(url);
  if (!["127.0.0.1", "localhost"].includes(hostname) || pathname !== `/${DATABASE}`) return false;
  try {
    const kept = readFileSync(join(embeddedFolder(config), "postgres", "password"), "utf8").trim();
    return kept !== "" && kept === decodeURIComponent(password);
  } catch {
    return false;
  }
}

function held({ pid, since }: TurnHolder, { root }: Config): LockError {
  const who = pid === null ? "another process" : `process ${pid}`;
  const when = since === null ? "" : `, since ${since.toISOString()}`;
  return new LockError({
    code: "DEV_RUNNING",
    message: `godwit dev is running in ${root} already (${who}${when}).`,
    hint: "Its server serves this folder, so `godwit status` and `godwit up` work here. To start it anew, end that one with Ctrl-C first.",
    details: { pid, since: since?.toISOString() ?? null },
  });
}
