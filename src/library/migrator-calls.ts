/** The calls of a migrator: each checks its arguments and reaches one use-case. A fleet has the same for each target. */
import type { AssembleOptions } from "../assemble/assemble.ts";
import type { Direction } from "../core/migration.ts";
import type { Repair } from "../run/corrections.ts";
import type { Changes } from "../run/session/reading.ts";
import type { RunContext } from "../run/session/target.ts";
import { createLifetime } from "../std/lifetime.ts";
import { announced } from "./announced.ts";
import { backfillCalls } from "./backfill-calls.ts";
import { duplicatesCalls } from "./duplicates-calls.ts";
import { foresightCalls } from "./foresight-calls.ts";
import { limitOf } from "./limit.ts";
import { closedBefore, type Load, type Loaded, type Opened } from "./loaded.ts";
import type { Migrator, ScriptGiven } from "./migrator-interface.ts";

export interface MigratorOptions {
  /** The function that made the migrator, for messages. */
  readonly name: string;
  /** Ends a run for the program. It is read at each call. */
  readonly signal: () => AbortSignal | undefined;
}

interface Planned {
  readonly goal: string;
  readonly sample: boolean;
}

/** A migrator that is opened by its first call. */
export function migratorOf(load: Load, { name, signal }: MigratorOptions): Migrator {
  const lifetime = createLifetime({
    open: async (wanted: Pick<AssembleOptions, "needsFiles">): Promise<Opened> => {
      const loaded = await load({ offline: false });
      return { ...loaded, assembled: await loaded.assemble(wanted) };
    },
    close: ({ assembled }) => assembled.close(),
    refusal: () => closedBefore("This migrator", name),
  });
  const limited = async <T>(loaded: Loaded, changes: Changes, work: (context: RunContext) => Promise<T>) => {
    using limit = limitOf(signal(), loaded.settings.values.timeout, changes);
    const { orEnded } = await import("../run/session/ending.ts");
    return await orEnded(work(loaded.context(limit.signal)), limit);
  };
  /** Calls, each with a context and a time limit of its own. */
  const callsThat = (changes: Changes) => {
    const call = <T>(work: (opened: Opened, context: RunContext) => Promise<T>, needsFiles = false) =>
      lifetime.use((opened) => limited(opened, changes, (context) => work(opened, context)), { needsFiles });
    return {
      call,
      callWithFiles: ((work) => call(work, true)) as typeof call,
      /** It needs the configuration only, and reads it again each time. */
      callUnopened: <T>(
        wanted: { readonly offline: boolean },
        work: (loaded: Loaded, context: RunContext) => Promise<T>,
      ) =>
        lifetime.useUnopened(async () => {
          const loaded = await load(wanted);
          return limited(loaded, changes, (context) => work(loaded, context));
        }),
    };
  };
  const { call, callWithFiles } = callsThat("continues");
  const once = callsThat("once");
  const reading = callsThat("nothing");
  const given = () => import("../config/given.ts");
  const text = async (value: unknown, name: string) => {
    const { checkValue, TEXT } = await given();
    checkValue(value, name, TEXT);
  };
  const options = async ({ settings }: Loaded, direction: Direction, to: string) =>
    (await import("../assemble/options.ts")).migrateOptions(settings, direction, to);
  const imports =
    ({ settings }: Loaded) =>
    async () =>
      (await import("../assemble/imports.ts")).assembleImports(settings);
  const up = (to: string) =>
    callWithFiles(async (opened, context) => {
      const [{ migrateUp }, { remarkOnMode }, { switchedOff }, { skippedReport }, { approvalBy }] =
        await Promise.all([
          import("../run/up.ts"),
          import("../assemble/options.ts"),
          import("../config/switched-off.ts"),
          import("../run/report/skipped.ts"),
          import("../assemble/forecast.ts"),
        ]);
      const off = switchedOff(opened.settings.values);
      if (off !== null) {
        opened.say(off);
        return skippedReport(off, { target: opened.assembled.target.name, runId: context.runId });
      }
      const remark = await remarkOnMode(opened.settings, opened.assembled.target);
      if (remark !== null) opened.say(remark);
      const goal = await options(opened, "up", to);
      const { target } = opened.assembled;
      const approval = approvalBy({ config: opened.settings, target, print: opened.say });
      return announced(opened, { command: "up", context }, (told) =>
        migrateUp(target, goal, { context: told, imports: imports(opened), approval }),
      );
    });
  const down = (to: string) =>
    callWithFiles(async (opened, context) => {
      const { migrate } = await import("../run/migrate.ts");
      const goal = await options(opened, "down", to);
      return announced(opened, { command: "down", context }, (told) =>
        migrate(opened.assembled.target, goal, told),
      );
    });
  const viewOf = (opened: Opened, context: RunContext) =>
    import("../run/status.ts").then(({ viewOf }) => viewOf(opened.assembled.target, context));
  const plan = async (opened: Opened, context: RunContext, { goal, sample }: Planned) => {
    const [{ preview }, { directionOf }] = await Promise.all([
      import("../run/status.ts"),
      import("../run/plan.ts"),
    ]);
    const wanted = await options(opened, directionOf(goal), goal);
    return preview(opened.assembled.target, { ...wanted, sample }, context);
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
    backfills: backfillCalls({
      read: reading.callWithFiles,
      tell: once.callWithFiles,
      run: (revision, work) =>
        callWithFiles(async (opened, context) => {
          const goal = await options(opened, "down", revision);
          return announced(opened, { command: "down", context }, (told) =>
            work(opened.assembled.target, goal, told),
          );
        }),
    }),
    async plan(goal = "heads", { sample = false } = {}) {
      await text(goal, "The goal of plan()");
      const { checkValue, SWITCH } = await import("../config/given.ts");
      checkValue(sample, "`sample` of plan()", SWITCH);
      return reading.callWithFiles((opened, context) => plan(opened, context, { goal, sample }));
    },
    async dryRun(goal = "heads") {
      await text(goal, "The goal of dryRun()");
      return once.callWithFiles(async (opened, context) => {
        const { dryRun } = await import("../run/dry-run.ts");
        const wanted = { ...(await options(opened, "up", goal)), imports: imports(opened) };
        return dryRun(opened.assembled.target, wanted, context);
      });
    },
    async script(given = {}) {
      const { checkGiven, oneOf, TEXT } = await import("../config/given.ts");
      const keys = { direction: oneOf("up", "down"), goal: TEXT, from: TEXT };
      checkGiven(given, {
        name: "script()",
        keys,
        required: (given as ScriptGiven | null)?.direction === "down" ? ["goal"] : [],
      });
      const { direction = "up", goal: to = "heads", from } = given;
      return reading.callUnopened({ offline: true }, async ({ settings, say }, { observe, signal }) => {
        const { scriptOf } = await import("../assemble/script.ts");
        return scriptOf(settings, { direction, to, from }, { observe, signal, print: say });
      });
    },
    status: () =>
      reading.callWithFiles(async (opened, context) => {
        const { statusOf } = await import("../run/status.ts");
        const { target } = opened.assembled;
        const wanted = { ...(await options(opened, "up", "heads")), imports: imports(opened) };
        const { plan: decided, target: _, ...status } = await statusOf(target, wanted, context);
        return { ...status, pending: decided?.steps ?? [] };
      }),
    doctor: () =>
      reading.callUnopened({ offline: false }, async ({ settings, say, assemble }, context) => {
        const { diagnose } = await import("../assemble/doctor.ts");
        return diagnose(settings, {
          given: `options of ${name}`,
          print: say,
          signal: context.signal,
          withTarget: async (use) => {
            await using assembled = await assemble();
            return await use(assembled, context);
          },
        });
      }),
    async webhooks(action = "list") {
      const { checkValue, oneOf } = await given();
      checkValue(action, "The action of webhooks()", oneOf("list", "retry", "forget"));
      return call(async ({ settings: { webhooks }, assembled }, context) => {
        const { undelivered } = await import("../service/webhooks/undelivered.ts");
        return undelivered(assembled.target, { action, webhooks }, context);
      });
    },
    async compatible(image, given = {}) {
      const { checkGiven, SWITCH } = await import("../config/given.ts");
      checkGiven(given, { name: "compatible()", keys: { afterUp: SWITCH, ready: SWITCH } });
      const { readRevisions } = await import("../source/revisions.ts");
      const listed = readRevisions(image, "The image of compatible()");
      return reading.callWithFiles(async (opened, context) => {
        const { compatible } = await import("../run/compatible.ts");
        const wanted = await options(opened, "up", "heads");
        const { afterUp = false, ready = false } = given;
        const asked = { ...wanted, image: listed, afterUp, ready };
        return compatible(opened.assembled.target, asked, context);
      });
    },
    revisions: () =>
      reading.callUnopened({ offline: true }, async ({ settings, say }, { signal }) => {
        const [{ withSource }, { revisionsOf }] = await Promise.all([
          import("../assemble/source.ts"),
          import("../run/compatible.ts"),
        ]);
        return withSource(settings, { print: say, signal }, (source) => revisionsOf({ source }));
      }),
    log: () =>
      reading.call(async ({ assembled }, context) =>
        (await import("../run/history.ts")).logOf(assembled.target, context),
      ),
    history: () =>
      reading.callWithFiles(async (opened, context) => (await viewOf(opened, context)).history.entries),
    async adopt(options = {}) {
      const { checkGiven, SWITCH, TEXT } = await given();
      const keys = { tool: TEXT, table: TEXT, assume: SWITCH, dryRun: SWITCH };
      checkGiven(options, { name: "adopt()", keys });
      return once.call(async ({ assembled }, context) => {
        const { adopt } = await import("../run/adopt.ts");
        return adopt(assembled.target, options, context);
      });
    },
    async baseline(revision, options = {}) {
      await text(revision, "The revision of baseline()");
      const { checkGiven, TEXT } = await given();
      checkGiven(options, { name: "baseline()", keys: { confirm: TEXT } });
      return once.callWithFiles(async ({ assembled }, context) => {
        const { baseline } = await import("../run/baseline.ts");
        return baseline(assembled.target, revision, context, options);
      });
    },
    async repairConfirmation(request) {
      await checkRepair(request, "repairConfirmation()");
      return reading.callWithFiles(async ({ assembled }, context) => {
        const { confirmationOf } = await import("../run/repair-confirmation.ts");
        return confirmationOf(assembled.target, request, context);
      });
    },
    async repair(request, options) {
      const { checkGiven, TEXT } = await given();
      await checkRepair(request, "repair()");
      checkGiven(options, { name: "repair()", keys: { confirm: TEXT }, required: ["confirm"] });
      return once.callWithFiles(async ({ assembled }, context) => {
        const { repair } = await import("../run/repair.ts");
        return repair(assembled.target, request, { confirm: options.confirm }, context);
      });
    },
    async import(wanted, options = {}) {
      if (wanted !== undefined) await text(wanted, "The name of import()");
      const { checkGiven, SWITCH } = await given();
      const keys = { colours: SWITCH, newOrigin: SWITCH, allowMissing: SWITCH, followLinks: SWITCH };
      checkGiven(options, { name: "import()", keys });
      return call(async ({ settings, assembled }, context) => {
        const [{ assembleImports, chooseImports }, { runImports }] = await Promise.all([
          import("../assemble/imports.ts"),
          import("../run/import.ts"),
        ]);
        const imports = chooseImports(await assembleImports(settings), wanted);
        return runImports(assembled.target, imports, { context, ...options });
      });
    },
    async importRuns(wanted) {
      if (wanted !== undefined) await text(wanted, "The name of importRuns()");
      return reading.call(async ({ assembled }, context) => {
        const { importRuns } = await import("../run/import.ts");
        return importRuns(assembled.target, wanted, context);
      });
    },
    ...foresightCalls({ ...reading, callOnce: once.call, options }),
    ...duplicatesCalls({ read: reading.call, decide: once.call }, imports),
    close: lifetime.close,
    [Symbol.asyncDispose]: lifetime.close,
  };
}

async function checkRepair(request: Repair, name: string): Promise<void> {
  const { checkGiven, oneOf, POSITION, TEXT } = await import("../config/given.ts");
  const kind = oneOf("accept", "forget", "mark-done", "retry", "rebuild");
  const whole = (request as Partial<Repair> | null)?.kind === "rebuild";
  const keys = whole ? { kind } : { kind, revision: TEXT, position: POSITION };
  checkGiven(request, {
    ...{ name: `the request of ${name}`, keys },
    required: whole ? ["kind"] : ["kind", "revision"],
  });
}
