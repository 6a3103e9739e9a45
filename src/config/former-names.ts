/** Former names of options. They still work, and a note tells the user the present name. */
import { ConfigError } from "../errors.ts";
import { flagName, OPTIONS, type OptionKey } from "./options.ts";

interface Former {
  readonly key: OptionKey;
  readonly was: string;
}

const FORMER: readonly Former[] = [{ key: "mirror", was: "keep" }];

type Tell = (line: string) => void;
type Values = Readonly<Record<string, unknown>>;

/**
 * Renames the options of a file and of its targets to their present names. Throws `ConfigError` if both names are
 * given.
 */
export function fileUnderPresentNames(given: unknown, tell: Tell): unknown {
  if (!isRecord(given)) return given;
  const values = underPresentNames(given, tell);
  if (!isRecord(values.targets)) return values;
  const targets = Object.entries(values.targets).map(([name, own]) => [
    name,
    isRecord(own) ? underPresentNames(own, tell) : own,
  ]);
  return { ...values, targets: Object.fromEntries(targets) };
}

/** Renames typed flags. `own`: flags that belong to the command itself, whatever their names are. */
export function flagsUnderPresentNames<T extends Values>(
  flags: T,
  own: readonly (string | undefined)[],
  tell: Tell,
): T {
  let values: Values = flags;
  for (const { key, was } of FORMER) {
    const { [was]: value, ...others } = values;
    if (value === undefined || own.includes(`--${was}`)) continue;
    if (others[key] !== undefined) throw both(`--${was}`, `--${flagOf(key)}`);
    tell(`--${was} is called --${flagOf(key)} now: write --${flagOf(key)} instead.`);
    values = { ...others, [key]: value };
  }
  return values as T;
}

type Variables = Readonly<Record<string, string | undefined>>;

export function environmentUnderPresentNames(environment: Variables, tell: Tell): Variables {
  let variables = environment;
  for (const { key, was } of FORMER) {
    const [before, now] = [`GODWIT_${was.toUpperCase()}`, `GODWIT_${key.toUpperCase()}`];
    const value = environment[before];
    if (value === undefined || value.trim() === "" || environment[now] !== undefined) continue;
    tell(`${before} is called ${now} now: set ${now} instead.`);
    variables = { ...variables, [now]: value };
  }
  return variables;
}

/** Variables under their former names. */
export function formerVariables(): readonly string[] {
  return FORMER.map(({ was }) => `GODWIT_${was.toUpperCase()}`);
}

/** The former flags, for commander, with the option that each stands for. */
export function formerFlags(): readonly { readonly key: OptionKey; readonly flag: string }[] {
  return FORMER.map(({ key, was }) => {
    const flag = OPTIONS.find((option) => option.key === key)?.flag ?? "";
    return { key, flag: flag.replace(/^--[\w-]+/, `--${was}`) };
  });
}

function flagOf(key: OptionKey): string {
  return flagName(OPTIONS.find((option) => option.key === key) ?? { flag: null }) ?? key;
}

function both(was: string, now: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${was} and ${now} are given, and are the same.`,
    hint: `Leave ${was} out: it is the former name.`,
  });
}

function isRecord(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function underPresentNames(given: Values, tell: Tell): Values {
  let values = given;
  for (const { key, was } of FORMER) {
    if (values[was] === undefined) continue;
    const { [was]: value, ...others } = values;
    if (others[key] !== undefined) throw both(was, key);
    tell(`${was} is called ${key} now: write ${key} instead.`);
    values = { ...others, [key]: value };
  }
  return values;
}
