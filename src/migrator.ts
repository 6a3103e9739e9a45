/** `createMigrator`: the same use-cases as the command's, for programs. */
import type { Assembled } from "./assemble.ts";
import type { Config } from "./config/config.ts";
import type { ConfigFile } from "./config/define.ts";
import { PHASES } from "./core/migration.ts";
import type { Plan, Step } from "./core/step.ts";
import type { PgliteLike } from "./database/pglite.ts";
import type { Decided, Decision } from "./duplicates/decide.ts";
import type { Duplicates } from "./duplicates/duplicates.ts";
import type { FindOptions } from "./duplicates/find.ts";
import { ConfigError, Interrupted, type Problem } from "./errors.ts";
import type { ImportReport } from "./import/report.ts";
import type { Recorded } from "./ledger/ledger.ts";
import type { AdoptOptions, AdoptReport } from "./run/adopt.ts";
import type { BaselineReport } from "./run/baseline.ts";
import type { Observe } from "./run/events.ts";
import type { MigrateOptions } from "./run/migrate.ts";
import type { Repair, RepairReport } from "./run/repair.ts";
import type { Report } from "./run/report.ts";
import type { ImportState } from "./run/status.ts";
import type { StatusRow } from "./run/status-rows.ts";
import type { RunContext } from "./run/target.ts";

/** A `PGlite` of `@electric-sql/pglite`, as far as it is used. */
export type PgliteInstance = PgliteLike;

export interface MigratorConfig extends Omit<ConfigFile, "targets" | "parallel" | "onTargetFailure"> {
  /** An instance of PGlite in place of a URL. It stays open. */
  readonly database?: PgliteInstance;
  /** `contract` runs only where it is named here or in `phase`. */
  readonly contract?: boolean;
  /** Relative paths start here; default: the working directory. */
  readonly root?: string;
  /** Told everything that a run does, while it does it. */
  readonly observe?: Observe;
  /** Told what is said aside, for example that an embedded server is used. Default: nobody is. */
  readonly say?: (line: string) => void;
  /** Ends the work; what was committed until then stays. */
  readonly signal?: AbortSignal;
  /** Default: the process's own. Migrations find it in `process.env`. Flags and files are never read: what is given here is what counts first. */
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
  /** Declares a revision and all before it as present. */
  baseline(revision: string): Promise<BaselineReport>;
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
  /** Stops the embedded server, if there is one. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Reads nothing and connects to nothing before the first call.
 *
 * ```ts
 * await using migrator = createMigrator({ dir: "migrations", databaseUrl: process.env.DATABASE_URL });
 * const report = await migrator.up();
 * ```
 */
export function createMigrator(config: MigratorConfig = {}): Migrator {
  return migratorOf(() => open(config));
}

/** Opened when it is first asked for something. */
export function migratorOf(openIt: () => Promise<Opened>): Migrator {
  let opening: Promise<Opened> | undefined;
  const opened = () => {
    opening ??= openIt();
    return opening;
  };
  const options = ({ settings }: Opened, direction: "up" | "down", to: string): MigrateOptions => ({
    goal: { direction, to, phases: direction === "up" ? settings.phases : PHASES },
    failure: settings.values.onFailure,
    outOfOrder: settings.values.outOfOrder,
  });
  const imports =
    ({ settings }: Opened) =>
    async () =>
      (await import("./assemble.ts")).assembleImports(settings);
  /** A server or a file that does not answer must not outlive the deadline. */
  const within = async <T>({ context }: Opened, run: (context: RunContext) => Promise<T>): Promise<T> => {
    const { orEnded } = await import("./run/ending.ts");
    const own = context();
    return orEnded(run(own), own);
  };
  const up = async (to: string) => {
    const { migrateUp } = await import("./run/everything.ts");
    const all = await opened();
    return within(all, (context) =>
      migrateUp(all.assembled.target, options(all, "up", to), { context, imports: imports(all) }),
    );
  };
  const down = async (to: string) => {
    const { migrate } = await import("./run/migrate.ts");
    const all = await opened();
    return within(all, (context) => migrate(all.assembled.target, options(all, "down", to), context));
  };
  const look = async () => {
    const { look } = await import("./run/status.ts");
    const all = await opened();
    const { target } = all.assembled;
    return within(all, (context) => look(target, context));
  };
  const plan = async (goal: string) => {
    const { preview } = await import("./run/status.ts");
    const all = await opened();
    return within(all, (context) => preview(all.assembled.target, options(all, "up", goal), context));
  };
  const close = async () => {
    const held = await opening?.catch(() => undefined);
    await held?.assembled.close();
  };
  return {
    up: (goal = "heads") => up(goal),
    down,
    plan: (goal = "heads") => plan(goal),
    async status() {
      const { statusOf } = await import("./run/status.ts");
      const all = await opened();
      const { target } = all.assembled;
      const wanted = { ...options(all, "up", "heads"), imports: imports(all) };
      const {
        plan: decided,
        target: _,
        ...status
      } = await within(all, (context) => statusOf(target, wanted, context));
      return { ...status, pending: decided?.steps ?? [] };
    },
    history: async () => (await look()).history.entries,
    async adopt(options = {}) {
      const { adopt } = await import("./run/adopt.ts");
      const all = await opened();
      const { target } = all.assembled;
      return within(all, (context) => adopt(target, { assume: false, dryRun: false, ...options }, context));
    },
    async baseline(revision) {
      const { baseline } = await import("./run/baseline.ts");
      const all = await opened();
      const { target } = all.assembled;
      return within(all, (context) => baseline(target, revision, context));
    },
    async repair(request, { confirm }) {
      const { repair } = await import("./run/repair.ts");
      const all = await opened();
      const { target } = all.assembled;
      return within(all, (context) => repair(target, request, { confirm }, context));
    },
    async import(name) {
      const [{ assembleImports, chooseImports }, { runImport }] = await Promise.all([
        import("./assemble.ts"),
        import("./run/import.ts"),
      ]);
      const all = await opened();
      const {
        settings,
        assembled: { target },
      } = all;
      const reports: ImportReport[] = [];
      for (const wanted of chooseImports(await assembleImports(settings), name))
        reports.push(await within(all, (context) => runImport(target, wanted, context)));
      return reports;
    },
    async duplicates(options = {}) {
      const { listDuplicates } = await import("./run/duplicates.ts");
      const all = await opened();
      const { target } = all.assembled;
      return (await within(all, (context) => listDuplicates(target, options, context))).duplicates;
    },
    async decide(decision) {
      const { decideDuplicates } = await import("./run/duplicates.ts");
      const all = await opened();
      const { target } = all.assembled;
      return within(all, (context) => decideDuplicates(target, decision, context));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface Opened {
  readonly settings: Config;
  readonly assembled: Assembled;
  /** A new one for each run. */
  readonly context: () => RunContext;
}

async function open(config: MigratorConfig): Promise<Opened> {
  const {
    database,
    contract,
    root,
    observe = () => {},
    say = () => {},
    signal,
    environment,
    imports,
    ...file
  } = config;
  if ("targets" in file)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "createMigrator is about one database, and targets are several.",
      hint: "Use createFleet({ targets }).",
    });
  const [{ loadConfig }, { assemble, createContext }] = await Promise.all([
    import("./config/load.ts"),
    import("./assemble.ts"),
  ]);
  // What the caller says comes before the environment, like flags do; nothing else on disk is asked.
  const settings = await loadConfig({
    flags: { ...file, ...(contract === undefined ? {} : { contract }) },
    file: imports === undefined ? false : { imports },
    ...(environment === undefined ? {} : { environment }),
    ...(root === undefined ? {} : { workingFolder: root }),
  });
  const assembled = await assemble(settings, {
    say,
    open: database === undefined ? undefined : () => openInstance(database),
  });
  const { timeout } = settings.values;
  const context = () => createContext(settings, { observe, signal: signalOf(signal, timeout) });
  return { settings, assembled, context };
}

async function openInstance(instance: PgliteInstance) {
  const { openPglite } = await import("./database/pglite.ts");
  return openPglite(instance);
}

/** Aborts with an `Interrupted`, by the program's own signal or by the deadline. */
export function signalOf(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const stop = new AbortController();
  const hint = "Run again: it goes on where it stopped.";
  const end = () =>
    stop.abort(
      new Interrupted({ code: "INTERRUPTED", message: "The program ended the run.", hint }, "abort"),
    );
  if (signal?.aborted === true) end();
  signal?.addEventListener("abort", end, { once: true });
  const message = `The deadline of the run has passed (timeout, ${timeoutMs / 1000} s).`;
  const late = () => stop.abort(new Interrupted({ code: "DEADLINE", message, hint }, "deadline"));
  if (timeoutMs > 0) setTimeout(late, timeoutMs).unref();
  return stop.signal;
}
