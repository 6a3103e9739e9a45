/** `godwit.config.ts`, as people write it. */
import type { Phase } from "../core/migration.ts";
import type { LayoutName } from "../source/layouts/layouts.ts";
import type { Mode } from "./options.ts";

/** `500ms`, `3s`, `2min`, `1h`, `none`; a plain number is seconds. */
export type Duration = string | number;

/** The value of an environment variable, looked up when its target is about to be used. */
export interface Variable {
  readonly variable: string;
  /** What counts where it is not set, or empty. */
  readonly default?: string;
}

/**
 * In the place of a value: the variable that holds it. One that is missing is told by its name, together with everything
 * else that is missing.
 *
 * ```ts
 * export default defineConfig({ targets: { auth: { url: env("AUTH_DATABASE_URL"), dir: "auth/migrations" } } });
 * ```
 */
export function env(variable: string, fallback?: string): Variable {
  return fallback === undefined ? { variable } : { variable, default: fallback };
}

/** Every option may be left out; flags and environment variables come before it. */
export interface ConfigFile {
  /** Better kept in `DATABASE_URL`: this file is checked in. */
  readonly databaseUrl?: string | Variable;
  /** Relative to this file. Default `migrations`. */
  readonly dir?: string;
  /** Default: found out from the files. */
  readonly layout?: LayoutName;
  /** Name → what a layout puts in the place of `${name}`. */
  readonly placeholders?: Readonly<Record<string, string | number | boolean>>;
  /** The tool whose history is kept in step: `alembic`, `drizzle:app.__drizzle_migrations`, `none`. */
  readonly mirror?: string;
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
  /** Several databases, by a name for each. What one does not say is as it is said here. */
  readonly targets?: Readonly<Record<string, TargetFile>>;
  /** How many targets at a time. Default 1: one after the other. */
  readonly parallel?: number;
  /** Default `continue`: one target's failure is not the others'. */
  readonly onTargetFailure?: "continue" | "stop";
  readonly logFormat?: "text" | "json";
  /** Default `true`. `false`: `up` and `run` migrate nothing. */
  readonly migrationEnabled?: boolean;
  readonly skipMigrations?: boolean;
  /** The values of `NODE_ENV` with which `run` migrates. Default `production` and `staging`. */
  readonly environments?: readonly string[];
  /** Of `run`. Default 3. */
  readonly retryCount?: number;
  /** Of `run`: `5s`, `1s,5s,30s`, or `exponential 2s`. Default `5s`. */
  readonly retryDelay?: Duration;
  /** Of `run`. Default 256. */
  readonly maxMemoryMb?: number;
  /** Of `run`: how long the app may take to end after a signal. Default `none`. */
  readonly appGrace?: Duration;
}

/** What belongs to all targets together. */
type Common =
  | "databaseUrl"
  | "targets"
  | "onTargetFailure"
  | "timeout"
  | "cacheFolder"
  | "logFormat"
  | "migrationEnabled"
  | "skipMigrations"
  | "environments"
  | "retryCount"
  | "retryDelay"
  | "maxMemoryMb"
  | "appGrace";

/** One of several databases. Its address is all there is: neither `DATABASE_URL` nor `PG*` variables are asked. */
export interface TargetFile extends Omit<ConfigFile, Common> {
  readonly url?: string | Variable;
  /** In place of `url`, with `user` and `name`. A name, an address, or the folder of a socket. */
  readonly host?: string | Variable;
  /** Default 5432. */
  readonly port?: number | string | Variable;
  readonly user?: string | Variable;
  readonly password?: string | Variable;
  /** Of the database. */
  readonly name?: string | Variable;
  /** As in a URL: `require`, `verify-full`, … Default `prefer`. */
  readonly sslMode?: string | Variable;
  /** A file, or `system`. */
  readonly sslRootCertificate?: string | Variable;
  /** Each of these schemas is migrated by itself, with a ledger of its own in it: named, or found by a query. */
  readonly schemas?: readonly string[] | { readonly query: string };
  /** The schema that goes first; if it fails, no other is begun. Default: the first. */
  readonly canary?: string;
  /** Makes schemas that are missing. Without it they are an error. */
  readonly createSchemas?: boolean;
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
