/** `godwit.config.ts`, as people write it. */
import type { Phase } from "../core/migration.ts";
import type { Mode } from "./options.ts";

/** `500ms`, `3s`, `2min`, `1h`, `none`; a plain number is seconds. */
export type Duration = string | number;

/** Every option may be left out; flags and environment variables come before it. */
export interface ConfigFile {
  /** Better kept in `DATABASE_URL`: this file is checked in. */
  readonly databaseUrl?: string;
  /** Relative to this file. Default `migrations`. */
  readonly dir?: string;
  readonly layout?: "plain";
  /** Default `godwit`. */
  readonly ledgerSchema?: string;
  readonly project?: string;
  /** Files without a number, in the order in which they run. */
  readonly order?: readonly string[];
  readonly mode?: Mode;
  readonly phase?: Phase | readonly Phase[];
  readonly onFailure?: "stop" | "continue";
  readonly outOfOrder?: boolean;
  /** Default `3s`. */
  readonly lockTimeout?: Duration;
  readonly statementTimeout?: Duration;
  /** Default `5min`. */
  readonly idleTimeout?: Duration;
  readonly lockAttempts?: number;
  /** Default `1h`. */
  readonly lockWait?: Duration;
  readonly connectAttempts?: number;
  readonly connectDelay?: Duration;
  readonly timeout?: Duration;
  readonly allowSecondLedger?: boolean;
  readonly searchPath?: string;
  readonly role?: string;
  readonly pooling?: "session" | "transaction";
  readonly cacheFolder?: string;
  readonly logFormat?: "text" | "json";
}

/** Gives back what it was given, with its types checked: `export default defineConfig({ dir: "db" })`. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}
