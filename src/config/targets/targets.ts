/**
 * Several databases in one configuration. Every value and every variable of the chosen targets is read. All mistakes
 * are reported at once, before any database is contacted.
 */
import { ConfigError, type Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import { type AddressPlace, placeOf } from "../address.ts";
import type { Config } from "../config.ts";
import { OPTIONS, type OptionKey } from "../options.ts";
import { type ReadTarget, readTarget, type TargetOptions } from "./target.ts";
import { throwAll } from "./targets-given.ts";

export interface ChooseOptions extends TargetOptions {
  /** Empty: all. `tenants/a` is one schema of a target. */
  readonly names: readonly string[];
}

/** Flags that make sense only for a single database. */
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
 * One configuration for each chosen target, in the order of `names`. Throws `ConfigError` with `TARGET_UNKNOWN`,
 * `TARGET_CLASH`, or everything that is missing or wrong.
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
      message: `--${OPTIONS.find(({ key }) => key === typed)?.flag?.replace(/^--| .*$/g, "")} is about one database, and ${several ? "several targets are chosen" : "a schema has its own"}.`,
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
  // A target that is not chosen may lack its variables. If it has them, it must be another database all the same.
  const known = [...read, ...others.filter(({ problems }) => problems.length === 0)];
  throwAll(clashesOf(known, new Set(parts.map(({ name }) => name))));
  return read.map((each) => withNeighbours(each, known));
}

function splitName(word: string, { targets }: Config): { name: string; only: string | null } {
  const known = Object.keys(targets ?? {});
  if (known.includes(word)) return { name: word, only: null };
  const slash = word.indexOf("/");
  const name = slash === -1 ? word : word.slice(0, slash);
  if (slash !== -1 && targets?.[name]?.schemas !== undefined) {
    if (word.slice(slash + 1).trim() === "") throw emptySchema(word, name);
    return { name, only: word.slice(slash + 1) };
  }
  throw unknownTarget(slash !== -1 && known.includes(name) ? word : name, known);
}

function emptySchema(word: string, name: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `"${word}" names an empty schema: nothing follows the slash.`,
    hint: `Name one of its schemas, or ${name} for all of them.`,
    details: { from: "flag" },
  });
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

/** Problems for two targets with the same ledger. The run of one would change the history of the other. */
function clashesOf(read: readonly ReadTarget[], meant: ReadonlySet<string>): readonly Problem[] {
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
          hint: `${variables.length === 0 ? "" : `Check ${variables.join(" and ")}. `}If both belong into one database, give each its own ledgerSchema.`,
          details: { targets: [a, b], variables },
        },
      ];
    }),
  );
}

/** The schemas of the ledgers, as far as they are known without asking a database. */
function ledgersOf({ values, target }: Config): readonly string[] {
  const schemas = target?.schemas;
  if (schemas == null) return [values.ledgerSchema];
  const names = schemas.only !== null ? [schemas.only] : "names" in schemas.from ? schemas.from.names : [];
  return names.map((name) => values.ledgerSchema.replaceAll("{schema}", () => name));
}

/** A second ledger in the same database is fine if it belongs to another target. */
function withNeighbours({ config, place }: ReadTarget, all: readonly ReadTarget[]): Config {
  const shares = all.some(
    (other) => other.config.target?.name !== config.target?.name && isSame(other.place, place),
  );
  return shares ? { ...config, values: { ...config.values, allowSecondLedger: true } } : config;
}

function isSame(one: AddressPlace | null, other: AddressPlace | null): boolean {
  if (one === null || other === null || one.database !== other.database) return false;
  return one.hosts.some((host) => other.hosts.includes(host));
}
