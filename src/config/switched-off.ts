/** Whether somebody has switched migrations off, for every command and call that migrates. Pure. */

export interface Switches {
  readonly migrationEnabled: boolean;
  readonly skipMigrations: boolean;
}

/** Why no migration is run, as a sentence. `null`: nobody has switched them off. */
export function switchedOff({ migrationEnabled, skipMigrations }: Switches): string | null {
  if (skipMigrations) return "No migration is run: SKIP_MIGRATIONS is true.";
  if (!migrationEnabled) return "No migration is run: MIGRATION_ENABLED is false.";
  return null;
}
