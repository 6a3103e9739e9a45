/** What a fleet is made of: its configuration, its targets, and what became of each. */
import type { Schemas } from "../assemble/schemas.ts";
import type { Config } from "../config/config.ts";
import type { TargetFile } from "../config/define.ts";
import { ConfigError, GodwitError, type Problem, problemsOf } from "../errors.ts";
import type { TargetOutcome } from "../run/fleet.ts";
import type { RunEvent } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import type { Source } from "../source/source.ts";
import { type Loaded, OF_PROGRAMS, programKeys, splitForRuns } from "./loaded.ts";
import type { MigratorConfig } from "./migrator.ts";

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

export interface TargetReport<Answer = Report> {
  readonly name: string;
  readonly ok: boolean;
  readonly state: "done" | "failed" | "interrupted" | "not begun" | "group";
  /** What was done or found, also if the target failed. */
  readonly report?: Answer;
  readonly problems?: readonly Problem[];
  /** Why it was not started. */
  readonly because?: string;
  readonly schemas?: readonly TargetReport<Answer>[];
  /** For example, that the query for its schemas returns no row. */
  readonly warnings?: readonly Problem[];
}

/**
 * Loads the configuration. The caller's options become options of each target, so they take precedence over the
 * environment.
 */
export async function load(config: FleetConfig): Promise<Config> {
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

export interface LoadOptions {
  readonly say: (line: string) => void;
  readonly observe: (event: RunEvent) => void;
  readonly source?: Source | undefined;
}

export async function loadConfigured(config: Config, options: LoadOptions): Promise<Loaded> {
  const { assemble, createContext } = await import("../assemble/assemble.ts");
  const { say, observe, source } = options;
  return {
    settings: config,
    say,
    context: (signal) => createContext(config, { observe, signal }),
    assemble: () => assemble(config, { say, source, observe }),
  };
}

export async function schemasOf(
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

export function severalSchemas(name: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `Target ${name} has several schemas, and a migrator is about one.`,
    hint: `fleet.target("${name}/<schema>"), or fleet.up() for all of them.`,
  });
}

export function reportOf<Answer>(outcome: TargetOutcome<Answer>): TargetReport<Answer> {
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
      const report = error instanceof GodwitError ? (error.report as Answer | undefined) : undefined;
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
