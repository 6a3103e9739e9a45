/** The one place where parts meet: from a configuration to a target that can be migrated. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { nameProblems, schemasOf } from "../config/targets/names.ts";
import { throwAll } from "../config/targets/targets-given.ts";
import { type Address, parseAddress } from "../database/address/address.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError, GodwitError, ImportFailed } from "../errors.ts";
import { openLedger } from "../ledger/ledger.ts";
import type { Import } from "../run/import.ts";
import { type Observe, presentableEvent } from "../run/report/events.ts";
import type { RunContext, Target } from "../run/session/target.ts";
import type { Source } from "../source/source.ts";
import { gitCommit } from "../std/git.ts";
import { nearest } from "../std/nearest.ts";
import { VERSION } from "../std/version.ts";

/** A target and what must be closed with it. */
export interface Assembled extends AsyncDisposable {
  readonly target: Target;
  /** Where the database is; `null` for one that was handed in. */
  readonly address: Address | null;
  /** The folder of the embedded server, if that is what is used. */
  readonly embedded: string | null;
  /** Stops the embedded server, unless somebody else uses it. Safe to call twice. */
  close(): Promise<void>;
}

export interface AssembleOptions {
  /** Told about the embedded server; loudly that it is used at all. */
  readonly say: (line: string, options?: { readonly loud: boolean }) => void;
  /** In place of the configured address. */
  readonly open?: Target["open"] | undefined;
  /** In place of opening it: one for many schemas. */
  readonly source?: Source | undefined;
  /** Ends the loading of modules. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws `ConfigError` and, where the embedded server cannot start, `DatabaseError`. */
export async function assemble(config: Config, options: AssembleOptions): Promise<Assembled> {
  if (config.targets !== null && config.target === null) throw new Error("None of the targets was chosen.");
  refuseLongNames(config);
  const { say: print, signal } = options;
  const source = options.source?.apart?.() ?? options.source ?? (await openSource(config, { print, signal }));
  if (options.open !== undefined) return assembled(config, source, { open: options.open });
  if (isAddressed(config)) {
    const address = addressOf(config, config.values.databaseUrl?.reveal());
    return assembled(config, source, { open: opener(config, address), address });
  }
  refuseEmbedded(config);
  const [{ openEmbedded }, { asFolderProblem }, { watchedConnection }] = await Promise.all([
    import("../database/embedded/embedded.ts"),
    import("../database/embedded/folder.ts"),
    import("../database/embedded/watched.ts"),
  ]);
  const folder = join(config.root, ".godwit");
  const what = `No DATABASE_URL is set: using an embedded PostgreSQL in ${folder}, for development only.`;
  options.say(what, { loud: true });
  try {
    keepOutOfGit(folder);
  } catch (error) {
    throw asFolderProblem(error, folder);
  }
  // The server's own session does not keep a process alive, and while it is being opened nothing else does.
  const alive = setInterval(() => {}, 60_000);
  const embedded = await openEmbedded({
    folder,
    environment: config.environment,
    log: (line) => options.say(line),
  }).finally(() => clearInterval(alive));
  const address = addressOf(config, embedded.url);
  return assembled(config, source, {
    open: async (wanted) => {
      const now = addressOf(config, await embedded.reach());
      try {
        return watchedConnection(await opener(config, now)(wanted), embedded.check);
      } catch (error) {
        embedded.check();
        throw error;
      }
    },
    address,
    embedded: embedded.directory,
    close: () => embedded.close(),
  });
}

/** A target whose database is never asked: for scripts written without one. */
export async function assembleOffline(config: Config, options: SourceOptions): Promise<Assembled> {
  const open = () => Promise.reject(new Error("An offline target has no database."));
  return assembled(config, await openSource(config, options), { open });
}

export interface SourceOptions {
  /** Told what modules print while they are loaded. */
  readonly print?: ((line: string) => void) | undefined;
  /** Ends the loading of modules. */
  readonly signal?: AbortSignal | undefined;
}

/** A folder that cannot be opened is a source that says so when it is asked, and looks again each time. */
export async function openSource(config: Config, options: SourceOptions = {}): Promise<Source> {
  const { folder } = config;
  try {
    return await openFolder(config, options);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    let opened: Source | undefined;
    const again = async () => {
      opened ??= await openFolder(config, options);
      return opened;
    };
    return {
      layout: "unknown",
      folder,
      list: async () => (await again()).list(),
      read: async (...wanted) => (await again()).read(...wanted),
      close: async () => opened?.close?.(),
    };
  }
}

async function openFolder(config: Config, options: SourceOptions): Promise<Source> {
  const { folder, cacheFolder, environment, values } = config;
  const modules = { folder, cacheFolder, environment, ...options };
  if (existsSync(join(folder, "godwit-bundle.json")))
    return (await import("../source/bundle/bundle.ts")).openBundle(modules);
  const layout = values.layout ?? (await import("../source/detect/detect.ts")).detectLayout(folder);
  if (layout === "plain") return (await import("../source/plain/plain.ts")).openPlain(modules);
  const { loadLayout } = await import("../source/layouts/layouts.ts");
  const { openInPlace } = await import("../source/layouts/in-place.ts");
  const { searchPath, placeholders } = values;
  // Of many schemas each is the one in which names are looked for.
  const schemas = config.target?.schema == null ? searchPath && schemasOf(searchPath) : undefined;
  return openInPlace(await loadLayout(layout), folder, {
    ...{ placeholders, environment },
    ...(schemas === undefined ? {} : { searchPath: schemas || null }),
  });
}

/** Opens the source of a configuration for as long as `use` takes. */
export async function withSource<T>(
  config: Config,
  options: SourceOptions,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  const source = await openSource(config, options);
  try {
    return await use(source);
  } finally {
    await source.close?.();
  }
}

/** The imports that are configured, and those that cannot be run because the environment does not say how. */
export async function assembleImports(config: Config): Promise<readonly Import[]> {
  if (config.imports.length === 0) return [];
  const { findOrigin } = await import("../config/imports/origins.ts");
  const { availableParallelism } = await import("node:os");
  const { DEFAULT_COLUMNS } = await import("../images/table.ts");
  const { parsePattern } = await import("../import/pattern.ts");
  return config.imports.map((wanted): Import => {
    // Before a database or a NAS is asked for anything.
    parsePattern(wanted.values.pattern);
    for (const field of Object.keys(wanted.table.columns ?? {}))
      if (!Object.hasOwn(DEFAULT_COLUMNS, field))
        throw unknownField(wanted.name, field, Object.keys(DEFAULT_COLUMNS));
    const found = findOrigin(wanted, config);
    if ("missing" in found) return { name: wanted.name, skip: found.missing };
    const { values, table } = wanted;
    return {
      name: wanted.name,
      settings: {
        name: wanted.name,
        ...found,
        pattern: values.pattern,
        exclude: values.exclude,
        table: { name: table.name, columns: table.columns ?? DEFAULT_COLUMNS },
        batched: config.values.nasBatched,
        batchBytes: values.batchSize,
        workers: values.workers === 0 ? Math.min(4, availableParallelism()) : values.workers,
        hashSize: values.hashSize,
        maxPixels: values.maxMegapixels * 1e6,
        memoryBytes: values.memory,
        settleMs: values.settle,
        patienceMs: values.patience,
        fileTimeoutMs: values.fileTimeout === 0 ? 2 ** 31 - 1 : values.fileTimeout,
      },
    };
  });
}

function unknownField(name: string, field: string, fields: readonly string[]): ConfigError {
  const meant = nearest(field, fields);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `imports.${name}.table.columns has an unknown field "${field}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Fields: ${fields.join(", ")}.`,
  });
}

/** The one that is named, or all. Throws `ConfigError` where there is none, `ImportFailed` `IMPORT_UNKNOWN`. */
export function chooseImports(imports: readonly Import[], name: string | undefined): readonly Import[] {
  const names = imports.map((each) => each.name);
  if (imports.length === 0)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "No import is configured.",
      hint: "godwit import --from <folder or sftp://user@host/path>; or set QNAP_HOST, QNAP_USERNAME and QNAP_PASSWORD; or imports in godwit.config.ts.",
    });
  if (name === undefined || (imports.length === 1 && names[0] === name)) return imports;
  const found = imports.filter((each) => each.name === name);
  if (found.length > 0) return found;
  const meant = nearest(name, names);
  throw new ImportFailed({
    code: "IMPORT_UNKNOWN",
    message: `There is no import "${name}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Configured: ${names.join(", ")}.`,
  });
}

export function createContext(
  config: Config,
  { observe, signal }: { observe: Observe; signal: AbortSignal },
): RunContext {
  return {
    runId: randomUUID(),
    host: hostname(),
    version: VERSION,
    gitCommit: gitCommit(config.root, config.environment),
    signal,
    observe: (event) => observe(presentableEvent(event)),
  };
}

/** Whether the configuration says where the database is, in whatever way. */
export function isAddressed(config: Config): boolean {
  return (
    config.target !== null ||
    config.values.databaseUrl !== null ||
    LIBPQ.some((name) => config.environment[name])
  );
}

const LIBPQ = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"];

/** Nobody checks a database in. */
function keepOutOfGit(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, ".gitignore");
  if (!existsSync(path)) writeFileSync(path, "*\n");
}

/** Where a forgotten URL would mean that a fresh, empty database is migrated and thrown away. */
function refuseEmbedded({ environment }: Config): void {
  const found = ["production", "staging"].includes(environment.NODE_ENV ?? "")
    ? `NODE_ENV is ${environment.NODE_ENV}`
    : environment.KUBERNETES_SERVICE_HOST
      ? "this is Kubernetes"
      : Object.keys(environment).some((name) => name.startsWith("RAILWAY_"))
        ? "this is Railway"
        : null;
  if (found === null) return;
  throw new ConfigError({
    code: "URL_MISSING",
    message: `No database URL was given, and ${found}.`,
    hint: "Set DATABASE_URL (or pass --database-url) to postgres://user:password@host:5432/database.",
  });
}

/** Of a target whose schemas are not known yet the names are templates. */
function refuseLongNames(config: Config, address?: Address): void {
  if (config.target?.schemas == null) throwAll(nameProblems(config, address));
}

interface Parts {
  readonly open: Target["open"];
  readonly address?: Address;
  readonly embedded?: string;
  readonly close?: () => Promise<void>;
}

function assembled(config: Config, source: Source, parts: Parts): Assembled {
  const { values } = config;
  refuseLongNames(config, parts.address);
  const close = async () => {
    await source.close?.();
    await parts.close?.();
  };
  const target: Target = {
    name: config.target?.name ?? values.project ?? parts.address?.database ?? "database",
    source,
    ledger: openLedger(values.ledgerSchema, {
      allowSecond: values.allowSecondLedger,
      given: config.target?.schema ?? null,
    }),
    open: parts.open,
    settings: {
      project: values.project,
      order: values.order,
      mirror: values.mirror,
      schema: config.target?.schema ?? null,
      lockTimeoutMs: values.lockTimeout,
      statementTimeoutMs: values.statementTimeout,
      idleTimeoutMs: values.idleTimeout,
      lockAttempts: values.lockAttempts,
      connectAttempts: values.connectAttempts,
      connectDelayMs: values.connectDelay,
      // 0 is "none", and here that means to wait as long as it takes.
      lockWaitMs: values.lockWait === 0 ? Number.MAX_SAFE_INTEGER : values.lockWait,
      searchPath: values.searchPath,
      role: values.role,
    },
  };
  return {
    target,
    address: parts.address ?? null,
    embedded: parts.embedded ?? null,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function opener(config: Config, address: Address): Target["open"] {
  return async (options): Promise<Connection> => {
    const { openPostgres } = await import("../database/wire/postgres.ts");
    const connection = await openPostgres(address, {
      ...options,
      pooling: config.values.pooling ?? undefined,
    });
    return connection;
  };
}

function addressOf(config: Config, url: string | undefined): Address {
  // A target's address is all there is: what the process says of a database is about another one.
  if (config.target !== null) return parseAddress({ url, environment: {} });
  return parseAddress({ url, environment: config.environment, systemUser: systemUser() });
}

/** Containers run as numbers that have no name. */
function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
