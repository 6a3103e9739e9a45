/**
 * The table of all options. The command line, the environment, the file, the help and `docs/reference/config.md` are
 * made from it. Nothing about an option is written twice.
 */
import { MOST_PARALLEL } from "../core/backfill.ts";
import { PHASES, type Phase } from "../core/migration.ts";
import { MAX_RISKS, type MaxRisk } from "../prediction/max-risk.ts";
import { LAYOUT_NAMES } from "../source/layouts/layouts.ts";
import { type Delays, parseDelays } from "../std/delays.ts";
import type { Secret } from "../std/secret.ts";
import type { CheckConfig } from "./checks.ts";
import type { LintConfig } from "./lint.ts";

const MODES = ["all", "startup", "nas-only"] as const;
export type Mode = (typeof MODES)[number];

export const WEBHOOK_EVENTS = [
  "run.started",
  "run.completed",
  "run.failed",
  "run.blocked",
  "drift.found",
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export const WEBHOOK_FORMATS = ["json", "slack"] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** The value of each option after reading. Durations are in milliseconds, and 0 means none. */
export interface Values {
  readonly databaseUrl: Secret | null;
  readonly supabaseUrl: string | null;
  readonly supabaseKey: Secret | null;
  /** `null`: whatever is there, the database URL first. */
  readonly useNodeMigrations: boolean | null;
  readonly dir: string;
  /** `null`: detected from the files. */
  readonly layout: string | null;
  readonly placeholders: Readonly<Record<string, string>>;
  readonly mirror: string | null;
  readonly ledgerSchema: string;
  readonly project: string | null;
  readonly order: readonly string[];
  readonly mode: Mode;
  readonly phase: readonly Phase[] | null;
  readonly contract: boolean;
  readonly onFailure: "stop" | "continue";
  readonly outOfOrder: boolean;
  readonly rollbackOnFailure: boolean;
  /** When backfills begin no further window, as it was written. */
  readonly until: string | null;
  readonly maxRisk: MaxRisk;
  readonly requireNoDrift: boolean;
  readonly waitForBackfills: boolean;
  readonly driftIgnore: readonly string[];
  readonly desiredSchema: string | null;
  readonly baselineSchema: string | null;
  readonly baselineRevision: string | null;
  readonly diffExclude: readonly string[];
  readonly checks: readonly CheckConfig[];
  readonly runner: readonly string[] | null;
  readonly lint: LintConfig;
  readonly lockTimeout: number;
  readonly statementTimeout: number;
  readonly idleTimeout: number;
  readonly lockAttempts: number;
  readonly backfillParallel: number;
  readonly lockWait: number;
  readonly connectAttempts: number;
  readonly connectDelay: number;
  readonly timeout: number;
  readonly allowSecondLedger: boolean;
  readonly searchPath: string | null;
  readonly role: string | null;
  readonly pooling: "session" | "transaction" | null;
  readonly cacheFolder: string | null;
  readonly nasHost: string | null;
  readonly nasPort: number;
  readonly nasUsername: string | null;
  readonly nasPassword: Secret | null;
  readonly nasPrivateKey: Secret | null;
  readonly nasPassphrase: Secret | null;
  readonly nasHostKey: readonly string[];
  readonly nasBasePath: string;
  readonly nasBatched: boolean;
  readonly newOrigin: boolean;
  readonly allowMissing: boolean;
  readonly followLinks: boolean;
  readonly migrationEnabled: boolean;
  readonly skipMigrations: boolean;
  readonly environments: readonly string[];
  readonly retryCount: number;
  readonly retryDelay: Delays;
  readonly maxMemoryMb: number;
  readonly appGrace: number;
  readonly target: readonly string[];
  readonly parallel: number;
  readonly onTargetFailure: "continue" | "stop";
  readonly healthPort: number | null;
  readonly healthHost: string;
  readonly healthName: readonly string[];
  readonly healthToken: Secret | null;
  readonly statusFile: string | null;
  readonly service: string | null;
  readonly checkInterval: number;
  readonly webhookUrl: Secret | null;
  readonly webhookSecret: Secret | null;
  readonly webhookEvents: readonly WebhookEvent[] | null;
  readonly webhookFormat: WebhookFormat | null;
  readonly blockedAfter: number;
  readonly dotenv: string | null;
  readonly exitCodes: "plain" | "detailed";
  readonly logFormat: "text" | "json";
  readonly quiet: boolean;
  readonly verbose: boolean;
}

export type OptionKey = keyof Values;

export type Kind =
  | {
      readonly kind:
        | "text"
        | "path"
        | "url"
        | "secret"
        | "duration"
        | "moment"
        | "size"
        | "switch"
        | "list"
        | "record"
        | "delays"
        | "checks"
        | "runner"
        | "lint";
    }
  | { readonly kind: "count"; readonly least: number; readonly most?: number }
  | { readonly kind: "choice" | "choices"; readonly choices: readonly string[] };

export type Option = Kind & {
  readonly key: OptionKey;
  /** The flag in the syntax of commander. `null`: the option is not on the command line. */
  readonly flag: string | null;
  /** Variables beside `GODWIT_<NAME>`. Every option has that one, and it takes precedence. */
  readonly variables?: readonly string[];
  /** `false`: the file may not have it, because it belongs to one invocation. */
  readonly inFile?: boolean;
  /** Only commands that name it in `honours` have it: `up`, `down`, `plan`, `status`. */
  readonly forPlanning?: boolean;
  /** Only for `up`, and for `run`, which passes it on. */
  readonly forUp?: boolean;
  /** Only for commands that wait for another run to end. */
  readonly forLock?: boolean;
  /** Only for commands that import files: `up`, `run` and `import`. */
  readonly forImport?: boolean;
  /** Only for `run`. */
  readonly forRun?: boolean;
  /** What a variable that others use as well means here. */
  readonly fromVariable?: Readonly<Record<string, (value: string) => string>>;
  /** Only commands that name it in `honours` have it: those that answer for the migrations, or ask for them. */
  readonly forService?: boolean;
  /** The flag has an effect only on commands about this. Default: on every command. */
  readonly about?: "files" | "database";
  /**
   * `refused`: an empty variable is an error. For this option no value would mean more: every target, every phase,
   * another database. For any other option an empty variable counts as unset.
   */
  readonly emptyVariable?: "refused";
  readonly default: string;
  readonly help: string;
};

const text = { kind: "text" } as const;
/** A secret is never in the file, never on the command line, and never shown. */
const secret = { kind: "secret", inFile: false } as const;
const duration = { kind: "duration" } as const;
const toggle = { kind: "switch", default: "false" } as const;
const count = (least: number, most = Number.MAX_SAFE_INTEGER) => ({ kind: "count", least, most }) as const;
const choice = (...choices: string[]) => ({ kind: "choice", choices }) as const;

/** An empty `default` means that there is none. */
export const OPTIONS: readonly Option[] = [
  {
    key: "databaseUrl",
    about: "database",
    emptyVariable: "refused",
    kind: "url",
    flag: "--database-url <url>",
    variables: ["DATABASE_URL", "SUPABASE_DB_URL"],
    default: "",
    help: "the database to migrate; without it the PG* variables, otherwise a PostgreSQL that starts in .godwit/",
  },
  {
    key: "supabaseUrl",
    ...text,
    inFile: false,
    flag: null,
    variables: ["NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_URL"],
    default: "",
    help: "the URL of a Supabase project, which is migrated over HTTPS where no database URL is given",
  },
  {
    key: "supabaseKey",
    ...secret,
    flag: null,
    variables: ["SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"],
    default: "",
    help: "the project's service_role key, or a secret key (sb_secret_…)",
  },
  {
    key: "useNodeMigrations",
    kind: "switch",
    inFile: false,
    flag: null,
    variables: ["USE_NODE_MIGRATIONS"],
    default: "",
    help: "whether Supabase is reached over HTTPS (true) or over the database URL (false); without it DATABASE_URL comes first, and SUPABASE_DB_URL last",
  },
  {
    key: "dir",
    about: "files",
    kind: "path",
    flag: "--dir <folder>",
    default: "migrations",
    help: "the folder of the migrations, or a bundle of them; {NODE_ENV} in it is the value of that variable (default: supabase/migrations if only that is there)",
  },
  {
    key: "layout",
    about: "files",
    ...choice(...LAYOUT_NAMES),
    flag: "--layout <name>",
    default: "",
    help: `which tool the folder belongs to, if the files do not show it: ${LAYOUT_NAMES.join(", ")}`,
  },
  {
    key: "placeholders",
    about: "files",
    kind: "record",
    flag: "--placeholder <name=value>",
    default: "",
    help: "the value of a placeholder in SQL files, in layouts that have placeholders; once for each (in the variable: a JSON object, or name=value,…)",
  },
  {
    key: "mirror",
    about: "database",
    ...text,
    flag: "--mirror <tool>",
    default: "",
    help: "the history to write as well: a tool, tool:schema.table, or none; none:schema.table says that the table is another project's (default: drizzle and supabase in their layouts)",
  },
  {
    key: "ledgerSchema",
    about: "database",
    ...text,
    flag: "--ledger-schema <name>",
    default: "godwit",
    help: "the schema that holds the ledger",
  },
  {
    key: "project",
    about: "database",
    ...text,
    flag: "--project <name>",
    default: "",
    help: "the name of the project; it tells the ledgers of several projects apart",
  },
  { key: "order", kind: "list", flag: null, default: "", help: "the order of files without a number" },
  {
    key: "mode",
    emptyVariable: "refused",
    ...choice(...MODES),
    flag: "--mode <name>",
    variables: ["MIGRATION_MODE"],
    forPlanning: true,
    default: "all",
    help: "all (startup, import and complex), startup, or nas-only (only the import)",
  },
  {
    key: "phase",
    emptyVariable: "refused",
    kind: "choices",
    choices: PHASES,
    flag: "--phase <name…>",
    forPlanning: true,
    default: "",
    help: "run only these phases; overrides --mode",
  },
  {
    key: "contract",
    ...toggle,
    flag: "--contract",
    forPlanning: true,
    inFile: false,
    help: "also run the destructive phase contract",
  },
  {
    key: "onFailure",
    ...choice("stop", "continue"),
    flag: "--on-failure <policy>",
    forPlanning: true,
    default: "stop",
    help: "after a failure: stop, or continue with what does not depend on it",
  },
  {
    key: "outOfOrder",
    ...toggle,
    flag: "--out-of-order",
    forPlanning: true,
    help: "run late migrations even if a later one is applied",
  },
  {
    key: "rollbackOnFailure",
    ...toggle,
    flag: "--rollback-on-failure",
    forUp: true,
    help: "if a step or a check fails, revert what this run applied; refused if a step has no way back",
  },
  {
    key: "until",
    kind: "moment",
    flag: "--until <time>",
    forUp: true,
    default: "",
    help: "when backfills end for now, between two windows: 06:00 (where the process is), 2h, or 2026-05-04T06:00Z; the next run goes on",
  },
  {
    key: "waitForBackfills",
    ...toggle,
    flag: "--wait-for-backfills",
    forUp: true,
    help: "wait for backfills that another run is carrying out, and then go on with what needs them",
  },
  {
    key: "maxRisk",
    ...choice(...MAX_RISKS),
    flag: "--max-risk <risk>",
    forUp: true,
    default: "any",
    help: "rehearse first, and refuse to run if a migration is riskier, or was not rehearsed",
  },
  {
    key: "requireNoDrift",
    ...toggle,
    flag: "--require-no-drift",
    forUp: true,
    help: "refuse to run if the schema was changed by hand since the last run",
  },
  {
    key: "driftIgnore",
    kind: "list",
    flag: null,
    default: "",
    help: "objects whose changes by hand are no drift: table public.spatial_ref_sys, *.audit_*",
  },
  {
    key: "desiredSchema",
    kind: "text",
    flag: null,
    default: "",
    help: "the schema that `new --autogenerate` and `diff` lead to: a file or folder of SQL, drizzle.config.ts, schema.prisma, app.models:Base, a URL",
  },
  {
    key: "baselineSchema",
    kind: "text",
    flag: null,
    default: "",
    help: "what is in a database before the first migration that runs there: a file or folder of SQL; for `test`, `diff`, `new --autogenerate` and `drift --files`",
  },
  {
    key: "baselineRevision",
    kind: "text",
    flag: null,
    default: "",
    help: "up to which revision the baseline is: on a scratch server these migrations are declared, as `godwit baseline` does, and not run",
  },
  {
    key: "diffExclude",
    kind: "list",
    flag: null,
    default: "",
    help: "tables that `new --autogenerate` and `diff` do not compare: spatial_ref_sys, audit.*",
  },
  {
    key: "checks",
    kind: "checks",
    flag: null,
    default: "",
    help: "what must hold before or after up: SQL, commands or URLs (see the guide)",
  },
  {
    key: "runner",
    kind: "runner",
    flag: null,
    default: "",
    help: 'a program that carries out the migrations, such as ["./bin/migrate", "{file}"]; it has DATABASE_URL (see the guide)',
  },
  {
    key: "lint",
    kind: "lint",
    flag: null,
    default: "",
    help: "what `lint` finds: levels of rules, the level that fails, the version of PostgreSQL (see the guide)",
  },
  {
    key: "lockTimeout",
    about: "database",
    ...duration,
    flag: "--lock-timeout <time>",
    default: "3s",
    help: "how long a statement may wait for a table lock before it is tried again",
  },
  {
    key: "statementTimeout",
    about: "database",
    ...duration,
    flag: "--statement-timeout <time>",
    default: "none",
    help: "how long a statement may run",
  },
  {
    key: "idleTimeout",
    about: "database",
    ...duration,
    flag: "--idle-timeout <time>",
    default: "5min",
    help: "how long a transaction may stay idle, and how long a module may be silent",
  },
  {
    key: "lockAttempts",
    about: "database",
    ...count(1),
    flag: "--lock-attempts <n>",
    default: "20",
    help: "how many times to try a step at most if locks stop it",
  },
  {
    key: "backfillParallel",
    forUp: true,
    ...count(0, MOST_PARALLEL),
    flag: "--backfill-parallel <n>",
    default: "0",
    help: "how many windows of a backfill run at once, each on a connection of its own (0: as its file says)",
  },
  {
    key: "lockWait",
    forLock: true,
    ...duration,
    flag: "--lock-wait <time>",
    default: "1h",
    help: "how long to wait for another run",
  },
  {
    key: "connectAttempts",
    about: "database",
    ...count(1),
    flag: "--connect-attempts <n>",
    variables: ["MIGRATION_RETRY_COUNT"],
    // No retry is one try.
    fromVariable: { MIGRATION_RETRY_COUNT: (value) => (value.trim() === "0" ? "1" : value) },
    default: "5",
    help: "how many times to try to reach the database",
  },
  {
    key: "connectDelay",
    about: "database",
    ...duration,
    flag: "--connect-delay <time>",
    variables: ["MIGRATION_RETRY_DELAY"],
    fromVariable: { MIGRATION_RETRY_DELAY: firstDelay },
    default: "5s",
    help: "the first pause between two tries; it doubles each time",
  },
  {
    key: "timeout",
    ...duration,
    flag: "--timeout <time>",
    variables: ["MIGRATION_TIMEOUT"],
    default: "none",
    help: "the deadline of the whole run",
  },
  {
    key: "allowSecondLedger",
    about: "database",
    ...toggle,
    flag: "--allow-second-ledger",
    help: "create a ledger even if another schema has one",
  },
  {
    key: "searchPath",
    about: "database",
    ...text,
    flag: "--search-path <schemas>",
    default: "",
    help: "the search_path for every migration",
  },
  {
    key: "role",
    about: "database",
    ...text,
    flag: "--role <name>",
    default: "",
    help: "the role to switch to before anything is done",
  },
  {
    key: "pooling",
    about: "database",
    ...choice("session", "transaction"),
    flag: "--pooling <kind>",
    default: "",
    help: "how the pooler works, if it is not detected",
  },
  {
    key: "cacheFolder",
    about: "files",
    kind: "path",
    flag: "--cache-folder <folder>",
    default: "",
    help: "where to cache compiled TypeScript (node_modules/.cache/godwit)",
  },
  {
    key: "nasHost",
    ...text,
    flag: null,
    variables: ["QNAP_HOST"],
    default: "",
    help: "the SFTP host with the files to import",
  },
  {
    key: "nasPort",
    ...count(1),
    flag: null,
    variables: ["QNAP_PORT"],
    default: "22",
    help: "the port of that host",
  },
  {
    key: "nasUsername",
    ...text,
    flag: null,
    variables: ["QNAP_USERNAME"],
    default: "",
    help: "the user to log in as",
  },
  {
    key: "nasPassword",
    ...secret,
    flag: null,
    variables: ["QNAP_PASSWORD"],
    default: "",
    help: "the password of that user",
  },
  {
    key: "nasPrivateKey",
    ...secret,
    flag: null,
    variables: ["QNAP_PRIVATE_KEY"],
    default: "",
    help: "a private key instead of the password: its text, or the path of its file",
  },
  {
    key: "nasPassphrase",
    ...secret,
    flag: null,
    variables: ["QNAP_PASSPHRASE"],
    default: "",
    help: "the passphrase of the private key",
  },
  {
    key: "nasHostKey",
    kind: "list",
    flag: null,
    variables: ["QNAP_HOST_KEY"],
    default: "",
    help: "the host's key, as SHA256:… or in full; without it Godwit uses known_hosts",
  },
  {
    key: "nasBasePath",
    ...text,
    flag: null,
    variables: ["NAS_BASE_PATH"],
    default: "/share/Graphics",
    help: "the folder on that host that holds the shops",
  },
  {
    key: "nasBatched",
    kind: "switch",
    flag: null,
    variables: ["NAS_USE_BATCHED"],
    default: "true",
    help: "false: one file at a time, in the order of paths, with the least memory",
  },
  {
    key: "newOrigin",
    ...toggle,
    inFile: false,
    flag: "--new-origin",
    forImport: true,
    help: "the files of an import may come from another origin than before",
  },
  {
    key: "allowMissing",
    ...toggle,
    inFile: false,
    flag: "--allow-missing",
    forImport: true,
    help: "all files of an import, or most of them, may be gone: their rows are marked as missing",
  },
  {
    key: "followLinks",
    ...toggle,
    inFile: false,
    flag: "--follow-links",
    forImport: true,
    help: "follow links that lead out of the folder of an import",
  },
  {
    key: "migrationEnabled",
    kind: "switch",
    flag: null,
    variables: ["MIGRATION_ENABLED"],
    default: "true",
    help: "false: up and run migrate nothing, and say so",
  },
  {
    key: "skipMigrations",
    ...toggle,
    flag: null,
    variables: ["SKIP_MIGRATIONS"],
    help: "true: up and run migrate nothing, and say so",
  },
  {
    key: "environments",
    kind: "list",
    flag: "--environments <name…>",
    forRun: true,
    default: "production,staging",
    help: "the values of NODE_ENV with which run migrates",
  },
  {
    key: "retryCount",
    ...count(0),
    flag: "--retry-count <n>",
    variables: ["MIGRATION_RETRY_COUNT"],
    forRun: true,
    default: "3",
    help: "how many times run tries failed migrations again, if the cause can pass",
  },
  {
    key: "retryDelay",
    kind: "delays",
    flag: "--retry-delay <times>",
    variables: ["MIGRATION_RETRY_DELAY"],
    forRun: true,
    default: "5s",
    help: "the pause before each retry of run: 5s, or a list (1s,5s,30s), or exponential 2s",
  },
  {
    key: "maxMemoryMb",
    ...count(1),
    flag: "--max-memory-mb <n>",
    variables: ["MIGRATION_MAX_MEMORY_MB"],
    forRun: true,
    default: "256",
    help: "the memory that the migrations of run may hold, in MB",
  },
  {
    key: "appGrace",
    ...duration,
    flag: "--app-grace <time>",
    forRun: true,
    default: "none",
    help: "how long the app of run may take to end after a signal",
  },
  {
    key: "target",
    emptyVariable: "refused",
    kind: "list",
    flag: "--target <name…>",
    inFile: false,
    default: "",
    help: "which of the configured targets",
  },
  {
    key: "parallel",
    ...count(1),
    flag: "--parallel <n>",
    forPlanning: true,
    default: "1",
    help: "how many targets, or schemas of a target, to run at a time",
  },
  {
    key: "onTargetFailure",
    ...choice("continue", "stop"),
    flag: "--on-target-failure <policy>",
    forPlanning: true,
    default: "continue",
    help: "after a target has failed: continue with the others, or stop",
  },
  {
    key: "healthPort",
    ...count(0),
    flag: "--health-port <port>",
    forService: true,
    default: "",
    help: "the port that answers /api/health, /livez, /readyz and /metrics; 0 takes one that is free",
  },
  {
    key: "healthHost",
    ...text,
    flag: "--health-host <address>",
    forService: true,
    default: "127.0.0.1",
    help: "the address to answer on; 0.0.0.0 for all of this machine",
  },
  {
    key: "healthName",
    kind: "list",
    flag: "--health-name <name…>",
    forService: true,
    default: "",
    help: "names that requests may have in their Host header, besides addresses and localhost",
  },
  {
    key: "healthToken",
    emptyVariable: "refused",
    ...secret,
    flag: null,
    forService: true,
    default: "",
    help: "the bearer token that everything but /livez then requires",
  },
  {
    key: "statusFile",
    kind: "path",
    flag: "--status-file <file>",
    forService: true,
    default: "",
    help: "the file that always holds the newest state of the migrations",
  },
  {
    key: "service",
    ...text,
    flag: "--service <name>",
    variables: ["OTEL_SERVICE_NAME"],
    forService: true,
    default: "",
    help: "the name of the service in health answers; otherwise that of package.json",
  },
  {
    key: "checkInterval",
    ...duration,
    flag: "--check-interval <time>",
    forService: true,
    default: "10s",
    help: "how often to look at the database",
  },
  {
    key: "webhookUrl",
    ...secret,
    flag: null,
    default: "",
    help: "the URL of one more webhook, beside those of the file; it may hold a token, so it is a secret",
  },
  {
    key: "webhookSecret",
    ...secret,
    flag: null,
    default: "",
    help: "the secrets that sign its messages (whsec_…), with a space between them",
  },
  {
    key: "webhookEvents",
    kind: "choices",
    choices: WEBHOOK_EVENTS,
    flag: null,
    inFile: false,
    default: "",
    help: `what it is told: ${WEBHOOK_EVENTS.join(", ")} (default: all)`,
  },
  {
    key: "webhookFormat",
    ...choice(...WEBHOOK_FORMATS),
    flag: null,
    inFile: false,
    default: "",
    help: "json or slack (default: slack at hooks.slack.com)",
  },
  {
    key: "blockedAfter",
    ...duration,
    flag: null,
    default: "1min",
    help: "how long a run waits before webhooks are told run.blocked; none: never",
  },
  {
    key: "dotenv",
    ...text,
    flag: "--dotenv <file>",
    inFile: false,
    default: "",
    help: "a file of variables to read, or none (default: .env.local and .env where no variable names a database, but not in production or CI)",
  },
  {
    key: "exitCodes",
    ...choice("plain", "detailed"),
    flag: "--exit-codes <kind>",
    inFile: false,
    default: "plain",
    help: "detailed: the exit code of a failure says whether it makes sense to run again",
  },
  {
    key: "logFormat",
    ...choice("text", "json"),
    flag: "--log-format <format>",
    default: "text",
    help: "the format of progress on stderr",
  },
  { key: "quiet", ...toggle, flag: "--quiet", inFile: false, help: "print only errors and warnings" },
  {
    key: "verbose",
    ...toggle,
    flag: "--verbose",
    inFile: false,
    help: "print every statement and every notice of the server",
  },
];

/** Attempts to connect have one first pause; the retries of a run may have a list. */
function firstDelay(value: string): string {
  const first = parseDelays(value)?.listMs[0];
  return first === undefined ? value : `${first}ms`;
}

/** Kinds that one word cannot hold. Only the file and programs have them. */
const OF_FILE: ReadonlySet<Kind["kind"]> = new Set(["checks", "runner", "lint"]);

/** `GODWIT_<NAME>`, then the variables of other tools. The first one that is set counts. */
export function variablesOf(option: Option): readonly string[] {
  if (OF_FILE.has(option.kind)) return [];
  const own = `GODWIT_${option.key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
  return [own, ...(option.variables ?? [])];
}

/** Whether only commands that name the option in `honours` have it. */
export function isOfSomeCommands(option: Option): boolean {
  const { forPlanning, forUp, forLock, forImport, forRun, forService } = option;
  return [forPlanning, forUp, forLock, forImport, forRun, forService].includes(true);
}

/** The key under which commander keeps the flag of an option: `dryRun` for `--dry-run <x>`. */
export function flagName(option: Pick<Option, "flag">): string | null {
  return option.flag === null ? null : (/^--([\w-]+)/.exec(option.flag)?.[1] ?? null);
}
