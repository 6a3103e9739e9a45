/** The calls of a migrator that look ahead, or at what others have done, and migrate nothing. */
import type { Direction } from "../core/migration.ts";
import { ConfigError } from "../errors.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { RunContext } from "../run/session/target.ts";
import type { Loaded, Opened } from "./loaded.ts";
import type { Migrator } from "./migrator-interface.ts";

type Call = <T>(work: (opened: Opened, context: RunContext) => Promise<T>) => Promise<T>;

export interface ForesightDoors {
  readonly call: Call;
  /** One that keeps something. */
  readonly callOnce: Call;
  readonly callWithFiles: Call;
  readonly callUnopened: <T>(
    wanted: { readonly offline: boolean },
    work: (loaded: Loaded, context: RunContext) => Promise<T>,
  ) => Promise<T>;
  readonly options: (loaded: Loaded, direction: Direction, to: string) => Promise<MigrateOptions>;
}

export function foresightCalls({
  call,
  callOnce,
  callWithFiles,
  callUnopened,
  options,
}: ForesightDoors): Pick<Migrator, "lint" | "rehearse" | "calibration" | "test" | "diff" | "drift"> {
  const given = () => import("../config/given.ts");
  return {
    async lint(wanted = {}) {
      const { checkGiven, COUNT, SWITCH, TEXTS } = await given();
      const keys = { files: TEXTS, all: SWITCH, postgresVersion: COUNT };
      checkGiven(wanted, { name: "lint()", keys });
      return callUnopened({ offline: false }, async ({ settings, say }, { observe, signal }) => {
        const { lintOf } = await import("../assemble/lint.ts");
        return lintOf(settings, wanted, { say, observe, signal });
      });
    },
    async rehearse(goal = "heads") {
      const { checkValue, TEXT } = await given();
      checkValue(goal, "The goal of rehearse()", TEXT);
      return callWithFiles(async (opened, context) => {
        const [{ forecast }, { directionOf }] = await Promise.all([
          import("../assemble/forecast.ts"),
          import("../run/plan.ts"),
        ]);
        const { settings: config, assembled, say } = opened;
        const asked = await options(opened, directionOf(goal), goal);
        return forecast({ config, target: assembled.target, print: say }, asked, context);
      });
    },
    calibration: () =>
      call(async ({ assembled }, context) => {
        const { calibrationOf } = await import("../run/calibration.ts");
        return calibrationOf(assembled.target, context);
      }),
    async test(revision) {
      const { checkValue, TEXT } = await given();
      if (revision !== undefined) checkValue(revision, "The revision of test()", TEXT);
      return callUnopened({ offline: false }, async ({ settings, say }, { signal }) => {
        const { testOf } = await import("../assemble/test.ts");
        return testOf(settings, { revision }, { say, signal });
      });
    },
    async diff(wanted = {}) {
      const { checkGiven, TEXT, TEXTS } = await given();
      const keys = { from: TEXT, to: TEXT, exclude: TEXTS, rename: TEXTS };
      checkGiven(wanted, { name: "diff()", keys });
      return callUnopened({ offline: false }, async ({ settings, say }, { signal }) => {
        const { diffOf } = await import("../assemble/diff.ts");
        return diffOf(settings, wanted, { say, signal });
      });
    },
    async drift(wanted = {}) {
      const { checkGiven, SWITCH } = await given();
      checkGiven(wanted, { name: "drift()", keys: { accept: SWITCH, files: SWITCH, sql: SWITCH } });
      const unheard = (["files", "sql"] as const).find(
        (key) => wanted.accept === true && wanted[key] === true,
      );
      if (unheard !== undefined) throw withoutEffect(unheard);
      const door = wanted.accept === true ? callOnce : call;
      return door(async ({ assembled, settings, say }, context) => {
        const { acceptSchema, driftOf } = await import("../run/drift.ts");
        const { target } = assembled;
        if (wanted.accept === true) return acceptSchema(target, context);
        const { driftParts } = await import("../assemble/drift.ts");
        const onScratch = wanted.files === true || wanted.sql === true;
        const given = { sql: wanted.sql === true, say, signal: context.signal };
        const parts = onScratch ? { parts: driftParts(settings, given) } : {};
        const report = await driftOf(target, context, { ...wanted, ...parts });
        if (settings.webhooks.length > 0) {
          const { tellDrift } = await import("../service/webhooks/drift.ts");
          await tellDrift({ config: settings, target, context }, report);
        }
        return report;
      });
    },
  };
}

/** Accepting keeps the schema of the database as it is, and looks at no files. */
function withoutEffect(key: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `drift() with accept does not honour ${key}.`,
    hint: `Leave ${key} out, or call drift() once more without accept.`,
  });
}
