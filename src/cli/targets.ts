/** Finds the words of the command line that are names of targets. */
import type { Config } from "../config/config.ts";
import { chooseTargets, unknownTarget } from "../config/targets/targets.ts";
import { ConfigError } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import type { CommandRow } from "./command.ts";

export interface Chosen {
  /** One configuration for each chosen target. Empty if no targets are configured. */
  readonly configs: readonly Config[];
  /** The words that are left for the command itself. */
  readonly words: readonly string[];
}

export interface Typed {
  readonly row: CommandRow;
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  readonly workingFolder: string;
}

/** Chooses targets by the typed words. Throws `ConfigError`. No database is contacted. */
export function chooseByWords(config: Config, { row, words, flags, workingFolder }: Typed): Chosen {
  const known = Object.keys(config.targets ?? {});
  const asked = config.values.target;
  const least = (row.arguments ?? []).filter(({ syntax }) => syntax.startsWith("<")).length;
  // Words of such a command may be anything, and commander has counted them already.
  const most = row.targets === "flag" ? Number.POSITIVE_INFINITY : (row.arguments ?? []).length;
  if (config.targets === null) {
    const [name] = asked;
    if (name !== undefined) throw unknownTarget(name, known);
    requireWords(words, { row, least, most });
    return { configs: [], words };
  }
  // `--target` leaves every word to the command, so that a revision may have the name of a target.
  const typed = config.provenances.target.kind === "flag";
  const isName = (word: string) =>
    known.some((name) => word === name || (hasSchemas(config, name) && word.startsWith(`${name}/`)));
  const named = typed || row.targets === "flag" ? [] : words.filter(isName);
  const rest = words.filter((word) => !named.includes(word));
  const names = named.length > 0 ? named : asked;
  const single = names.length === 1 || (names.length === 0 && known.length === 1);
  if (!typed && row.targets !== "flag") refuseMistyped(rest, { row, known, single, most });
  requireWords(rest, { row, least, most });
  if (row.targets !== "each" && !single)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `godwit ${row.name} is about one target, but ${names.length === 0 ? `${known.length} are configured` : `${names.length} are named`}: ${(names.length === 0 ? known : names).join(", ")}.`,
      hint: `Name one: godwit ${row.name} ${row.targets === "flag" ? `… --target ${known[0]}` : `${known[0]} …`}`,
      details: { from: "flag", targets: known },
    });
  if (rest.length > 0 && row.targets === "each" && !single)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `A revision belongs to one target, but this command is about ${names.length === 0 ? `all ${known.length}` : names.length}.`,
      hint: `Name the target of ${rest[0]}: godwit ${row.name} ${known[0]} ${rest[0]}`,
      details: { from: "flag", targets: known },
    });
  if (flags.sql === true && !(single && isOneDatabase(config, names[0] ?? known[0] ?? "")))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "A script is for one database, but this command is about several.",
      hint: `Name one: godwit ${row.name} ${known[0]} --sql`,
      details: { from: "flag", targets: known },
    });
  const folders = row.targets === "each";
  return { configs: chooseTargets(config, { names, flags, workingFolder, folders }), words: rest };
}

function hasSchemas({ targets }: Config, name: string): boolean {
  return targets?.[name]?.schemas !== undefined;
}

function isOneDatabase(config: Config, name: string): boolean {
  return name.includes("/") || !hasSchemas(config, name);
}

interface Expected {
  readonly row: CommandRow;
  readonly least: number;
  readonly most: number;
}

/** The error that commander would give if it knew which words are targets. */
function requireWords(words: readonly string[], { row, least, most }: Expected): void {
  if (words.length >= least && words.length <= most) return;
  const wanted = (row.arguments ?? []).map(({ syntax }) => syntax).join(" ");
  const [example] = words.length < least ? (row.examples?.[0] ?? []) : [];
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      words.length < least
        ? `godwit ${row.name} needs ${wanted}.`
        : `godwit ${row.name} does not know what to do with "${words.slice(most).join(" ")}".`,
    hint: `${example === undefined ? "" : `For example: ${example}. `}\`godwit ${row.name} --help\` says more.`,
    details: { from: "flag" },
  });
}

interface TargetWords {
  readonly row: CommandRow;
  readonly known: readonly string[];
  readonly single: boolean;
  readonly most: number;
}

/** Refuses a word that is not a target and can be nothing else, or that looks very much like the name of a target. */
function refuseMistyped(rest: readonly string[], { row, known, single, most }: TargetWords): void {
  const isRevision = (word: string) => /^[+-]?\d|^(heads?|base)\b/.test(word);
  const wrong =
    rest.find((word) => nearest(word, known) !== undefined) ??
    rest[most] ??
    (single ? undefined : rest.find((word) => !isRevision(word)));
  if (wrong === undefined) return;
  const more =
    most === 0 ? undefined : `If it is a revision: godwit ${row.name} ${wrong} --target ${known[0]}`;
  throw unknownTarget(wrong, known, more);
}
