/** The server on which test databases are made: the one of the configuration, or the embedded one. */
import { assemble } from "../assemble/assemble.ts";
import { atUrl } from "../assemble/dev.ts";
import type { Config } from "../config/config.ts";
import { withDatabase } from "../database/address/with-database.ts";
import type { Connection } from "../database/connection.ts";
import { openPostgres } from "../database/wire/postgres.ts";
import { ConfigError, DatabaseError } from "../errors.ts";
import { delay } from "../std/time.ts";

export interface Server {
  /** To the database that the configuration names. It does not keep the process alive while it is idle. */
  readonly connect: () => Promise<Connection>;
  readonly urlOf: (database: string) => string;
  readonly close: () => Promise<void>;
}

export async function openServer(config: Config): Promise<Server> {
  const url = config.values.databaseUrl?.reveal() ?? null;
  if (url !== null)
    return serverAt(
      config,
      async () => url,
      () => Promise.resolve(),
    );
  const { openEmbedded } = await import("../database/embedded/embedded.ts");
  // The server's own session does not keep a process alive, and while it is being opened nothing else does.
  const alive = setInterval(() => {}, 60_000);
  const folder = `${config.root}/.godwit`;
  const embedded = await openEmbedded({ folder, environment: config.environment, log: () => {} }).finally(
    () => clearInterval(alive),
  );
  return serverAt(config, embedded.reach, () => embedded.close());
}

async function serverAt(
  config: Config,
  reach: () => Promise<string>,
  close: () => Promise<void>,
): Promise<Server> {
  let url = await reach();
  return {
    close,
    urlOf: (database) => withDatabase(url, database),
    async connect() {
      url = await reach();
      return connectTo(config, url);
    },
  };
}

/**
 * Throws `ConfigError` `URL_INVALID` unless the URL leads to the database that it names. A pooler with a fixed database leads
 * every name to the same one, and what is done there would be done to somebody's data.
 */
export async function verify(config: Config, url: string, database: string): Promise<void> {
  await using connection = await connectTo(config, url);
  const found = connection.server.database;
  if (found === database) return;
  throw new ConfigError({
    code: "URL_INVALID",
    message: `The URL leads to database "${found}", whatever database it names; "${database}" was asked for.`,
    hint: "Give createTestDatabase the URL of the server itself. Nothing was changed.",
  });
}

async function connectTo(config: Config, url: string): Promise<Connection> {
  await using assembled = await assemble(atUrl(config, url), { say: () => {} });
  const { address } = assembled;
  if (address === null) throw new Error("A server without an address.");
  return await patiently(() =>
    openPostgres(address, { applicationName: "godwit testing", background: true }),
  );
}

const PATIENCE_MS = 60_000;

/** too_many_connections, configuration_limit_exceeded, cannot_connect_now */
const BUSY = new Set(["53300", "53400", "57P03"]);

/** Other test processes come and go: a server that is full now has room in a moment. */
async function patiently<T>(open: () => Promise<T>): Promise<T> {
  const giveUp = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const busy = error instanceof DatabaseError && BUSY.has(error.sqlState ?? "");
      if (!busy || performance.now() > giveUp) throw error;
      await delay(100 + 400 * Math.random());
    }
  }
}
