/** `createMigrator`: opens a migrator from a configuration. */
import type { Config } from "../config/config.ts";
import type { ConfigFile } from "../config/define.ts";
import type { PgliteLike } from "../database/pglite-instance.ts";
import { ConfigError } from "../errors.ts";
import type { Observe, RunEvent } from "../run/report/events.ts";
import { type Listeners, listenersOf } from "./listeners.ts";
import { type ForRuns, type Loaded, OF_PROGRAMS, programKeys, splitForRuns } from "./loaded.ts";
import { migratorOf } from "./migrator-calls.ts";
import type { Migrator } from "./migrator-interface.ts";

/** A `PGlite` of `@electric-sql/pglite`, as far as it is used. */
export type PgliteInstance = PgliteLike;

export interface MigratorConfig
  extends Omit<ConfigFile, "targets" | "parallel" | "onTargetFailure">,
    ForRuns {
  /** An instance of PGlite in place of a URL. It stays open. */
  readonly database?: PgliteInstance | undefined;
  /** Relative paths start here; default: the working directory. */
  readonly root?: string | undefined;
  /** Receives every event of a run while it runs. If it throws, the run goes on, and `say` receives the first error. */
  readonly observe?: Observe | undefined;
  /** Receives remarks, for example that an embedded server is used. Default: they are dropped. */
  readonly say?: ((line: string) => void) | undefined;
  /** Ends the work. What was committed until then stays. */
  readonly signal?: AbortSignal | undefined;
  /** Default: that of the process. Flags and files are never read, so a value given here counts first. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads nothing and connects to nothing before the first call. If the first call fails, the next one reads the
 * configuration and opens everything again. An unknown key is refused.
 *
 * ```ts
 * await using migrator = createMigrator({ dir: "migrations", databaseUrl: process.env.DATABASE_URL });
 * const report = await migrator.up();
 * ```
 */
export function createMigrator(config: MigratorConfig = {}): Migrator {
  const listeners = listenersOf<[RunEvent]>(config ?? {});
  return migratorOf(() => load(config, listeners), { name: "createMigrator", signal: () => config?.signal });
}

/** Options of the file that only a fleet has. */
const OF_FLEETS: readonly string[] = ["parallel", "onTargetFailure"];

async function load(config: MigratorConfig, { observe, say }: Listeners<[RunEvent]>): Promise<Loaded> {
  const { assemble, createContext } = await import("../assemble/assemble.ts");
  const { database } = config ?? {};
  const settings = await settingsOf(config, "createMigrator");
  return {
    settings,
    say,
    context: (signal) => createContext(settings, { observe, signal }),
    assemble: (wanted) =>
      assemble(settings, {
        ...wanted,
        say,
        observe,
        open: database === undefined ? undefined : () => openInstance(database),
      }),
  };
}

/** Reads the configuration of a program for one database, and checks it. */
export async function settingsOf(config: MigratorConfig, program: string): Promise<Config> {
  const [{ loadConfig }, { checkGiven, OBJECT, OPTION }, { FILE_KEYS }] = await Promise.all([
    import("../config/load.ts"),
    import("../config/given.ts"),
    import("../config/known.ts"),
  ]);
  if (typeof config === "object" && config !== null && "targets" in config)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${program} is about one database, and targets are several.`,
      hint: "Use createFleet({ targets }).",
    });
  const known = FILE_KEYS.filter((key) => !OF_FLEETS.includes(key));
  const keys = Object.fromEntries([...known, ...OF_PROGRAMS].map((key) => [key, OPTION]));
  checkGiven(config, { name: program, keys: { ...keys, ...(await programKeys()), database: OBJECT } });
  const [forRuns, others] = splitForRuns(config);
  const {
    database: _database,
    root,
    observe: _,
    say: __,
    signal: ___,
    environment,
    imports,
    webhooks,
    ...file
  } = others;
  const ofFile = {
    ...(imports === undefined ? {} : { imports }),
    ...(webhooks === undefined ? {} : { webhooks }),
  };
  return loadConfig({
    flags: { ...file, ...forRuns },
    program,
    file: Object.keys(ofFile).length === 0 ? false : ofFile,
    ...(environment === undefined ? {} : { environment }),
    ...(root === undefined ? {} : { workingFolder: root }),
  });
}

async function openInstance(instance: PgliteInstance) {
  const { openPglite } = await import("../database/pglite.ts");
  return openPglite(instance);
}
