/** What a migrator or a fleet of a program is made from. */
import type { Assembled } from "../assemble/assemble.ts";
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
  readonly assemble: () => Promise<Assembled>;
}

export interface Opened extends Loaded {
  readonly assembled: Assembled;
}

/** The keys that only programs have, beside the options. */
export async function programKeys() {
  const { FUNCTION, OBJECT, SIGNAL, TEXT } = await import("../config/given.ts");
  return { root: TEXT, observe: FUNCTION, say: FUNCTION, signal: SIGNAL, environment: OBJECT };
}
