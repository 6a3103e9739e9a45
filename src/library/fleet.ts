/** `createFleet`: several databases, for programs. */
import type { LintGiven } from "../assemble/lint.ts";
import type { Config } from "../config/config.ts";
import { GodwitError } from "../errors.ts";
import type { DriftOptions, DriftReport } from "../run/drift.ts";
import type { Member } from "../run/fleet.ts";
import type { Linted } from "../run/lint.ts";
import type { RunEvent } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import type { TestReport } from "../run/report/test-report.ts";
import type { Source } from "../source/source.ts";
import { createLifetime } from "../std/lifetime.ts";
import {
  type FleetConfig,
  load,
  loadConfigured,
  reportOf,
  schemasOf,
  severalSchemas,
  type TargetReport,
} from "./fleet-parts.ts";
import { limitOf } from "./limit.ts";
import { listenersOf } from "./listeners.ts";
import { closedBefore, type Load, type Loaded } from "./loaded.ts";
import { migratorOf } from "./migrator-calls.ts";
import type { Migrator } from "./migrator-interface.ts";

export interface FleetUpOptions {
  /** Names of targets. Default: all. `tenants/a` is one schema of a target. */
  readonly targets?: readonly string[] | undefined;
}

export interface FleetReport<Answer = Report> {
  readonly targets: readonly TargetReport<Answer>[];
}

export interface FleetDriftOptions extends FleetUpOptions, DriftOptions {
  /** Keeps the schemas as they are now, for later calls. */
  readonly accept?: boolean | undefined;
}

export interface FleetLintOptions extends FleetUpOptions, LintGiven {}

export interface FleetTestOptions extends FleetUpOptions {
  /** An id or the start of one. Default: all migrations. A target without it throws `ConfigError`. */
  readonly revision?: string | undefined;
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
  /** What was changed by hand in each chosen target, as `drift()` of a migrator. Drift is not thrown; a target that cannot be looked at is. */
  drift(options?: FleetDriftOptions): Promise<FleetReport<DriftReport>>;
  /** What is dangerous in the files of all chosen targets, in one report. A folder of several targets is told once. */
  lint(options?: FleetLintOptions): Promise<Linted>;
  /**
   * Runs the migrations of each chosen target on a scratch server, as `test()` of a migrator. A migration that fails is not
   * thrown. A target with `schemas` is tested once, and not once for each schema.
   */
  test(options?: FleetTestOptions): Promise<FleetReport<TestReport>>;
  /** Waits for the calls that have started. A later call throws `ConfigError`. Safe to call twice. */
  close(): Promise<void>;
}

interface Each<Answer> {
  readonly migrates: boolean;
  readonly ofFolders?: boolean;
  readonly work: (migrator: Migrator) => Promise<Answer>;
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
      using limit = limitOf(config.signal, chosen.values.timeout, "nothing");
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
    drift: (options = {}) => lifetime.use(() => drift(options)),
    lint: (options = {}) => lifetime.use(() => lint(options)),
    test: (options = {}) => lifetime.use(() => testEach(options)),
    close,
    [Symbol.asyncDispose]: close,
  };

  async function up(options: FleetUpOptions): Promise<FleetReport> {
    const { checkGiven, TEXTS } = await import("../config/given.ts");
    // An empty list does not mean all targets: the program may have filtered it down to nothing.
    checkGiven(options, { name: "up() of a fleet", keys: { targets: TEXTS } });
    return each(options.targets, { migrates: true, work: (migrator) => migrator.up() });
  }

  async function drift(options: FleetDriftOptions): Promise<FleetReport<DriftReport>> {
    const { checkGiven, SWITCH, TEXTS } = await import("../config/given.ts");
    const keys = { targets: TEXTS, accept: SWITCH, files: SWITCH, sql: SWITCH };
    checkGiven(options, { name: "drift() of a fleet", keys });
    const { targets, ...wanted } = options;
    return each(targets, { migrates: false, work: (migrator) => migrator.drift(wanted) });
  }

  async function lint(options: FleetLintOptions): Promise<Linted> {
    const { checkGiven, COUNT, SWITCH, TEXTS } = await import("../config/given.ts");
    const keys = { targets: TEXTS, files: TEXTS, all: SWITCH, postgresVersion: COUNT };
    checkGiven(options, { name: "lint() of a fleet", keys });
    const { targets, ...wanted } = options;
    const { lintAll } = await import("../assemble/lint.ts");
    const { settings, configs } = await choose(targets ?? []);
    using limit = limitOf(config.signal, settings.values.timeout, "nothing");
    return lintAll(settings, { ...wanted, configs }, { say, observe: () => {}, signal: limit.signal });
  }

  async function testEach(options: FleetTestOptions): Promise<FleetReport<TestReport>> {
    const { checkGiven, TEXT, TEXTS } = await import("../config/given.ts");
    checkGiven(options, { name: "test() of a fleet", keys: { targets: TEXTS, revision: TEXT } });
    const { targets, revision } = options;
    return each(targets, { migrates: false, ofFolders: true, work: (migrator) => migrator.test(revision) });
  }

  /** One call of a migrator for each chosen target. `ofFolders`: the schemas of a target are one. */
  async function each<Answer>(
    names: readonly string[] = [],
    { migrates, ofFolders = false, work }: Each<Answer>,
  ): Promise<FleetReport<Answer>> {
    const [{ runFleet, isDone, flatten }, { openSharedSource }] = await Promise.all([
      import("../run/fleet.ts"),
      import("../assemble/shared-source.ts"),
    ]);
    const { settings, configs } = await choose(names);
    using limit = limitOf(config.signal, settings.values.timeout, migrates ? "continues" : "nothing");
    const { signal } = limit;
    const member = (one: Config, source?: Source): Member<Answer> => {
      const name = one.target?.name ?? "";
      const reach = async () => {
        if (!migrates) return;
        const [{ reachOf }, { createContext }] = await Promise.all([
          import("../assemble/reach.ts"),
          import("../assemble/assemble.ts"),
        ]);
        const context = createContext(one, { observe: (event) => observe(event, name), signal });
        await reachOf(one, { context, say })?.();
      };
      const { schemas = null } = one.target ?? {};
      if (schemas === null || (ofFolders && schemas.only === null))
        return {
          name,
          reach,
          run: async () => {
            const listeners = { say, observe: (event: RunEvent) => observe(event, name) };
            const load = () => loadConfigured(one, { ...listeners, source });
            await using migrator = migratorOf(load, { name: maker, signal: () => signal });
            return await work(migrator);
          },
        };
      return {
        name,
        reach,
        expand: async () => {
          const found = await schemasOf(one, { signal, say, create: migrates });
          const shared = await openSharedSource(one, found.configs, { print: say, signal });
          return {
            members: found.configs.map((each) => member(each, shared)),
            canary: found.canary,
            parallel: schemas.parallel ?? null,
            warnings: found.warning === undefined ? [] : [found.warning],
          };
        },
      };
    };
    const outcomes = await runFleet(
      configs.map((each) => member(each)),
      { parallel: settings.values.parallel, onFailure: settings.values.onTargetFailure, signal },
    );
    const report: FleetReport<Answer> = { targets: outcomes.map(reportOf) };
    if (outcomes.every((outcome) => isDone(outcome))) return report;
    const failed = flatten(outcomes).find(({ state }) => state === "failed" || state === "interrupted");
    const error: unknown = failed !== undefined && "error" in failed ? failed.error : signal.reason;
    if (error instanceof GodwitError) error.report = report;
    throw error;
  }
}
