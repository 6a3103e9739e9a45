/** From words such as `migrations`, a file or a URL to the states of a schema that a diff is about. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { PHASES } from "../core/migration.ts";
import { renameHints } from "../diff/hints.ts";
import { ConfigError, DatabaseError, SourceError } from "../errors.ts";
import { diffStates, type SchemaDiffReport, type SchemaState } from "../run/schema-diff.ts";
import type { Source } from "../source/source.ts";
import { secretUrl } from "../std/secret.ts";
import { assemble, createContext, isAddressed } from "./assemble.ts";
import { openScratchLike } from "./rehearsal.ts";

export interface DiffGiven {
  /** `migrations` (the default), `database` (the configured one), a URL, a file or a folder of SQL. */
  readonly from?: string | undefined;
  /** The same; it has no default. */
  readonly to?: string | undefined;
  /** Tables that are in no comparison: `name` or `schema.name`, with `*`. */
  readonly exclude?: readonly string[] | undefined;
}

export interface DiffCall {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError`, `SourceError` (a file of the schema) and `PlanRefused` (`DIFF_UNPROVEN`). */
export async function diffOf(config: Config, given: DiffGiven, call: DiffCall): Promise<SchemaDiffReport> {
  const { from = "migrations", to, exclude = [] } = given;
  if (to === undefined) throw withoutGoal();
  const [before, after] = [stateOf(config, from, call), stateOf(config, to, call)];
  return diffStates({
    from: before,
    to: after,
    exclude,
    renames: after.kind === "files" ? renameHints(after.files) : [],
    ledgerSchema: config.values.ledgerSchema,
    major: await majorOf(config, call),
    openScratch: (major) => openScratchLike(config, { major, signal: call.signal }),
  });
}

/** A diff needs no database, so one that is not reached is no failure. */
async function majorOf(config: Config, call: DiffCall): Promise<number | undefined> {
  if (!isAddressed(config) || config.target?.schemas != null) return undefined;
  const hurried = { ...config, values: { ...config.values, connectAttempts: 1 } };
  try {
    await using connection = await openHere(hurried, call);
    return Math.floor(connection.server.version / 10_000);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "DATABASE_UNREACHABLE") return undefined;
    throw error;
  }
}

function stateOf(config: Config, word: string, call: DiffCall): SchemaState {
  if (word === "migrations")
    return { kind: "migrations", name: "the migrations", run: (url) => runThere(config, url, call) };
  if (word === "database")
    return { kind: "database", name: "the database", open: () => openHere(config, call) };
  if (/^postgres(?:ql)?:\/\//.test(word)) return named(config, word, call);
  return { kind: "files", name: word, files: filesOf(config, word) };
}

/** Applies the migrations to the empty database of the URL: all of them, or these. */
export async function runThere(
  config: Config,
  url: string,
  { say, signal, revisions }: DiffCall & { readonly revisions?: ReadonlySet<string> },
): Promise<void> {
  const { migrate } = await import("../run/migrate.ts");
  const environment = { ...config.environment, DATABASE_URL: url };
  const staged = { ...config, environment, values: { ...config.values, databaseUrl: secretUrl(url) } };
  await using assembled = await assemble(staged, { say, signal });
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  const context = createContext(staged, { observe: () => {}, signal });
  const { source } = assembled.target;
  const some = revisions === undefined ? source : only(source, revisions);
  await migrate(
    { ...assembled.target, source: some },
    { goal, failure: "stop", outOfOrder: true },
    context,
  ).catch((error) => {
    if (!(error instanceof SourceError) || !WITHOUT_MIGRATIONS.includes(error.code)) throw error;
  });
}

function only(source: Source, revisions: ReadonlySet<string>): Source {
  const list = async () => {
    const listing = await source.list();
    return { ...listing, migrations: listing.migrations.filter(({ id }) => revisions.has(id)) };
  };
  return new Proxy(source, {
    get(target, key) {
      if (key === "list") return list;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const WITHOUT_MIGRATIONS = ["SOURCE_FOLDER_EMPTY", "SOURCE_FOLDER_MISSING"];

/** The connection closes what was opened for it. */
export async function openHere(config: Config, { say, signal }: DiffCall) {
  const assembled = await assemble(config, { say, signal });
  const connection = await assembled.target.open({ applicationName: "godwit diff", signal });
  return new Proxy(connection, {
    get(target, key) {
      if (key !== Symbol.asyncDispose && key !== "close") {
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async () => {
        await target.close();
        await assembled.close();
      };
    },
  });
}

function named(config: Config, word: string, { signal }: DiffCall): SchemaState {
  const url = secretUrl(word);
  const open = async () => {
    const [{ openPostgres }, { parseAddress }] = await Promise.all([
      import("../database/wire/postgres.ts"),
      import("../database/address/address.ts"),
    ]);
    const address = parseAddress({ url: url.reveal(), environment: config.environment });
    return openPostgres(address, { applicationName: "godwit diff", signal });
  };
  const name = new URL(word).pathname.slice(1) || "the database of the URL";
  return { kind: "database", name: `database ${decodeURIComponent(name)}`, open };
}

function filesOf({ root }: Config, word: string) {
  const path = resolve(root, word);
  if (!existsSync(path))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `There is no file or folder ${word}.`,
      hint: "Name a file or a folder of SQL, a URL, `migrations` or `database`.",
      details: { from: "flag" },
    });
  const paths = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".sql"))
        .sort()
        .map((name) => join(path, name))
    : [path];
  return paths.map((file) => ({ name: relative(process.cwd(), file), text: readFileSync(file, "utf8") }));
}

function withoutGoal(): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: "The desired schema is not named.",
    hint: "For example: `--to schema.sql`, or a folder of SQL, or the URL of another database.",
    details: { from: "flag" },
  });
}
