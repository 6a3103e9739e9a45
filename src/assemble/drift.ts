/** What a comparison on a scratch server needs of the configuration. */
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import type { DriftParts } from "../run/drift-on-scratch.ts";
import { type DiffCall, runThere } from "./diff.ts";
import { openHere, openScratchLike } from "./rehearsal.ts";

/** Throws `ConfigError` for one schema of a database, because a scratch has all of them. */
export function driftParts(config: Config, call: DiffCall): DriftParts {
  if (config.target?.schema != null)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `Target ${config.target.name} is one schema of a database, and the files are compared with whole databases.`,
      hint: "`godwit drift` compares it with what the last run has kept.",
      details: { from: "flag" },
    });
  return {
    openScratch: (major) => openScratchLike(config, { major, signal: call.signal }),
    apply: (url, revisions) => runThere(config, url, { ...call, revisions }),
    open: () => openHere(config, call),
  };
}
