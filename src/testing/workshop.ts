/**
 * Where the test databases of a process are made and dropped: one connection to the server, one after the other.
 *
 * Many tests at once in many processes would otherwise take a connection each, and a server has about a hundred. The same
 * connection holds the token that says whose the databases are (`leftovers.ts`). It is open from the first database
 * to the last one; if it is lost, the next use opens another.
 */
import type { Config } from "../config/config.ts";
import type { Connection } from "../database/connection.ts";
import { dropLeftovers, holdToken, newToken, type Token } from "./leftovers.ts";
import { openServer, type Server } from "./server.ts";

export interface Workshop {
  readonly token: Token;
  readonly urlOf: Server["urlOf"];
  /** `first`: nothing has come to its end here before. */
  use<T>(work: (connection: Connection, options: { readonly first: boolean }) => Promise<T>): Promise<T>;
  /** To be called once by each who has entered; the last one closes it. */
  leave(): Promise<void>;
}

interface Shared extends Omit<Workshop, "leave"> {
  close(): Promise<void>;
}

interface Entry {
  readonly shared: Promise<Shared>;
  users: number;
}

/** By address. The limit is the process's, so it is kept once for the process. */
const open = new Map<string, Entry>();

export async function enterWorkshop(config: Config): Promise<Workshop> {
  const key = config.values.databaseUrl?.reveal() ?? `embedded ${config.root}`;
  const entry = open.get(key) ?? { shared: openShared(config), users: 0 };
  open.set(key, entry);
  entry.users++;
  const leave = async () => {
    entry.users--;
    if (entry.users > 0) return;
    if (open.get(key) === entry) open.delete(key);
    await (await entry.shared).close();
  };
  try {
    return { ...(await entry.shared), leave };
  } catch (error) {
    await leave().catch(() => {});
    throw error;
  }
}

async function openShared(config: Config): Promise<Shared> {
  const server = await openServer(config);
  const token = newToken();
  let connection: Connection | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let first = true;
  let closing = false;
  const connected = async () => {
    if (connection !== undefined && !connection.lost.aborted) return connection;
    const opened = await server.connect();
    try {
      await holdToken(opened, token);
    } catch (error) {
      await opened.close();
      throw error;
    }
    connection = opened;
    // Without the token the databases are nobody's: it is held again as soon as that can be.
    opened.lost.addEventListener("abort", () => {
      if (!closing) last = last.then(connected).catch(() => {});
    });
    await dropLeftovers(opened);
    return opened;
  };
  return {
    token,
    urlOf: server.urlOf,
    use(work) {
      const mine = last.then(async () => {
        const result = await work(await connected(), { first });
        first = false;
        return result;
      });
      last = mine.catch(() => {});
      return mine;
    },
    async close() {
      closing = true;
      await last;
      try {
        await connection?.close();
      } finally {
        await server.close();
      }
    },
  };
}
