/** `createFleet`: several databases, for programs. */
import type { Schemas } from "../assemble/schemas.ts";
import type { Config } from "../config/config.ts";
import type { TargetFile } from "../config/define.ts";
import { ConfigError, GodwitError, type Problem, problemsOf } from "../errors.ts";
import type { Member, TargetOutcome } from "../run/fleet.ts";
import type { RunEvent } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import type { Source } from "../source/source.ts";
import { createLifetime } from "../std/lifetime.ts";
import { limitOf } from "./limit.ts";
import { listenersOf } from "./listeners.ts";
import { closedBefore, type Load, type Loaded, OF_PROGRAMS, programKeys, splitForRuns } from "./loaded.ts";
import type { MigratorConfig } from "./migrator.ts";
import { migratorOf } from "./migrator-calls.ts";
import type { Migrator } from "./migrator-interface.ts";

/** Options beside `targets` hold for each target that does not set them. */
export interface FleetConfig
  extends Omit<MigratorConfig, "database" | "databaseUrl" | "imports" | "observe"> {
  readonly targets: Readonly<Record<string, TargetFile>>;
  /** How many targets at a time. Default 1: one after the other. */
  readonly parallel?: number | undefined;
  /** Default `continue`: the other targets still run after one fails. */
  readonly onTargetFailure?: "continue" | "stop" | undefined;
  /** Receives every event of a run, with the name of its target. */
  readonly observe?: ((event: RunEvent, target: string) => void) | undefined;
}

export interface FleetUpOptions {
  /** Names of targets. Default: all. `tenants/a` is one schema of a target. */
  readonly targets?: readonly string[] | undefined;
}

export interface TargetReport {
  readonly name: string;
  readonly ok: boolean;
  readonly state: "done" | "failed" | "interrupted" | "not begun" | "group";
  /** What was done, also if the target failed. */
  readonly report?: Report;
  readonly problems?: readonly Problem[];
  /** Why it was not started. */
  readonly because?: string;
  readonly schemas?: readonly TargetReport[];
  /** For example, that the query for its schemas returns no row. */
  readonly warnings?: readonly Problem[];
}

export interface FleetReport {
  readonly targets: readonly TargetReport[];
}

export interface Fleet extends AsyncDisposable {
  readonly names: readonly string[];
  /** The migrator of one target, or of one schema: `tenants/a`. The same name always gives the same migrator. */
  target(name: string): Migrator;
  /**
   * Applies what is pending in all chosen targets. When it resolves, each target is done. Before it contacts a
   * database it throws `ConfigError` with everything that is missing. Later it throws the first failure, whose
   * `report` is that of the whole fleet.
   */
  up(options?: FleetUpOptions): Promise<FleetReport>;
  /** Waits for the calls that have started. A later call throws `ConfigError`. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Creates a fleet: several databases that are migrated together. It reads nothing and connects to nothing before the
 * first call. `DATABASE_URL` and `PG*` variables belong to no target.
 *
 * ```ts
 * await using fleet = createFleet({ targets: { auth: { url: env("AUTH_DATABASE_URL"), dir: "auth/migrations" } } });
 * await fleet.up();
 * const { upToDate } = await fleet.target("auth").status();
 * ```
 */
export function createFleet(config: FleetConfig): Fleet {
  const migrators = new Map<string, Migrator>();
  const { observe, say } = listenersOf<[RunEvent, string]>(config ?? {});
  const maker = "createFleet";
  const lifetime = createLifetime({
    open: async () => {},
    close: async () => {},
    refusal: () => closedBefore("This fleet", maker),
  });
  let closed = false;
  const close = async () => {
    closed = true;
    await Promise.all([lifetime, ...migrators.values()].map((each) => each.close()));
  };
  const own = { name: maker, signal: () => config?.signal };

  const choose = async (names: readonly string[]) => {
    const settings = await load(config);
    const { chooseTargets } = await import("../config/targets/targets.ts");
    const workingFolder = config.root ?? process.cwd();
    return { settings, configs: chooseTargets(settings, { names, flags: {}, workingFolder, folders: true }) };
  };

  const loadOne = async (name: string, { offline }: Parameters<Load>[0]): Promise<Loaded> => {
    const { checkValue, TEXT } = await import("../config/given.ts");
    checkValue(name, "The name of target()", TEXT);
    const {
      configs: [chosen],
    } = await choose([name]);
    if (chosen === undefined) throw new Error(`No configuration for ${name}.`);
    const only = chosen.target?.schemas?.only ?? null;
    const oneSchema = async (schema: string) => {
      if (offline) return (await import("../config/config.ts")).schemaTarget(chosen, schema);
      using limit = limitOf(config.signal, chosen.values.timeout);
      return (await schemasOf(chosen, { signal: limit.signal, say, create: false })).configs[0];
    };
    const one = (only === null ? undefined : await oneSchema(only)) ?? chosen;
    if (one.target?.schemas != null) throw severalSchemas(name);
    return loadConfigured(one, { say, observe: (event) => observe(event, name) });
  };

  return {
    names: Object.keys(config?.targets ?? {}),
    target(name) {
      const known = migrators.get(name) ?? migratorOf((wanted) => loadOne(name, wanted), own);
      migrators.set(name, known);
      if (closed) void known.close();
      return known;
    },
    up: (options = {}) => lifetime.use(() => up(options)),
    close,
    [Symbol.asyncDispose]: close,
  };

  async function up(options: FleetUpOptions): Promise<FleetReport> {
    const { checkGiven, TEXTS } = await import("../config/given.ts");
    // An empty list does not mean all targets: the program may have filtered it down to nothing.
    checkGiven(options, { name: "up() of a fleet", keys: { targets: TEXTS } });
    const { targets = [] } = options;
    const [{ runFleet, isDone, flatten }, { openSharedSource }] = await Promise.all([
      import("../run/fleet.ts"),
      import("../assemble/shared-source.ts"),
    ]);
    const { settings, configs } = await choose(targets);
    using limit = limitOf(config.signal, settings.values.timeout);
    const { signal } = limit;
    const member = (one: Config, source?: Source): Member<Report> => {
      const name = one.target?.name ?? "";
      const reach = async () => {
        const [{ reachOf }, { createContext }] = await Promise.all([
          import("../assemble/reach.ts"),
          import("../assemble/assemble.ts"),
        ]);
        const context = createContext(one, { observe: (event) => observe(event, name), signal });
        await reachOf(one, { context, say })?.();
      };
      if (one.target?.schemas == null)
        return {
          name,
          reach,
          run: async () => {
            const listeners = { say, observe: (event: RunEvent) => observe(event, name) };
            const load = () => loadConfigured(one, { ...listeners, source });
            await using migrator = migratorOf(load, { name: maker, signal: () => signal });
            return await migrator.up();
          },
        };
      return {
        name,
        reach,
        expand: async () => {
          const found = await schemasOf(one, { signal, say, create: true });
          const shared = await openSharedSource(one, found.configs, { print: say, signal });
          return {
            members: found.configs.map((each) => member(each, shared)),
            canary: found.canary,
            parallel: one.target?.schemas?.parallel ?? null,
            warnings: found.warning === undefined ? [] : [found.warning],
          };
        },
      };
    };
    const outcomes = await runFleet(
      configs.map((each) => member(each)),
      { parallel: settings.values.parallel, onFailure: settings.values.onTargetFailure, signal },
    );
    const report: FleetReport = { targets: outcomes.map(reportOf) };
    if (outcomes.every((outcome) => isDone(outcome))) return report;
    const failed = flatten(outcomes).find(({ state }) => state === "failed" || state === "interrupted");
    const error: unknown = failed !== undefined && "error" in failed ? failed.error : signal.reason;
    if (error instanceof GodwitError) error.report = report;
    throw error;
  }
}

/**
 * Loads the configuration. The caller's options become options of each target, so they take precedence over the
 * environment.
 */
async function load(config: FleetConfig): Promise<Config> {
  const [{ loadConfig }, { TARGET_OPTIONS }, { checkGiven, OBJECT, OPTION }, { FILE_KEYS }] =
    await Promise.all([
      import("../config/load.ts"),
      import("../config/targets/targets-given.ts"),
      import("../config/given.ts"),
      import("../config/known.ts"),
    ]);
  const program = "createFleet";
  const options = Object.fromEntries([...FILE_KEYS, ...OF_PROGRAMS].map((key) => [key, OPTION]));
  const keys = { ...options, ...(await programKeys()), targets: OBJECT };
  checkGiven(config, { name: program, keys, required: ["targets"] });
  const [forRuns, others] = splitForRuns(config);
  const { targets, root, observe: _, say: __, signal: ___, environment, ...common } = others;
  const isEach = (key: string) => key !== "parallel" && TARGET_OPTIONS.some((option) => option.key === key);
  const entries = Object.entries(common);
  const each = Object.fromEntries(entries.filter(([key]) => isEach(key)));
  // One ledger or one search path for all schemas of a target would always be a mistake.
  const { ledgerSchema: ____, searchPath: _____, ...ofSchemas } = each;
  const merged = Object.entries(targets).map(([name, own]) => [
    name,
    // `readTargets` refuses anything that is not an object.
    typeof own === "object" && own !== null
      ? { ...(own.schemas === undefined ? each : ofSchemas), ...own }
      : own,
  ]);
  return loadConfig({
    flags: forRuns,
    program,
    file: {
      ...Object.fromEntries(entries.filter(([key]) => !isEach(key))),
      targets: Object.fromEntries(merged),
    },
    ...(environment === undefined ? {} : { environment }),
    ...(root === undefined ? {} : { workingFolder: root }),
  });
}

interface LoadOptions {
  readonly say: (line: string) => void;
  readonly observe: (event: RunEvent) => void;
  readonly source?: Source | undefined;
}

async function loadConfigured(config: Config, options: LoadOptions): Promise<Loaded> {
  const { assemble, createContext } = await import("../assemble/assemble.ts");
  const { say, observe, source } = options;
  return {
    settings: config,
    say,
    context: (signal) => createContext(config, { observe, signal }),
    assemble: () => assemble(config, { say, source, observe }),
  };
}

async function schemasOf(
  config: Config,
  { signal, say, create }: { signal: AbortSignal; say: (line: string) => void; create: boolean },
): Promise<Schemas> {
  const [{ findSchemas }, { createContext }] = await Promise.all([
    import("../assemble/schemas.ts"),
    import("../assemble/assemble.ts"),
  ]);
  const context = createContext(config, { observe: () => {}, signal });
  return findSchemas(config, { context, say, create });
}

function severalSchemas(name: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `Target ${name} has several schemas, and a migrator is about one.`,
    hint: `fleet.target("${name}/<schema>"), or fleet.up() for all of them.`,
  });
}

function reportOf(outcome: TargetOutcome<Report>): TargetReport {
  const { name, state } = outcome;
  switch (state) {
    case "done":
      return { name, ok: true, state, report: outcome.value };
    case "not begun":
      return { name, ok: false, state, because: outcome.because };
    case "group": {
      const schemas = outcome.members.map(reportOf);
      const { warnings } = outcome;
      const ok = schemas.every((each) => each.ok);
      return { name, ok, state, schemas, ...(warnings.length === 0 ? {} : { warnings }) };
    }
    default: {
      const { error } = outcome;
      const report = error instanceof GodwitError ? (error.report as Report | undefined) : undefined;
      return {
        name,
        ok: false,
        state,
        problems: problemsOf(error),
        ...(report === undefined ? {} : { report }),
      };
    }
  }
}
