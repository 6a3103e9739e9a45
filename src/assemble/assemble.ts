/** Makes a target that can be migrated from a configuration. Only this folder chooses implementations. */
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { Config } from "../config/config.ts";
import { nameProblems } from "../config/targets/names.ts";
import { throwAll } from "../config/targets/targets-given.ts";
import { type Address, parseAddress } from "../database/address/address.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError } from "../errors.ts";
import { openLedger } from "../ledger/ledger.ts";
import { type Observe, presentableEvent } from "../run/report/events.ts";
import type { RunContext, RunSettings, Target } from "../run/session/target.ts";
import type { Source } from "../source/source.ts";
import { gitCommit } from "../std/git.ts";
import { VERSION } from "../std/version.ts";
import { type Say, startEmbedded } from "./embedded.ts";
import { projectFlagsOf } from "./project-flags.ts";
import { isOverHttps, openerOverHttps, refuseHalfApi } from "./rpc.ts";
import { openSource, type SourceOptions } from "./source.ts";

/** A target and what must be closed with it. */
export interface Assembled extends AsyncDisposable {
  readonly target: Target;
  /** Where the database is. `null`: the caller opens it. */
  readonly address: Address | null;
  /** The host of the HTTPS API, if that is the way to the database. */
  readonly api: string | null;
  /** The folder of the embedded server, if that is what is used. */
  readonly embedded: string | null;
  /** Stops the embedded server, unless somebody else uses it. Safe to call twice. */
  close(): Promise<void>;
}

export interface AssembleOptions {
  readonly say: Say;
  /** Receives a line for each part of the address that has no effect. */
  readonly observe?: Observe | undefined;
  /** Opens a database other than the configured one. */
  readonly open?: Target["open"] | undefined;
  /** A source that is open already. The schemas of one database share it. */
  readonly source?: Source | undefined;
  /** Nothing can be done without migrations, so no embedded server is made for a folder that has none. */
  readonly needsFiles?: boolean | undefined;
  /** Ends the loading of modules. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws `ConfigError`. Throws `DatabaseError` if the embedded server cannot start. */
export async function assemble(config: Config, options: AssembleOptions): Promise<Assembled> {
  if (config.targets !== null && config.target === null) throw new Error("None of the targets was chosen.");
  refuseLongNames(config);
  const { say: print, signal } = options;
  let made: Assembled | undefined;
  const decide = async (layouts: readonly string[]) =>
    made === undefined ? null : decidedByHistory(made.target, layouts, { config, signal });
  const source =
    options.source?.apart?.() ?? options.source ?? (await openSource(config, { print, signal, decide }));
  made = await assembleWith(config, source, options);
  return made;
}

/** The layout whose tool has a history in the database. `null`: none of them, or several. */
export async function decidedByHistory(
  target: Target,
  layouts: readonly string[],
  { config, signal }: { readonly config: Config; readonly signal: AbortSignal | undefined },
): Promise<string | null> {
  const { layoutByHistory } = await import("../run/mirror/decided-by-history.ts");
  const quiet = { observe: () => {}, signal: signal ?? new AbortController().signal };
  return layoutByHistory(target, layouts, createContext(config, quiet));
}

async function assembleWith(config: Config, source: Source, options: AssembleOptions): Promise<Assembled> {
  if (options.open !== undefined) return assembled(config, source, { open: options.open });
  if (isOverHttps(config, hasDatabaseUrl(config))) {
    refuseWithoutUrl(config);
    const { open, endpoint } = await openerOverHttps(config);
    return assembled(config, source, { open, api: endpoint.display });
  }
  if (isAddressed(config)) {
    const address = addressOf(config, config.values.databaseUrl?.reveal());
    for (const problem of address.warnings) options.observe?.({ kind: "warning", problem });
    return assembled(config, source, { open: opener(config, address), address });
  }
  refuseHalfApi(config);
  refuseWithoutUrl(config);
  const embedded = await startEmbedded(config, options.say, options.needsFiles === true ? source : null);
  const { watchedConnection } = await import("../database/embedded/watched.ts");
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

/** Throws `ConfigError` if a runner is configured without a URL: it connects by itself. */
function refuseWithoutUrl({ values: { runner } }: Config): void {
  if (runner !== null)
    throw new ConfigError({
      code: "URL_MISSING",
      message: "The runner of the configuration needs the URL of the database, and there is none.",
      hint: "Set DATABASE_URL, or leave runner out.",
    });
}

/** A target without a database, for scripts that are written without one. */
export async function assembleOffline(config: Config, options: SourceOptions): Promise<Assembled> {
  const open = () => Promise.reject(new Error("An offline target has no database."));
  return assembled(config, await openSource(config, options), { open });
}

export function createContext(
  config: Config,
  { observe, signal, soFar }: Pick<RunContext, "observe" | "signal" | "soFar">,
): RunContext {
  return {
    runId: randomUUID(),
    host: hostname(),
    version: VERSION,
    gitCommit: gitCommit(config.root, config.environment),
    signal,
    observe: (event) => observe(presentableEvent(event)),
    ...(soFar === undefined ? {} : { soFar }),
  };
}

/** Whether the configuration names a database. */
export function isAddressed(config: Config): boolean {
  const addressed = hasDatabaseUrl(config);
  return addressed || isOverHttps(config, addressed);
}

function hasDatabaseUrl(config: Config): boolean {
  return (
    config.target !== null ||
    config.values.databaseUrl !== null ||
    LIBPQ.some((name) => config.environment[name])
  );
}

const LIBPQ = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"];

/**
 * Refuses names that the server would cut. A target whose schemas are not known yet has templates, which cannot be
 * checked.
 */
function refuseLongNames(config: Config, address?: Address): void {
  if (config.target?.schemas == null) throwAll(nameProblems(config, address));
}

interface Parts {
  readonly open: Target["open"];
  readonly api?: string;
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
    name: config.target?.name ?? values.project ?? parts.address?.database ?? parts.api ?? "database",
    source,
    ledger: openLedger(values.ledgerSchema, {
      allowSecond: values.allowSecondLedger,
      given: config.target?.schema ?? null,
      byHand: source.layout === "supabase" || parts.api !== undefined,
    }),
    open: parts.open,
    settings: settingsOf(config),
  };
  return {
    target,
    address: parts.address ?? null,
    api: parts.api ?? null,
    embedded: parts.embedded ?? null,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function settingsOf(config: Config): RunSettings {
  const { values, target } = config;
  return {
    project: values.project,
    order: values.order,
    mirror: values.mirror,
    schema: target?.schema ?? null,
    lockTimeoutMs: values.lockTimeout,
    statementTimeoutMs: values.statementTimeout,
    idleTimeoutMs: values.idleTimeout,
    lockAttempts: values.lockAttempts,
    backfillParallel: values.backfillParallel,
    connectAttempts: values.connectAttempts,
    connectDelayMs: values.connectDelay,
    // 0 means "none": the wait has no limit.
    lockWaitMs: values.lockWait === 0 ? Number.MAX_SAFE_INTEGER : values.lockWait,
    driftIgnore: values.driftIgnore,
    projectFlags: projectFlagsOf(config),
    searchPath: values.searchPath,
    role: values.role,
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
  // The environment may name a database, but not the one of this target.
  if (config.target !== null) return parseAddress({ url, environment: {} });
  return parseAddress({ url, environment: config.environment, systemUser: systemUser() });
}

/** In a container the user may be a number without a name. */
function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
