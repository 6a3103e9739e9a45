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
  /** Files to bring into the database, by a name for each. */
  readonly imports?: Readonly<Record<string, ImportFile>>;
  readonly logFormat?: "text" | "json";
}

/** `500MB`, `2GB`. */
export type Size = string | number;

/** All may be left out: then the files come from the NAS that the environment names, and go to `design_images`. */
export interface ImportFile {
  /** A folder, relative to this file, or `sftp://user@host:port/path`. */
  readonly from?: string;
  /** Default `<shop>/<template>/<file>`. */
  readonly pattern?: string;
  readonly exclude?: readonly string[];
  /** A table of your own: its name, and which column takes what. */
  readonly table?: string | { readonly name?: string; readonly columns?: Readonly<Record<string, string>> };
  /** Default `500MB`. */
  readonly batchSize?: Size;
  readonly workers?: number;
  /** Default `512MB`. */
  readonly memory?: Size;
  readonly hashSize?: number;
  readonly maxMegapixels?: number;
  readonly settle?: Duration;
  readonly patience?: Duration;
  readonly fileTimeout?: Duration;
  readonly operationTimeout?: Duration;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly hostKey?: string | readonly string[];
  readonly trustOnFirstUse?: boolean;
  readonly channels?: number;
  readonly legacyAlgorithms?: boolean;
}

/** Gives back what it was given, with its types checked: `export default defineConfig({ dir: "db" })`. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}
