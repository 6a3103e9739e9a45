/** From a configuration and a goal to the options of a run, for all doors alike. */
import type { Config } from "../config/config.ts";
import { type Direction, PHASES } from "../core/migration.ts";
import type { MigrateOptions } from "../run/plan.ts";

export function migrateOptions(config: Config, direction: Direction, to: string): MigrateOptions {
  const { onFailure, outOfOrder } = config.values;
  // A revision can be reverted in any phase, whatever phase applied it.
  const phases = direction === "up" ? config.phases : PHASES;
  return { goal: { direction, to, phases }, failure: onFailure, outOfOrder };
}
