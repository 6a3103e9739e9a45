/** What a migrator or a fleet of a program is made from. */
import type { Assembled, AssembleOptions } from "../assemble/assemble.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import type { RunContext } from "../run/session/target.ts";

/** The error of a call after `close()`. */
export function closedBefore(what: string, maker: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${what} was closed, and is used again.`,
    hint: `Close it after its last call, or make another one with ${maker}.`,
  });
}

/** `offline`: the database is not asked, for example which schemas it has. */
export type Load = (wanted: { readonly offline: boolean }) => Promise<Loaded>;

/** The configuration of a migrator, read and checked. */
export interface Loaded {
  readonly settings: Config;
  readonly say: (line: string) => void;
  /** Makes a new context for each run. */
  readonly context: (signal: AbortSignal) => RunContext;
  readonly assemble: (wanted?: Pick<AssembleOptions, "needsFiles">) => Promise<Assembled>;
}

export interface Opened extends Loaded {
  readonly assembled: Assembled;
}

/** The keys that only programs have, beside the options. */
export async function programKeys() {
  const { FUNCTION, OBJECT, SIGNAL, TEXT } = await import("../config/given.ts");
  return { root: TEXT, observe: FUNCTION, say: FUNCTION, signal: SIGNAL, environment: OBJECT };
}

/** What a program may say for its runs, and no file for all of them. */
export interface ForRuns {
  /** `contract` runs only where it is named here or in `phase`. */
  readonly contract?: boolean | undefined;
  /** The files of the imports that `up()` runs may come from another origin than before. */
  readonly newOrigin?: boolean | undefined;
  /** All files of these imports, or most of them, may be gone: their rows are marked as missing. */
  readonly allowMissing?: boolean | undefined;
  /** Follows links that lead out of the folders of these imports. */
  readonly followLinks?: boolean | undefined;
}

const FOR_RUNS = ["contract", "newOrigin", "allowMissing", "followLinks"] as const;

/** Keys that are no options of the file, or have a shape of their own there. */
export const OF_PROGRAMS: readonly string[] = ["imports", "webhooks", ...FOR_RUNS];

/** Takes what is for runs out of a configuration. */
export function splitForRuns<Config extends ForRuns>(
  config: Config,
): readonly [forRuns: Readonly<Record<string, unknown>>, others: Omit<Config, keyof ForRuns>] {
  const { contract, newOrigin, allowMissing, followLinks, ...others } = config;
  const given = Object.entries({ contract, newOrigin, allowMissing, followLinks });
  return [Object.fromEntries(given.filter(([, value]) => value !== undefined)), others];
}
