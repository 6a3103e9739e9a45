/** From a configuration to what a linter finds. The database is asked what is pending, if there is one. */

import { isRule, RULE_IDS } from "../analysis/lint.ts";
import type { Config } from "../config/config.ts";
import { ConfigError, DatabaseError } from "../errors.ts";
import { type Linted, type LintReading, lintFiles, lintPending, together } from "../run/lint.ts";
import type { Observe } from "../run/report/events.ts";
import { nearest } from "../std/nearest.ts";
import { assemble, createContext, isAddressed } from "./assemble.ts";
import { withSource } from "./source.ts";

export interface LintGiven {
  /** Paths or ids of migrations. Left out: what is pending or changed. */
  readonly files?: readonly string[] | undefined;
  /** All files, whatever is applied. */
  readonly all?: boolean | undefined;
  /** The major version that the statements must run on. Left out: that of the target. */
  readonly postgresVersion?: number | undefined;
}

export interface LintCall {
  readonly say: (line: string) => void;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/** The folders of several targets in one report. A folder of several targets is told once. */
export async function lintAll(
  config: Config,
  { configs, ...given }: LintGiven & { readonly configs: readonly Config[] },
  call: LintCall,
): Promise<Linted> {
  const [only = config, ...others] = configs;
  if (others.length === 0) return lintOf(await ofOneSchema(only, call), given, call);
  if ((given.files ?? []).length > 0)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "Files belong to one target, but several are configured.",
      hint: `Name it: --target ${only.target?.name ?? ""}`,
      details: { from: "flag" },
    });
  const readings: LintReading[] = [];
  for (const each of configs) readings.push(await readingOf(await ofOneSchema(each, call), given, call));
  return together(config.root, readings);
}

/** `tenants/a` is one schema of a target, with a database that can be asked. */
async function ofOneSchema(config: Config, call: LintCall): Promise<Config> {
  if (config.target?.schemas?.only == null) return config;
  const { findSchemas } = await import("./schemas.ts");
  const context = createContext(config, call);
  const { configs } = await findSchemas(config, { context, say: call.say, create: false });
  return configs[0] ?? config;
}

export async function lintOf(config: Config, given: LintGiven, call: LintCall): Promise<Linted> {
  return (await readingOf(config, given, call)).linted;
}

async function readingOf(config: Config, given: LintGiven, call: LintCall): Promise<LintReading> {
  const { files = [], all = false, postgresVersion } = given;
  const { lint } = config.values;
  refuseUnknownRules(lint.rules);
  const options = {
    levels: lint.rules,
    root: config.root,
    now: new Date(),
    server: postgresVersion ?? lint.postgresVersion,
  };
  const named = files.length === 0 ? null : files;
  const alone = (because: string | null) =>
    withSource(config, { print: call.say, signal: call.signal }, (source) =>
      lintFiles(source, { ...options, named, because, workingFolder: process.cwd(), signal: call.signal }),
    );
  if (named !== null || all) return alone(null);
  if (!isAddressed(config)) return alone("no database is configured");
  if (config.target?.schemas != null) return alone(`target ${config.target.name} has several schemas`);
  try {
    const hurried = withOneAttempt(config);
    await using assembled = await assemble(hurried, call);
    return await lintPending(assembled.target, options, createContext(hurried, call));
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== "DATABASE_UNREACHABLE") throw error;
    return alone(`the database${ofTarget(config)} cannot be reached`);
  }
}

/** Without this check, the level of a mistyped rule would be ignored. */
function refuseUnknownRules(levels: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(levels).find((id) => !isRule(id));
  if (unknown === undefined) return;
  const meant = nearest(unknown, RULE_IDS);
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `lint of the configuration names a rule that does not exist: "${unknown}".`,
    hint: meant === undefined ? "`godwit lint --rules` lists all of them." : `Did you mean ${meant}?`,
  });
}

/** Of several targets, the one that is meant. */
function ofTarget({ target }: Config): string {
  return target === null ? "" : ` of target ${target.name}`;
}

/** Lint reads all files if no database is reached, so it does not wait for one. */
function withOneAttempt(config: Config): Config {
  if (config.provenances.connectAttempts.kind !== "default") return config;
  return { ...config, values: { ...config.values, connectAttempts: 1 } };
}
