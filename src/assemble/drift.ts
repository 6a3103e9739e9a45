/** What a comparison on a scratch server needs of the configuration. */
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import type { DriftParts } from "../run/drift-on-scratch.ts";
import { shellWord } from "../std/shell-word.ts";
import { type DiffCall, runThere } from "./diff.ts";
import { openHere, scratchServers } from "./rehearsal.ts";

/** Throws `ConfigError` for the statements of one schema of a database, because they are proven on whole databases. */
export function driftParts(config: Config, call: DiffCall & { readonly sql: boolean }): DriftParts {
  if (config.target?.schema != null && call.sql)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `Target ${config.target.name} is one schema of a database, and SQL is proven on whole databases.`,
      hint: `\`godwit drift --files --target ${shellWord(config.target.name)}\` names what differs from the migrations.`,
      details: { from: "flag" },
    });
  const servers = scratchServers(config, call.signal);
  return {
    openScratch: servers.open,
    apply: (url, revisions) => servers.run((signal) => runThere(config, url, { ...call, signal, revisions })),
    open: () => openHere(config, call),
  };
}
