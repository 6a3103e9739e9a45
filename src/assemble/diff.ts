/** From words such as `migrations`, a file or a URL to the states of a schema that a diff is about. */
import type { Config } from "../config/config.ts";
import { PHASES } from "../core/migration.ts";
import { exported, exporterOf } from "../diff/exporters/export.ts";
import { type RenameHint, renameHints, renamesOf } from "../diff/hints.ts";
import { ConfigError, SourceError } from "../errors.ts";
import { limited } from "../run/listed.ts";
import { diffStates, type SchemaDiffReport } from "../run/schema-diff.ts";
import type { SchemaState } from "../run/schema-state.ts";
import { secretUrl } from "../std/secret.ts";
import { assemble, createContext, settingsOf } from "./assemble.ts";
import { layBaseline } from "./baseline.ts";
import { asRunsRead, majorOf, openHere, scratchServers } from "./rehearsal.ts";
import { commandEnvironment } from "./source.ts";
import { sqlFiles } from "./sql-files.ts";

export interface DiffGiven {
  /**
   * `migrations` (the default), `database` (the configured one), a URL, or a file or folder of SQL. Of other tools: a schema of
   * Drizzle or Prisma, or the metadata of SQLAlchemy (`app.models:Base`).
   */
  readonly from?: string | undefined;
  /** The same. Default: `desiredSchema` of the configuration. */
  readonly to?: string | undefined;
  /** Tables that are in no comparison, besides those of the configuration: `name` or `schema.name`, with `*`. */
  readonly exclude?: readonly string[] | undefined;
  /** Tables and columns that have another name in the desired schema: `old=new`, `table.old=new`. */
  readonly rename?: readonly string[] | undefined;
}

export interface DiffCall {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError`, `SourceError` (a file of the schema) and `PlanRefused` (`DIFF_UNPROVEN`). */
export async function diffOf(config: Config, given: DiffGiven, call: DiffCall): Promise<SchemaDiffReport> {
  const { desiredSchema, diffExclude } = config.values;
  const { from = "migrations", to = desiredSchema, exclude = [], rename = [] } = given;
  if (to === null) throw withoutGoal();
  const told = rename.flatMap(renamesTold);
  const servers = scratchServers(config, call.signal);
  const run = (url: string) => servers.run((signal) => runThere(config, url, { ...call, signal }));
  const asked = { ...call, run };
  const [before, after] = [await stateOf(config, from, asked), await stateOf(config, to, asked)];
  const histories = [from, to].flatMap((word) => exporterOf(word, config.root)?.exporter.history ?? []);
  const { whatEnded } = await import("../run/session/ending.ts");
  const found = diffStates({
    from: before,
    to: after,
    exclude: [...diffExclude, ...exclude, ...histories],
    renames: [...told, ...(after.kind === "files" ? renameHints(after.files) : [])],
    ledgerSchema: config.values.ledgerSchema,
    major: await majorOf(config, call),
    openScratch: servers.open,
  });
  const report = await found.catch((error: unknown) => {
    throw whatEnded(error, call.signal);
  });
  // What was found by the time that it was ended is not whole.
  call.signal.throwIfAborted();
  return report;
}

interface Stating extends DiffCall {
  readonly run: (url: string) => Promise<void>;
}

async function stateOf(config: Config, word: string, call: Stating): Promise<SchemaState> {
  if (word === "migrations") return { kind: "migrations", name: "the migrations", run: call.run };
  if (word === "database")
    return { kind: "database", name: "the database", open: () => openHere(config, call) };
  if (/^postgres(?:ql)?:\/\//.test(word)) return named(config, word, call);
  const chosen = exporterOf(word, config.root);
  if (chosen === null) return { kind: "files", name: word, files: sqlFiles(config, word) };
  const environment = commandEnvironment(config.environment, config.values.databaseUrl);
  const place = { root: config.root, environment, signal: call.signal };
  return { kind: "files", name: word, files: [await exported(chosen, place)] };
}

/** Applies the migrations to the empty database of the URL: all of them, or these. */
export async function runThere(
  config: Config,
  url: string,
  { say, signal, revisions }: DiffCall & { readonly revisions?: ReadonlySet<string> },
): Promise<void> {
  const [{ migrate }, { ofScratch }] = await Promise.all([
    import("../run/migrate.ts"),
    import("../run/session/ending.ts"),
  ]);
  const environment = { ...config.environment, DATABASE_URL: url };
  const staged = { ...config, environment, values: { ...config.values, databaseUrl: secretUrl(url) } };
  await using assembled = await assemble(staged, { say, signal });
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  const context = createContext(staged, { observe: () => {}, signal });
  const { source } = assembled.target;
  const some = revisions === undefined ? source : limited(source, revisions);
  const target = { ...assembled.target, source: some };
  await layBaseline(staged, target, context);
  await migrate(target, { goal, failure: "stop", outOfOrder: true }, context).catch((error) => {
    if (!(error instanceof SourceError) || !WITHOUT_MIGRATIONS.includes(error.code))
      throw ofScratch(error, signal);
  });
}

const WITHOUT_MIGRATIONS = ["SOURCE_FOLDER_EMPTY", "SOURCE_FOLDER_MISSING"];

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
  const openToRead = () => {
    // Role and search_path are those of the configured database.
    const settings = { ...settingsOf(config), role: null, searchPath: null };
    return asRunsRead(config, settings, { open, signal });
  };
  const name = new URL(word).pathname.slice(1) || "the database of the URL";
  return { kind: "database", name: `database ${decodeURIComponent(name)}`, open: openToRead };
}

function renamesTold(text: string): readonly RenameHint[] {
  const renames = renamesOf(text);
  if (renames.length > 0) return renames;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${text} is no rename.`,
    hint: "For example: `--rename old_table=new_table`, or of a column, with its table's new name: `--rename new_table.old=new`.",
    details: { from: "flag" },
  });
}

function withoutGoal(): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: "The desired schema is not named.",
    hint: "For example: `--to schema.sql`, `--to drizzle.config.ts`, or the URL of another database. Or set desiredSchema.",
    details: { from: "flag" },
  });
}
