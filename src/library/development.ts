/** `startDevelopment`: what `godwit dev` does, for a program. */
import type { Development } from "../dev/development.ts";
import type { RunEvent } from "../run/report/events.ts";
import { limitOf } from "./limit.ts";
import { listenersOf } from "./listeners.ts";
import { type MigratorConfig, settingsOf } from "./migrator.ts";

export type DevelopmentConfig = Omit<MigratorConfig, "database">;

/**
 * Starts the embedded PostgreSQL in `.godwit` below the root, or joins the one that runs there. It applies nothing yet:
 * `apply()` does, and `follow()` after each change of the files. Throws `ConfigError` outside development, and `LockError`
 * where another process develops in this folder.
 *
 * ```ts
 * await using development = await startDevelopment({ dir: "migrations" });
 * await development.apply();
 * const pool = new pg.Pool({ connectionString: await development.url() });
 * ```
 */
export async function startDevelopment(config: DevelopmentConfig = {}): Promise<Development> {
  const { observe, say } = listenersOf<[RunEvent]>(config ?? {});
  const settings = await settingsOf(config, "startDevelopment");
  const { openDevelopment } = await import("../dev/development.ts");
  const { signal } = limitOf(config.signal, 0, "continues");
  return openDevelopment({ config: settings, say, observe, signal });
}
