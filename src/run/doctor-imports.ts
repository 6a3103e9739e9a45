/** Looks at the origins of the imports: whether each can be reached, and is the one that the import is bound to. */

import { ImportFailed } from "../errors.ts";
import { trustedPin } from "../images/runs.ts";
import { imageTablesMissing } from "../images/sql.ts";
import { requireOrigin } from "../import/bound.ts";
import type { ImportSettings } from "../import/settings.ts";
import { openOrigin } from "../origin/open.ts";
import type { OriginSettings } from "../origin/origin.ts";
import { type Finding, findingsOf, ok } from "./doctor.ts";
import type { Import } from "./import.ts";
import type { DryRunImportFailure } from "./report/dry-run-report.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

/** Reads no image, and writes nothing to the database. */
export async function examineImports(
  target: Target,
  imports: readonly Import[],
  context: RunContext,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const each of imports) {
    const subject = `import ${each.name}`;
    if ("skip" in each) {
      const { message, hint } = each.skip;
      findings.push({ subject, state: "warning", message, hint });
    } else {
      const look = () => examine(target, each.settings, context);
      findings.push(...(await findingsOf(subject, look, context.signal)));
    }
  }
  return findings;
}

/** Which imports would fail at their origins. */
export async function refusedImports(
  target: Target,
  imports: readonly Import[],
  context: RunContext,
): Promise<readonly DryRunImportFailure[]> {
  const failures: DryRunImportFailure[] = [];
  for (const each of imports) {
    if ("skip" in each) continue;
    try {
      await examine(target, each.settings, context);
    } catch (error) {
      if (!(error instanceof ImportFailed)) throw error;
      // The database gives every machine the same answer. Another machine may reach an origin that this one does not.
      const uncertain = error.code !== "IMPORT_ORIGIN_CHANGED";
      failures.push({ import: each.name, problem: error.toProblem(), uncertain });
    }
  }
  return failures;
}

async function examine(
  target: Target,
  settings: ImportSettings,
  context: RunContext,
): Promise<readonly Finding[]> {
  const { schema } = target.ledger;
  return withConnection(target, context, async (connection) => {
    const { rows } = await connection.query<{ missing: boolean }>(imageTablesMissing(schema));
    const isNew = rows[0]?.missing !== false;
    const { origin } = settings;
    const pin = isNew || origin.kind === "directory" ? null : await trustedPin(connection, schema, origin);
    await using opened = await openOrigin(pinnedTo(origin, pin), { signal: context.signal });
    if (!isNew) await requireOrigin(connection, settings, { schema, origin: opened });
    return [ok(`import ${settings.name}`, `${settings.description} can be read`)];
  });
}

/** The key that was trusted on first use counts, as for the import itself. One in the configuration takes precedence. */
function pinnedTo(origin: OriginSettings, pin: string | null): OriginSettings {
  if (origin.kind === "directory" || pin === null || origin.hostKeys.pinned.length > 0) return origin;
  const hostKeys = { ...origin.hostKeys, pinned: [pin], knownHosts: null, trustOnFirstUse: false };
  return { ...origin, hostKeys };
}
