/** The state that the migrations of a folder begin at, made on a scratch server, where it is not an empty database. */
import type { Config } from "../config/config.ts";
import { identifier } from "../core/sql/quote.ts";
import { loadSchema } from "../diff/load.ts";
import type { RunContext, Target } from "../run/session/target.ts";
import { sqlFiles } from "./sql-files.ts";

/** Returns the revisions that are part of it: they are in the ledger of the target, and did not run. */
export async function layBaseline(
  config: Config,
  target: Target,
  context: RunContext,
): Promise<ReadonlySet<string>> {
  const { baselineSchema, baselineRevision, ledgerSchema } = config.values;
  if (baselineSchema !== null) {
    const files = sqlFiles(config, baselineSchema);
    await using connection = await target.open({ applicationName: "godwit", signal: context.signal });
    await loadSchema(connection, files, { what: "baseline schema" });
    // A dump of a migrated database has our tables, without their rows.
    await connection.execute(`reset all; drop schema if exists ${identifier(ledgerSchema)} cascade`);
  }
  if (baselineRevision === null) return new Set();
  const { baseline } = await import("../run/baseline.ts");
  const settings = { ...target.settings, mirror: "none" } as const;
  const { declared } = await baseline({ ...target, settings }, baselineRevision, context);
  return new Set(declared);
}
