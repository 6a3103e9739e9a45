/** `createMigrator`: the same use-cases as the command's, for programs. */
import type { Assembled } from "../assemble/assemble.ts";
import type { Config } from "../config/config.ts";
import type { ConfigFile } from "../config/define.ts";
import { PHASES } from "../core/migration.ts";
import type { Plan, Step } from "../core/step.ts";
import type { PgliteLike } from "../database/pglite-instance.ts";
import type { Decided, Decision } from "../duplicates/decide.ts";
import type { Duplicates } from "../duplicates/duplicates.ts";
import type { FindOptions } from "../duplicates/find.ts";
import { ConfigError, type Problem } from "../errors.ts";
import type { ImportReport } from "../import/report.ts";
import type { Recorded } from "../ledger/ledger.ts";
import type { AdoptReport } from "../run/adopt/adopt-report.ts";
import type { AdoptOptions } from "../run/adopt.ts";
import type { BaselineOptions, BaselineReport } from "../run/baseline.ts";
import type { Repair } from "../run/corrections.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { RepairReport } from "../run/repair.ts";
import type { Observe, RunEvent } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import type { StatusRow } from "../run/report/status-rows.ts";
import type { RunContext } from "../run/session/target.ts";
import type { ImportState } from "../run/status.ts";
import { createLifetime } from "../std/lifetime.ts";
import { limitOf } from "./limit.ts";
import { type Listeners, listenersOf } from "./listeners.ts";

/** A `PGlite` of `@electric-sql/pglite`, as far as it is used. */
export type PgliteInstance = PgliteLike;

export interface MigratorConfig extends Omit<ConfigFile, "targets" | "parallel" | "onTargetFailure"> {
  /** An instance of PGlite in place of a URL. It stays open. */
  readonly database?: PgliteInstance;
  /** `contract` runs only where it is named here or in `phase`. */
  readonly contract?: boolean;
  /** Relative paths start here; default: the working directory. */
  readonly root?: string;
  /** Told everything that a run does, while it does it. Where it fails, the run goes on; its first failure is told to `say`. */
  readonly observe?: Observe;
  /** Told what is said aside, for example that an embedded server is used. Default: nobody is. */
  readonly say?: (line: string) => void;
  /** Ends the work; what was committed until then stays. */
  readonly signal?: AbortSignal;
  /** Default: the process's own. Flags and files are never read: what is given here is what counts first. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface Status {
  readonly database: string;
  /** Nothing is pending, nothing would stop `up()`, and its imports have run to their end. */
  readonly upToDate: boolean;
  /** What `up()` would do; nothing where it would not begin, and `problems` says why. */
  readonly pending: readonly Step[];
  /** The tips of what is applied. */
  readonly current: readonly string[];
  /** The newest of the files. */
  readonly heads: readonly string[];
  /** Every migration and its state. */
  readonly migrations: readonly StatusRow[];
  /** The imports that `up()` would run. */
  readonly imports: readonly ImportState[];
  readonly warnings: readonly Problem[];
  /** What would stop `up()`: it would throw this. */
  readonly problems: readonly Problem[];
}

export type AppliedHistory = readonly Recorded[];

/** Several calls at once are safe: each has a connection of its own, and those that write wait for each other. */
export interface Migrator extends AsyncDisposable {
  /**
   * Applies what is pending, up to `goal` (an id or the start of one, `+2`, `head`); without one, and with `head`, the
   * configured imports run as well, between the phases before and behind them. When it resolves, all of it is in the
   * ledger and in the database. Throws a `GodwitError` whose `report` says what had been done.
   */
  up(goal?: string): Promise<Report>;
  /** Takes back: `-1`, an id (it stays) or `base`. Throws like `up`. */
  down(goal: string): Promise<Report>;
  /** Looks and changes nothing. What would stop `up()` is in `problems`. */
  status(): Promise<Status>;
  /** What `up(goal)` would do now. Throws as it would. */
  plan(goal?: string): Promise<Plan>;
  /** What the ledger says, in the order in which it happened. */
  history(): Promise<AppliedHistory>;
  /** Takes over what another tool has applied, from its own history; `dryRun` only looks. */
  adopt(options?: Partial<AdoptOptions>): Promise<AdoptReport>;
  /** Declares a revision and all before it as present; `confirm` names the database in which they replace all of the old ones. */
  baseline(revision: string, options?: BaselineOptions): Promise<BaselineReport>;
  /** Corrects the ledger; `confirm` is the name of the database that is meant. */
  repair(request: Repair, options: { readonly confirm: string }): Promise<RepairReport>;
  /**
   * Brings the files of the configured imports into the database, of all or of the one that is named. When it resolves,
   * every file has its row or, in the report, the reason why it has none. Throws a `GodwitError` with a `report`.
   */
  import(name?: string): Promise<readonly ImportReport[]>;
  /** What is there twice among the imported images. Compares what is new first. */
  duplicates(options?: FindOptions): Promise<Duplicates>;
  /** Remembers what was decided about duplicates. Throws `ConfigError` for an image that is not known. */
  decide(decision: Decision): Promise<Decided>;
  /**
   * Waits for the calls that have begun, and stops the embedded server, if there is one. A later call throws `ConfigError`.
   * Safe to call twice.
   */
  close(): Promise<void>;
}

/**
 * Reads nothing and connects to nothing before the first call. A first call that fails leaves nothing behind: the next one
 * reads the configuration and opens everything anew. A key that is not known is refused.
 *
 * ```ts
 * await using migrator = createMigrator({ dir: "migrations", databaseUrl: process.env.DATABASE_URL });
 * const report = await migrator.up();
 * ```
 */
export function createMigrator(config: MigratorConfig = {}): Migrator {
  const listeners = listenersOf<[RunEvent]>(config ?? {});
  return migratorOf(() => open(config, listeners), { name: "createMigrator", signal: () => config?.signal });
}

export interface MigratorOptions {
  /** What made it, for messages. */
  readonly name: string;
  /** The program's own way to end a run. */
  readonly signal: () => AbortSignal | undefined;
}

/** Opened when it is first asked for something. */
export function migratorOf(openIt: () => Promise<Opened>, { name, signal }: MigratorOptions): Migrator {
  const lifetime = createLifetime({
    open: openIt,
    close: ({ assembled }) => assembled.close(),
    refusal: () => closedBefore("This migrator", name),
  });
  /** One call: its own context, and a limit that is gone when it is over. */
  const call = <T>(work: (all: Opened, context: RunContext) => Promise<T>) =>
    lifetime.use(async (all) => {
      using limit = limitOf(signal(), all.settings.values.timeout);
      const { orEnded } = await import("../run/session/ending.ts");
      return await orEnded(work(all, all.context(limit.signal)), limit);
    });
  const given = () => import("../config/given.ts");
  const text = async (value: unknown, name: string) => {
    const { checkValue, TEXT } = await given();
    checkValue(value, name, TEXT);
  };
  const options = ({ settings }: Opened, direction: "up" | "down", to: string): MigrateOptions => ({
    goal: { direction, to, phases: direction === "up" ? settings.phases : PHASES },
    failure: settings.values.onFailure,
    outOfOrder: settings.values.outOfOrder,
  });
  const imports =
    ({ settings }: Opened) =>
    async () =>
      (await import("../assemble/imports.ts")).assembleImports(settings);
  const up = (to: string) =>
    call(async (all, context) => {
      const { migrateUp } = await import("../run/up.ts");
      return migrateUp(all.assembled.target, options(all, "up", to), { context, imports: imports(all) });
    });
  const down = (to: string) =>
    call(async (all, context) => {
      const { migrate } = await import("../run/migrate.ts");
      return migrate(all.assembled.target, options(all, "down", to), context);
    });
  const look = (all: Opened, context: RunContext) =>
    import("../run/status.ts").then(({ look }) => look(all.assembled.target, context));
  const plan = async (all: Opened, context: RunContext, goal: string) => {
    const { preview } = await import("../run/status.ts");
    return preview(all.assembled.target, options(all, "up", goal), context);
  };
  return {
    async up(goal = "heads") {
      await text(goal, "The goal of up()");
      return up(goal);
    },
    async down(goal) {
      await text(goal, "The goal of down()");
      return down(goal);
    },
    async plan(goal = "heads") {
      await text(goal, "The goal of plan()");
      return call((all, context) => plan(all, context, goal));
    },
    status: () =>
      call(async (all, context) => {
        const { statusOf } = await import("../run/status.ts");
        const { target } = all.assembled;
        const wanted = { ...options(all, "up", "heads"), imports: imports(all) };
        const { plan: decided, target: _, ...status } = await statusOf(target, wanted, context);
        return { ...status, pending: decided?.steps ?? [] };
      }),
    history: () => call(async (all, context) => (await look(all, context)).history.entries),
    async adopt(options = {}) {
      const { checkGiven, SWITCH, TEXT } = await given();
      const keys = { tool: TEXT, table: TEXT, assume: SWITCH, dryRun: SWITCH };
      checkGiven(options, { name: "adopt()", keys });
      return call(async ({ assembled }, context) => {
        const { adopt } = await import("../run/adopt.ts");
        return adopt(assembled.target, { assume: false, dryRun: false, ...options }, context);
      });
    },
    async baseline(revision, options = {}) {
      await text(revision, "The revision of baseline()");
      const { checkGiven, TEXT } = await given();
      checkGiven(options, { name: "baseline()", keys: { confirm: TEXT } });
      return call(async ({ assembled }, context) => {
        const { baseline } = await import("../run/baseline.ts");
        return baseline(assembled.target, revision, context, options);
      });
    },
    async repair(request, options) {
      const { checkGiven, oneOf, POSITION, TEXT } = await given();
      const kind = oneOf("accept", "forget", "mark-done", "retry", "rebuild");
      const whole = (request as Partial<Repair> | null)?.kind === "rebuild";
      const keys = whole ? { kind } : { kind, revision: TEXT, position: POSITION };
      const required = whole ? ["kind"] : ["kind", "revision"];
      checkGiven(request, { name: "the request of repair()", keys, required });
      checkGiven(options, { name: "repair()", keys: { confirm: TEXT }, required: ["confirm"] });
      return call(async ({ assembled }, context) => {
        const { repair } = await import("../run/repair.ts");
        return repair(assembled.target, request, { confirm: options.confirm }, context);
      });
    },
    async import(name) {
      if (name !== undefined) await text(name, "The name of import()");
      return call(async ({ settings, assembled }, context) => {
        const [{ assembleImports, chooseImports }, { runImport }] = await Promise.all([
          import("../assemble/imports.ts"),
          import("../run/import.ts"),
        ]);
        const reports: ImportReport[] = [];
        for (const wanted of chooseImports(await assembleImports(settings), name))
          reports.push(await runImport(assembled.target, wanted, context));
        return reports;
      });
    },
    async duplicates(options = {}) {
      const { checkGiven, NUMBER, OBJECT, SWITCH, TEXTS } = await given();
      const keys = { limits: OBJECT, limit: NUMBER, offset: NUMBER, kinds: TEXTS, settled: SWITCH };
      checkGiven(options, { name: "duplicates()", keys });
      const limits = { radius: NUMBER, same256: NUMBER, review256: NUMBER };
      checkGiven(options.limits ?? {}, { name: "limits of duplicates()", keys: limits });
      return call(async ({ assembled }, context) => {
        const { listDuplicates } = await import("../run/duplicates.ts");
        return (await listDuplicates(assembled.target, options, context)).duplicates;
      });
    },
    async decide(decision) {
      const { checkGiven, FILE, FILES, oneOf } = await given();
      const keys = { kind: oneOf("distinct", "keep", "forget"), file: FILE, files: FILES, others: FILES };
      checkGiven(decision, { name: "decide()", keys, required: ["kind"] });
      const named = decision.kind === "keep" ? "file" : "files";
      checkGiven(decision, { name: "decide()", keys, required: [named] });
      return call(async ({ assembled }, context) => {
        const { decideDuplicates } = await import("../run/duplicates.ts");
        return decideDuplicates(assembled.target, decision, context);
      });
    },
    close: lifetime.close,
    [Symbol.asyncDispose]: lifetime.close,
  };
}

/** What a call after `close()` throws. */
export function closedBefore(what: string, maker: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${what} was closed, and is used again.`,
    hint: `Close it after its last call, or make another one with ${maker}.`,
  });
}

export interface Opened {
  readonly settings: Config;
  readonly assembled: Assembled;
  /** A new one for each run. */
  readonly context: (signal: AbortSignal) => RunContext;
}

/** What programs give beside the options. */
export async function programKeys() {
  const { FUNCTION, OBJECT, SIGNAL, TEXT } = await import("../config/given.ts");
  return { root: TEXT, observe: FUNCTION, say: FUNCTION, signal: SIGNAL, environment: OBJECT };
}

/** Options of the file that are about several targets. */
const OF_FLEETS: readonly string[] = ["parallel", "onTargetFailure"];

async function open(config: MigratorConfig, { observe, say }: Listeners<[RunEvent]>): Promise<Opened> {
  const [{ loadConfig }, { assemble, createContext }, { checkGiven, OBJECT, OPTION }, { FILE_KEYS }] =
    await Promise.all([
      import("../config/load.ts"),
      import("../assemble/assemble.ts"),
      import("../config/given.ts"),
      import("../config/known.ts"),
    ]);
  const program = "createMigrator";
  if (typeof config === "object" && config !== null && "targets" in config)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "createMigrator is about one database, and targets are several.",
      hint: "Use createFleet({ targets }).",
    });
  const known = FILE_KEYS.filter((key) => !OF_FLEETS.includes(key));
  const keys = Object.fromEntries([...known, "imports", "contract"].map((key) => [key, OPTION]));
  checkGiven(config, { name: program, keys: { ...keys, ...(await programKeys()), database: OBJECT } });
  const {
    database,
    contract,
    root,
    observe: _,
    say: __,
    signal: ___,
    environment,
    imports,
    ...file
  } = config;
  const settings = await loadConfig({
    flags: { ...file, ...(contract === undefined ? {} : { contract }) },
    program,
    file: imports === undefined ? false : { imports },
    ...(environment === undefined ? {} : { environment }),
    ...(root === undefined ? {} : { workingFolder: root }),
  });
  const assembled = await assemble(settings, {
    say,
    open: database === undefined ? undefined : () => openInstance(database),
  });
  return { settings, assembled, context: (signal) => createContext(settings, { observe, signal }) };
}

async function openInstance(instance: PgliteInstance) {
  const { openPglite } = await import("../database/pglite.ts");
  return openPglite(instance);
}
