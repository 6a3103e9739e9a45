/** From a configuration and a goal to the options of a run, for all doors alike. */
import type { Config } from "../config/config.ts";
import { type Direction, PHASES } from "../core/migration.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { Target } from "../run/session/target.ts";
import { parseMoment } from "../std/moment.ts";
import { assembleChecks } from "./checks.ts";
import { projectFlagsOf } from "./project-flags.ts";

export function migrateOptions(config: Config, direction: Direction, to: string): MigrateOptions {
  const { onFailure, outOfOrder, rollbackOnFailure, until: wanted, ...values } = config.values;
  // A revision can be reverted in any phase, whatever phase applied it.
  const phases = direction === "up" ? config.phases : PHASES;
  const targetName = config.target?.name;
  const rollback = direction === "up" && rollbackOnFailure;
  const until = wanted === null ? undefined : (parseMoment(wanted, new Date()) ?? undefined);
  const requireNoDrift = direction === "up" && values.requireNoDrift;
  const maxRisk = direction === "up" && values.maxRisk !== "any" ? values.maxRisk : undefined;
  const waitForBackfills = direction === "up" && values.waitForBackfills;
  const goal = { direction, to, phases };
  const checks = direction === "up" ? assembleChecks(config) : [];
  const projectFlags = projectFlagsOf(config);
  const more = { targetName, projectFlags, until, requireNoDrift, maxRisk, waitForBackfills, checks };
  return { goal, failure: onFailure, outOfOrder, rollback, ...more };
}

/** What people are told before `up` where the mode leaves nothing to do. */
export async function remarkOnMode({ values, imports }: Config, { source }: Target): Promise<string | null> {
  if (values.mode !== "nas-only" || values.phase !== null || imports.length > 0) return null;
  const { migrations } = await source.list();
  if (migrations.some((migration) => migration.phase === "import")) return null;
  return "MIGRATION_MODE is nas-only, but there is nothing to import.";
}
