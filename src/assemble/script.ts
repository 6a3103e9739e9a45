/** From a configuration to a script for psql. It needs the files, and no database. */
import type { Config } from "../config/config.ts";
import type { Direction } from "../core/migration.ts";
import { includesImports } from "../run/plan.ts";
import type { Observe } from "../run/report/events.ts";
import { renderScript } from "../run/sql-script.ts";
import { assembleOffline, createContext } from "./assemble.ts";
import { assembleImports } from "./imports.ts";
import { migrateOptions } from "./options.ts";
import type { SourceOptions } from "./source.ts";

export interface ScriptGoal {
  readonly direction: Direction;
  readonly to: string;
  /** The revision that the database is at. Default: `base` for `up`, `heads` for `down`. */
  readonly from?: string | undefined;
}

export interface Script {
  /** The whole script, with the passwords that the files contain. */
  readonly sql: string;
  /** Names of the imports that `up` would also run. */
  readonly notImported: readonly string[];
}

export interface ScriptOptions extends SourceOptions {
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

export async function scriptOf(config: Config, goal: ScriptGoal, options: ScriptOptions): Promise<Script> {
  await using assembled = await assembleOffline(config, options);
  const { direction, to, from = direction === "up" ? "base" : "heads" } = goal;
  const wanted = migrateOptions(config, direction, to);
  const imports = includesImports(wanted.goal) ? await assembleImports(config) : [];
  const notImported = imports.map(({ name }) => name);
  const context = createContext(config, options);
  const { rules: levels, postgresVersion: server } = config.values.lint;
  const lint = { levels, server, root: config.root, now: new Date() };
  const sql = await renderScript(assembled.target, { ...wanted, from, notImported, lint }, context);
  return { sql, notImported };
}
