/**
 * Several databases in one configuration. First the shape of all of them, then, of those that are meant, every value
 * and every variable; whatever is wrong is told at once, before a database is touched.
 */
import { existsSync } from "node:fs";
import { identifier } from "../core/sql/quote.ts";
import { ConfigError, GodwitError, type Problem, problemsOf } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { ADDRESS_KEYS, type Place, placeOf, readAddress } from "./address.ts";
import { type Config, type GivenTargets, phasesOf, type SchemaTargets } from "./config.ts";
import { readImports } from "./imports.ts";
import { OPTIONS, type Option, type OptionKey, type Values } from "./options.ts";
import { isVariable, readOption } from "./read.ts";
import type { Origin } from "./values.ts";

/** Options of the whole run, or of one invocation. */
const COMMON: ReadonlySet<OptionKey> = new Set([
  "databaseUrl",
  "target",
  "onTargetFailure",
  "timeout",
  "cacheFolder",
  "logFormat",
]);

/** What one target may say for itself. */
export const TARGET_OPTIONS: readonly Option[] = OPTIONS.filter(
  ({ key, inFile }) => inFile !== false && !COMMON.has(key) && !key.startsWith("nas"),
);

const OTHER_KEYS = [...ADDRESS_KEYS, "schemas", "canary", "createSchemas", "imports"];

/** Throws `ConfigError` with everything that is wrong about the shape. */
export function readTargets(
  file: Readonly<Record<string, unknown>>,
  place: { readonly file: string },
): GivenTargets {
  const { targets } = file;
  const problems: Problem[] = [];
  const wrong = (message: string, hint?: string) => {
    problems.push({ code: "CONFIG_INVALID", message, hint, place });
  };
  if (!isRecord(targets) || Object.keys(targets).length === 0)
    wrong('targets is no object with a name for each: write targets: { shop: { url: env("SHOP_URL") } }.');
  for (const key of ["databaseUrl", "imports"])
    if (file[key] !== undefined)
      wrong(
        `${key} stands beside targets and belongs to none of them.`,
        `Move it into the target that is meant${key === "imports" ? "" : ", where it is called url"}.`,
      );
  for (const [name, given] of Object.entries(isRecord(targets) ? targets : {})) {
    if (!/^\p{L}[\p{L}\p{N}._-]{0,62}$/u.test(name) || ["head", "heads", "base"].includes(name))
      wrong(`"${name}" is no name for a target: letters, digits, dots and dashes, a letter first.`);
    if (!isRecord(given)) {
      wrong(`targets.${name} is not an object.`);
      continue;
    }
    for (const key of Object.keys(given)) checkKey(key, given[key], { name, wrong });
    const { schemas } = given;
    if (schemas === undefined) {
      for (const key of ["canary", "createSchemas"])
        if (given[key] !== undefined) wrong(`targets.${name}.${key} needs targets.${name}.schemas.`);
    } else if (!isSchemas(schemas))
      wrong(
        `targets.${name}.schemas is neither a list of names nor { query }.`,
        'For example: schemas: { query: "select schema_name from tenants order by 1" }',
      );
  }
  throwAll(problems);
  return targets as GivenTargets;
}

function checkKey(
  key: string,
  value: unknown,
  { name, wrong }: { name: string; wrong: (message: string, hint?: string) => void },
): void {
  const known: readonly string[] = [...TARGET_OPTIONS.map((option) => option.key), ...OTHER_KEYS];
  if (!known.includes(key)) {
    const meant = key === "databaseUrl" ? "url" : nearest(key, known);
    const common = OPTIONS.some((option) => option.key === key && option.inFile !== false);
    wrong(
      `targets.${name} has an unknown option "${key}".`,
      common && key !== "databaseUrl"
        ? `${key} belongs to all targets together: write it beside targets.`
        : meant === undefined
          ? `Options: ${known.join(", ")}.`
          : `Did you mean ${meant}?`,
    );
    return;
  }
  if (key === "createSchemas" && typeof value !== "boolean")
    wrong(`targets.${name}.createSchemas is neither true nor false.`);
  if (key === "canary" && typeof value !== "string")
    wrong(`targets.${name}.canary is not the name of a schema.`);
  const isText =
    typeof value === "string" || isVariable(value) || (key === "port" && Number.isInteger(value));
  if ((ADDRESS_KEYS as readonly string[]).includes(key) && !isText)
    wrong(
      `targets.${name}.${key} is neither text nor a variable.`,
      `Write ${key}: env("NAME_OF_THE_VARIABLE").`,
    );
  const option = TARGET_OPTIONS.find((each) => each.key === key);
  if (isRecord(value) && !isVariable(value) && option !== undefined && option.kind !== "record")
    wrong(`targets.${name}.${key} is an object.`, 'A variable is env("NAME"), or { "variable": "NAME" }.');
}

export interface ChooseOptions {
  /** Empty: all. `tenants/a` is one schema of a target. */
  readonly names: readonly string[];
  /** As typed, by the option's key. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly workingFolder: string;
  /** Whether the folders of the migrations must be there. */
  readonly folders: boolean;
}

/** Flags that make sense for one database only. */
const OF_ONE: readonly OptionKey[] = [
  "databaseUrl",
  "dir",
  "layout",
  "ledgerSchema",
  "project",
  "searchPath",
  "role",
];

/**
 * A configuration for each target that is meant, in the order of their names as given. Throws `ConfigError`:
 * `TARGET_UNKNOWN`, `TARGET_CLASH`, and everything that is missing or wrong.
 */
export function chooseTargets(config: Config, options: ChooseOptions): readonly Config[] {
  const { targets } = config;
  const all = Object.keys(targets ?? {});
  const chosen = options.names.length === 0 ? all : [...new Set(options.names)];
  const parts = chosen.map((word) => splitName(word, config));
  const several =
    parts.length > 1 || parts.some(({ only, name }) => hasSchemas(config, name) && only === null);
  const typed = OF_ONE.find((key) => options.flags[key] !== undefined);
  if (typed !== undefined && (several || parts.some(({ only }) => only !== null)))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `--${OPTIONS.find(({ key }) => key === typed)?.flag?.replace(/^--| .*$/g, "")} is about one database, and ${several ? "several targets are meant" : "a schema has its own"}.`,
      hint: "Name one target, or write it into the configuration of each.",
      details: { from: "flag" },
    });
  const read = parts.map(({ name, only }) => readTarget(config, { name, only, options }));
  const others = all
    .filter((name) => !parts.some((part) => part.name === name))
    .map((name) =>
      readTarget(config, { name, only: null, options: { ...options, flags: {}, folders: false } }),
    );
  throwAll(read.flatMap((each) => each.problems));
  // One that is not meant may lack its variables; where it has them, it must be another database all the same.
  const known = [...read, ...others.filter(({ problems }) => problems.length === 0)];
  throwAll(clashesOf(known, new Set(parts.map(({ name }) => name))));
  return read.map((each) => withNeighbours(each, known));
}

interface Read {
  readonly config: Config;
  readonly place: Place | null;
  /** The variables of its address. */
  readonly variables: readonly string[];
  readonly problems: readonly Problem[];
}

function splitName(word: string, { targets }: Config): { name: string; only: string | null } {
  const known = Object.keys(targets ?? {});
  if (known.includes(word)) return { name: word, only: null };
  const slash = word.indexOf("/");
  const name = slash === -1 ? word : word.slice(0, slash);
  if (slash !== -1 && targets?.[name]?.schemas !== undefined) return { name, only: word.slice(slash + 1) };
  throw unknownTarget(slash !== -1 && known.includes(name) ? word : name, known);
}

export function unknownTarget(word: string, known: readonly string[], more?: string): ConfigError {
  const meant = nearest(word, known);
  const hint = [
    meant === undefined ? undefined : `Did you mean ${meant}?`,
    known.length === 0 ? "No targets are configured." : `Targets: ${known.join(", ")}.`,
    more,
  ];
  return new ConfigError({
    code: "TARGET_UNKNOWN",
    message: `There is no target "${word}".`,
    hint: hint.filter((part) => part !== undefined).join(" "),
    details: { from: "flag", targets: known },
  });
}

function hasSchemas({ targets }: Config, name: string): boolean {
  return targets?.[name]?.schemas !== undefined;
}

function readTarget(
  config: Config,
  { name, only, options }: { name: string; only: string | null; options: ChooseOptions },
): Read {
  const own = config.targets?.[name] ?? {};
  const problems: Problem[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      problems.push(...problemsOf(error));
      return undefined;
    }
  };
  const address = attempt(() =>
    readAddress(own, { name, environment: config.environment, typed: options.flags.databaseUrl }),
  );
  problems.push(...(address?.problems ?? []));
  const values: Partial<Record<OptionKey, unknown>> = { ...config.values };
  const origins: Partial<Record<OptionKey, Origin>> = { ...config.origins };
  const sources = {
    flags: options.flags,
    environment: config.environment,
    file: config.given,
    path: config.file,
    own: { name: `targets.${name}`, values: own },
    root: config.root,
    workingFolder: options.workingFolder,
  };
  for (const option of TARGET_OPTIONS) {
    const found = attempt(() => readOption(option, sources));
    if (found === undefined) continue;
    values[option.key] = found.value;
    origins[option.key] = found.origin;
  }
  values.databaseUrl = address?.url ?? null;
  origins.databaseUrl = address?.origin ?? { kind: "default" };
  // Two URLs that somebody swapped are found out by the names in the ledgers.
  values.project ??= name;
  if (own.schemas !== undefined) {
    values.ledgerSchema = own.ledgerSchema === undefined ? "{schema}" : values.ledgerSchema;
    values.searchPath = own.searchPath === undefined ? "{schema}" : values.searchPath;
    values.allowSecondLedger = true;
  }
  const read = values as unknown as Values;
  const imports = attempt(() => importsOf(own.imports, config, name));
  if (options.folders && problems.length === 0 && !existsSync(read.dir))
    problems.push({
      code: "CONFIG_INVALID",
      message: `The folder of target ${name} is not there: ${read.dir}.`,
      hint: own.dir === undefined ? `Say where it is: targets.${name}.dir.` : `Check targets.${name}.dir.`,
    });
  if (own.schemas !== undefined && !read.ledgerSchema.includes("{schema}"))
    problems.push({
      code: "TARGET_CLASH",
      message: `All schemas of target ${name} would share the ledger in schema "${read.ledgerSchema}".`,
      hint: 'Leave ledgerSchema out, and each has its own; or name it by the schema: "{schema}_ledger".',
    });
  return {
    config: {
      ...config,
      values: read,
      origins: origins as Record<OptionKey, Origin>,
      folder: read.dir,
      phases: phasesOf(read),
      imports: imports ?? [],
      environment: environmentOf(config, name),
      target: {
        name,
        schemas: schemasOf(own, only, origins.parallel?.kind === "file" ? read.parallel : null),
        schema: null,
      },
    },
    place: address?.place ?? null,
    variables: address?.variables ?? [],
    problems,
  };
}

/** Without what only other targets name: the files of one may ask for a variable too. */
function environmentOf({ environment, targets }: Config, name: string): Config["environment"] {
  const named = (own: object | undefined) =>
    Object.values(own ?? {}).flatMap((value) => (isVariable(value) ? [value.variable] : []));
  const mine = new Set(named(targets?.[name]));
  const others = new Set(Object.values(targets ?? {}).flatMap(named));
  return Object.fromEntries(Object.entries(environment).filter(([key]) => mine.has(key) || !others.has(key)));
}

/** The NAS that the environment names is not every target's: only what a target says itself is its own. */
function importsOf(given: unknown, config: Config, name: string): Config["imports"] {
  return given === undefined
    ? []
    : readImports(given, { file: `targets.${name} of ${config.file ?? "the configuration"}` });
}

function schemasOf(
  own: Readonly<Record<string, unknown>>,
  only: string | null,
  parallel: number | null,
): SchemaTargets | null {
  const { schemas, canary, createSchemas } = own;
  if (!isSchemas(schemas)) return null;
  return {
    from: Array.isArray(schemas) ? { names: schemas } : (schemas as { query: string }),
    only,
    canary: typeof canary === "string" ? canary : null,
    create: createSchemas === true,
    parallel: own.parallel === undefined ? null : parallel,
  };
}

function isSchemas(given: unknown): boolean {
  const isName = (value: unknown) => typeof value === "string" && value !== "" && !value.includes("\0");
  if (Array.isArray(given)) return given.every(isName) && new Set(given).size === given.length;
  return (
    isRecord(given) &&
    Object.keys(given).length === 1 &&
    typeof given.query === "string" &&
    given.query !== ""
  );
}

/** One schema of a target that has several, as a target by itself. */
export function schemaTarget(config: Config, schema: string): Config {
  const { values, target } = config;
  return {
    ...config,
    values: {
      ...values,
      ledgerSchema: values.ledgerSchema.replaceAll("{schema}", () => schema),
      searchPath: values.searchPath?.replaceAll("{schema}", () => identifier(schema)) ?? null,
    },
    target: { name: `${target?.name}/${schema}`, schemas: null, schema },
  };
}

/** Of two targets that are one, the run of the one would be the other's history. */
function clashesOf(read: readonly Read[], meant: ReadonlySet<string>): readonly Problem[] {
  return read.flatMap((one, index) =>
    read.slice(index + 1).flatMap((other): readonly Problem[] => {
      const [a, b] = [one.config.target?.name ?? "", other.config.target?.name ?? ""];
      if (!meant.has(a) && !meant.has(b)) return [];
      const shared = ledgersOf(one.config).find((schema) => ledgersOf(other.config).includes(schema));
      if (shared === undefined || !isSame(one.place, other.place)) return [];
      const variables = [...new Set([...one.variables, ...other.variables])];
      return [
        {
          code: "TARGET_CLASH",
          message: `Targets ${a} and ${b} are one database and one ledger: ${placeOf(one.place)}, schema "${shared}".`,
          hint: `${variables.length === 0 ? "" : `Check ${variables.join(" and ")}. `}If both are meant to be in one database, give each a ledgerSchema of its own.`,
          details: { targets: [a, b], variables },
        },
      ];
    }),
  );
}

/** As far as they are known before a database is asked. */
function ledgersOf({ values, target }: Config): readonly string[] {
  const schemas = target?.schemas;
  if (schemas == null) return [values.ledgerSchema];
  const names = schemas.only !== null ? [schemas.only] : "names" in schemas.from ? schemas.from.names : [];
  return names.map((name) => values.ledgerSchema.replaceAll("{schema}", () => name));
}

/** A second ledger in its database is nothing to stop for where it is that of another target. */
function withNeighbours({ config, place }: Read, all: readonly Read[]): Config {
  const shares = all.some(
    (other) => other.config.target?.name !== config.target?.name && isSame(other.place, place),
  );
  return shares ? { ...config, values: { ...config.values, allowSecondLedger: true } } : config;
}

function isSame(one: Place | null, other: Place | null): boolean {
  if (one === null || other === null || one.database !== other.database) return false;
  return one.hosts.some((host) => other.hosts.includes(host));
}

function throwAll([first, ...others]: readonly Problem[]): void {
  if (first !== undefined) throw new ConfigError(first as never, { others });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
