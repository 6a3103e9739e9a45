/** The shape of `godwit.config.ts`. */
import type { Level } from "../analysis/finding.ts";
import type { Phase } from "../core/migration.ts";
import type { MaxRisk } from "../prediction/max-risk.ts";
import type { LayoutName } from "../source/layouts/layouts.ts";
import type { Mode, WebhookEvent, WebhookFormat } from "./options.ts";

/** `500ms`, `3s`, `2min`, `1h` or `none`. A plain number counts seconds. */
export type Duration = string | number;

/** A reference to an environment variable. It is looked up when its target is used. */
export interface Variable {
  readonly variable: string;
  /** The value if the variable is unset or empty. */
  readonly default?: string | undefined;
}

/**
 * Reads a value from an environment variable. If variables are missing, one error names all of them.
 *
 * ```ts
 * export default defineConfig({ targets: { auth: { url: env("AUTH_DATABASE_URL"), dir: "auth/migrations" } } });
 * ```
 */
export function env(variable: string, fallback?: string): Variable {
  return fallback === undefined ? { variable } : { variable, default: fallback };
}

/** The configuration file. Every option is optional. Flags and environment variables take precedence over it. */
export interface ConfigFile {
  /** Prefer `DATABASE_URL`, because this file is under version control. */
  readonly databaseUrl?: string | Variable | undefined;
  /** The folder of migrations, relative to this file. Default `migrations`. */
  readonly dir?: string | undefined;
  /** Default: detected from the files. */
  readonly layout?: LayoutName | undefined;
  /** Values for placeholders, by name. A layout that has placeholders fills in `${name}`. */
  readonly placeholders?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** The tool whose history is mirrored: `alembic`, `drizzle:app.__drizzle_migrations`, `none`. */
  readonly mirror?: string | undefined;
  /** Default `godwit`. */
  readonly ledgerSchema?: string | undefined;
  readonly project?: string | undefined;
  /** The order in which files without a number run. */
  readonly order?: readonly string[] | undefined;
  readonly mode?: Mode | undefined;
  readonly phase?: Phase | readonly Phase[] | undefined;
  readonly onFailure?: "stop" | "continue" | undefined;
  readonly outOfOrder?: boolean | undefined;
  /** Default `false`. `true`: if a step or a check of `up` fails, what this run applied is reverted, newest first. */
  readonly rollbackOnFailure?: boolean | undefined;
  /** Default `false`. `true`: waits for backfills that another run is carrying out, and then goes on with what needs them. */
  readonly waitForBackfills?: boolean | undefined;
  /**
   * Default `any`. Else `up` rehearses its plan first, and refuses to run if a migration is riskier than this, or was not
   * rehearsed.
   */
  readonly maxRisk?: MaxRisk | undefined;
  /** Refuses to run if the schema was changed by hand since the last run. */
  readonly requireNoDrift?: boolean | undefined;
  /**
   * Objects whose changes by hand are no drift: a name, or a kind and a name, where `*` stands for any characters
   * (`table public.spatial_ref_sys`, `*.audit_*`).
   */
  readonly driftIgnore?: readonly string[] | undefined;
  /**
   * The schema that `new --autogenerate` and `diff` lead to: a file or folder of SQL, a configuration or schema of Drizzle, a
   * schema of Prisma, the metadata of SQLAlchemy (`app.models:Base`), or a URL.
   */
  readonly desiredSchema?: string | undefined;
  /**
   * What is in a database before the first migration that runs there, where that is not nothing: a file or folder of SQL, such as a
   * dump of the schema. `test`, `diff`, `new --autogenerate` and `drift --files` make it on their scratch server.
   */
  readonly baselineSchema?: string | undefined;
  /** Up to which revision the baseline is. On a scratch server these migrations are declared, and not run. */
  readonly baselineRevision?: string | undefined;
  /** Tables that `new --autogenerate` and `diff` do not compare: `spatial_ref_sys`, `audit.*`. */
  readonly diffExclude?: readonly string[] | undefined;
  /** When backfills, and their ways back, begin no further window: "06:00" where the process is, "2h", or an ISO time. */
  readonly until?: string | undefined;
  /** What must hold after `up`. They run one after the other, also if nothing was pending. */
  readonly checks?: readonly CheckFile[] | undefined;
  /**
   * A program, and its words, that carries out each migration in place of Godwit: `["./bin/migrate", "{file}"]`. Lock, order and
   * ledger stay Godwit's. `{file}`, `{revision}` and `{direction}` are filled in, `DATABASE_URL` is in its environment, and exit
   * code 0 says that the migration is applied. With `{direction}` in its words it has a way back.
   */
  readonly runner?: readonly string[] | undefined;
  /** What `godwit lint` finds, and what fails it. */
  readonly lint?: LintFile | undefined;
  /** Default `3s`. */
  readonly lockTimeout?: Duration | undefined;
  readonly statementTimeout?: Duration | undefined;
  /** Default `5min`. */
  readonly idleTimeout?: Duration | undefined;
  readonly lockAttempts?: number | undefined;
  /** How many windows of a backfill run at once. Default 0: as its file says. */
  readonly backfillParallel?: number | undefined;
  /** Default `1h`. */
  readonly lockWait?: Duration | undefined;
  readonly connectAttempts?: number | undefined;
  readonly connectDelay?: Duration | undefined;
  readonly timeout?: Duration | undefined;
  readonly allowSecondLedger?: boolean | undefined;
  readonly searchPath?: string | undefined;
  readonly role?: string | undefined;
  readonly pooling?: "session" | "transaction" | undefined;
  readonly cacheFolder?: string | undefined;
  /** Imports of files into the database, by name. */
  readonly imports?: Readonly<Record<string, ImportFile>> | undefined;
  /** Several databases, by name. Options that a target does not set are taken from here. */
  readonly targets?: Readonly<Record<string, TargetFile>> | undefined;
  /** How many targets at a time. Default 1: one after the other. */
  readonly parallel?: number | undefined;
  /** Default `continue`: the other targets still run after one fails. */
  readonly onTargetFailure?: "continue" | "stop" | undefined;
  /** Default: `godwit serve` answers on 9187, other commands on none. */
  readonly healthPort?: number | undefined;
  /** Default `127.0.0.1`: this machine alone. */
  readonly healthHost?: string | undefined;
  /** Names that requests may have in their `Host` header. */
  readonly healthName?: string | readonly string[] | undefined;
  readonly statusFile?: string | undefined;
  /** Default: the name in `package.json`. */
  readonly service?: string | undefined;
  /** Default `10s`. */
  readonly checkInterval?: Duration | undefined;
  /** Who is told over HTTP that a run has started, completed, failed, or waits. */
  readonly webhooks?: readonly WebhookFile[] | undefined;
  /** How long a run waits before webhooks are told `run.blocked`. Default `1min`. */
  readonly blockedAfter?: Duration | undefined;
  readonly logFormat?: "text" | "json" | undefined;
  /** Default `true`. `false`: `up` and `run` migrate nothing. */
  readonly migrationEnabled?: boolean | undefined;
  readonly skipMigrations?: boolean | undefined;
  /** The values of `NODE_ENV` with which `run` migrates. Default `production` and `staging`. */
  readonly environments?: readonly string[] | undefined;
  /** Of `run`. Default 3. */
  readonly retryCount?: number | undefined;
  /** Of `run`: `5s`, `1s,5s,30s`, or `exponential 2s`. Default `5s`. */
  readonly retryDelay?: Duration | undefined;
  /** Of `run`. Default 256. */
  readonly maxMemoryMb?: number | undefined;
  /** Of `run`: how long the app may take to end after a signal. Default `none`. */
  readonly appGrace?: Duration | undefined;
}

/** A check after `up`. It is one of `sql`, `command` and `url`. */
export interface CheckFile {
  /** For messages. */
  readonly name?: string | undefined;
  /** Default `after`: it fails a run that has done everything. `before`: a run that has something to do is refused. */
  readonly when?: "before" | "after" | undefined;
  /** One statement in a transaction that can't write. It passes with `true`, or with a row of something else than a boolean. */
  readonly sql?: string | undefined;
  /** A program and its words, without a shell, in the folder of this file. `DATABASE_URL` is set. It passes with exit code 0. */
  readonly command?: readonly string[] | undefined;
  /** It is asked until it answers 2xx. */
  readonly url?: string | undefined;
  /** Default `30s`. */
  readonly timeout?: Duration | undefined;
}

/** Settings of `godwit lint`. */
export interface LintFile {
  /** Levels that differ from the defaults, by the id of the rule: `error`, `warning`, `hint` or `off`. */
  readonly rules?: Readonly<Record<string, Level | "off">> | undefined;
  /** A finding of this level, or a graver one, fails. Default `warning`. */
  readonly level?: Level | undefined;
  /** The major version of the servers. Default: that of the target, if it is reached. */
  readonly postgresVersion?: number | string | undefined;
}

/** Options that hold for all targets together. */
type Common =
  | "databaseUrl"
  | "targets"
  | "onTargetFailure"
  | "timeout"
  | "cacheFolder"
  | "healthPort"
  | "healthHost"
  | "healthName"
  | "statusFile"
  | "service"
  | "checkInterval"
  | "webhooks"
  | "blockedAfter"
  | "logFormat"
  | "migrationEnabled"
  | "skipMigrations"
  | "environments"
  | "retryCount"
  | "retryDelay"
  | "maxMemoryMb"
  | "appGrace";

/** One of several databases. Its address must be complete: `DATABASE_URL` and `PG*` variables do not count for it. */
export interface TargetFile extends Omit<ConfigFile, Common> {
  readonly url?: string | Variable | undefined;
  /** Replaces `url`, together with `user` and `name`. A host name, an IP address, or the folder of a socket. */
  readonly host?: string | Variable | undefined;
  /** Default 5432. */
  readonly port?: number | string | Variable | undefined;
  readonly user?: string | Variable | undefined;
  readonly password?: string | Variable | undefined;
  /** The name of the database. */
  readonly name?: string | Variable | undefined;
  /** As in a URL: `require`, `verify-full`, … Default `prefer`. */
  readonly sslMode?: string | Variable | undefined;
  /** Path of a file, or `system`. */
  readonly sslRootCertificate?: string | Variable | undefined;
  /** Schemas that are migrated one by one, each with its own ledger. They are listed, or found by a query. */
  readonly schemas?: readonly string[] | { readonly query: string } | undefined;
  /** The schema that is migrated first. If it fails, no other one starts. Default: the first. */
  readonly canary?: string | undefined;
  /** Creates missing schemas. Without it a missing schema is an error. */
  readonly createSchemas?: boolean | undefined;
}

/** One webhook. Its messages are signed and retried as [Standard Webhooks](https://www.standardwebhooks.com) says. */
export interface WebhookFile {
  /** It may hold a token, so it is a secret: prefer `env("WEBHOOK_URL")`. */
  readonly url: string | Variable;
  /** `whsec_…`, the newest first. Each signs, so that a secret can be replaced while messages arrive. */
  readonly secrets?: readonly (string | Variable)[] | undefined;
  /** Default: all of them. */
  readonly events?: readonly WebhookEvent[] | undefined;
  /** Default: `slack` at hooks.slack.com, otherwise `json`. */
  readonly format?: WebhookFormat | undefined;
  /** What `godwit webhooks` calls it. Default: its host. */
  readonly name?: string | undefined;
}

/** `500MB` or `2GB`. */
export type Size = string | number;

/**
 * One import. Every option is optional. By default the files come from the NAS that the environment names, and go to
 * `design_images`.
 */
export interface ImportFile {
  /** A folder relative to this file, or `sftp://user@host:port/path`. */
  readonly from?: string | undefined;
  /** Default `<shop>/<template>/<file>`. */
  readonly pattern?: string | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Your own table: its name, and its column for each field. */
  readonly table?: string | { readonly name?: string; readonly columns?: Readonly<Record<string, string>> };
  /** Default `500MB`. */
  readonly batchSize?: Size | undefined;
  readonly workers?: number | undefined;
  /** Default `512MB`. */
  readonly memory?: Size | undefined;
  readonly hashSize?: number | undefined;
  readonly maxMegapixels?: number | undefined;
  readonly settle?: Duration | undefined;
  readonly patience?: Duration | undefined;
  readonly fileTimeout?: Duration | undefined;
  readonly operationTimeout?: Duration | undefined;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly hostKey?: string | readonly string[] | undefined;
  readonly trustOnFirstUse?: boolean | undefined;
  readonly channels?: number | undefined;
  readonly legacyAlgorithms?: boolean | undefined;
  /** Default `false`: links that lead out of the folder are named and not followed. */
  readonly followLinks?: boolean | undefined;
}

/** Returns its argument and checks its types: `export default defineConfig({ dir: "db" })`. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}
