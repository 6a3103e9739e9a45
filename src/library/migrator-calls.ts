/** The calls of a migrator: each checks its arguments and reaches one use-case. A fleet has the same for each target. */
import type { Assembled } from "../assemble/assemble.ts";
import type { Config } from "../config/config.ts";
import { PHASES } from "../core/migration.ts";
import type { Plan, Step } from "../core/step.ts";
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
import type { Report } from "../run/report/report.ts";
import type { StatusRow } from "../run/report/status-rows.ts";
import type { RunContext } from "../run/session/target.ts";
import type { ImportState } from "../run/status.ts";
import { createLifetime } from "../std/lifetime.ts";
import { limitOf } from "./limit.ts";

export interface Status {
  readonly database: string;
  /** Nothing is pending, nothing would stop `up()`, and its imports are complete. */
  readonly upToDate: boolean;
  /** The steps of `up()`. None if it would not begin, and `problems` says why. */
  readonly pending: readonly Step[];
  /** The newest applied revisions. */
  readonly current: readonly string[];
  /** The newest revisions of the files. */
  readonly heads: readonly string[];
  /** Every migration and its state. */
  readonly migrations: readonly StatusRow[];
  /** The imports that `up()` would run. */
  readonly imports: readonly ImportState[];
  readonly warnings: readonly Problem[];
  /** The problems that `up()` would throw. */
  readonly problems: readonly Problem[];
}

export type AppliedHistory = readonly Recorded[];

/** Calls may run at the same time. Each has a connection of its own, and calls that write wait for each other. */
export interface Migrator extends AsyncDisposable {
  /**
   * Applies what is pending, up to `goal` (an id or the start of one, `+2`, `head`). Without a goal, and with `head`, the
   * configured imports run as well, between the phases before and after them. When it resolves, everything is in the
   * ledger and in the database. Throws a `GodwitError` whose `report` says what was done.
   */
  up(goal?: string): Promise<Report>;
  /** Reverts to `goal`: `-1`, an id (that one stays applied) or `base`. Throws like `up`. */
  down(goal: string): Promise<Report>;
  /** Changes nothing. What would stop `up()` is in `problems`. */
  status(): Promise<Status>;
  /** The plan of `up(goal)`. Throws what `up(goal)` would throw before its first step. */
  plan(goal?: string): Promise<Plan>;
  /** The history in the ledger, the oldest first. */
  history(): Promise<AppliedHistory>;
  /** Adopts what another tool has applied, from its own history. `dryRun` changes nothing. */
  adopt(options?: Partial<AdoptOptions>): Promise<AdoptReport>;
  /** Declares a revision and all before it as applied. `confirm` names a database in which they replace older ones. */
  baseline(revision: string, options?: BaselineOptions): Promise<BaselineReport>;
  /** Corrects the ledger. `confirm` is the name of the database. */
  repair(request: Repair, options: { readonly confirm: string }): Promise<RepairReport>;
  /**
   * Runs the configured imports, or the one called `name`. When it resolves, each file has its row, or a reason in the
   * report why it has none. Throws a `GodwitError` with a `report`.
   */
  import(name?: string): Promise<readonly ImportReport[]>;
  /** Finds duplicates among the imported images. Compares new images first. */
  duplicates(options?: FindOptions): Promise<Duplicates>;
  /** Stores a decision about duplicates. Throws `ConfigError` for an unknown image. */
  decide(decision: Decision): Promise<Decided>;
  /**
   * Waits for the calls that have begun, and stops the embedded server if there is one. A later call throws `ConfigError`.
   * Safe to call twice.
   */
  close(): Promise<void>;
}

export interface MigratorOptions {
  /** The function that made the migrator, for messages. */
  readonly name: string;
  /** Ends a run for the program. It is read at each call. */
  readonly signal: () => AbortSignal | undefined;
}

/** A migrator that is opened by its first call. */
export function migratorOf(openIt: () => Promise<Opened>, { name, signal }: MigratorOptions): Migrator {
  const lifetime = createLifetime({
    open: openIt,
    close: ({ assembled }) => assembled.close(),
    refusal: () => closedBefore("This migrator", name),
  });
  /** One call, with a context and a time limit of its own. */
  const call = <T>(work: (opened: Opened, context: RunContext) => Promise<T>) =>
    lifetime.use(async (opened) => {
      using limit = limitOf(signal(), opened.settings.values.timeout);
      const { orEnded } = await import("../run/session/ending.ts");
      return await orEnded(work(opened, opened.context(limit.signal)), limit);
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
    call(async (opened, context) => {
      const { migrateUp } = await import("../run/up.ts");
      return migrateUp(opened.assembled.target, options(opened, "up", to), {
        context,
        imports: imports(opened),
      });
    });
  const down = (to: string) =>
    call(async (opened, context) => {
      const { migrate } = await import("../run/migrate.ts");
      return migrate(opened.assembled.target, options(opened, "down", to), context);
    });
  const look = (opened: Opened, context: RunContext) =>
    import("../run/status.ts").then(({ look }) => look(opened.assembled.target, context));
  const plan = async (opened: Opened, context: RunContext, goal: string) => {
    const { preview } = await import("../run/status.ts");
    return preview(opened.assembled.target, options(opened, "up", goal), context);
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
      return call((opened, context) => plan(opened, context, goal));
    },
    status: () =>
      call(async (opened, context) => {
        const { statusOf } = await import("../run/status.ts");
        const { target } = opened.assembled;
        const wanted = { ...options(opened, "up", "heads"), imports: imports(opened) };
        const { plan: decided, target: _, ...status } = await statusOf(target, wanted, context);
        return { ...status, pending: decided?.steps ?? [] };
      }),
    history: () => call(async (opened, context) => (await look(opened, context)).history.entries),
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

/** The error of a call after `close()`. */
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
  /** Makes a new context for each run. */
  readonly context: (signal: AbortSignal) => RunContext;
}

/** The keys that only programs have, beside the options. */
export async function programKeys() {
  const { FUNCTION, OBJECT, SIGNAL, TEXT } = await import("../config/given.ts");
  return { root: TEXT, observe: FUNCTION, say: FUNCTION, signal: SIGNAL, environment: OBJECT };
}
