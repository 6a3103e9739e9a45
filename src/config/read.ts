/** One option's value, from wherever it is said. */
import { isAbsolute, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Variable } from "./define.ts";
import { flagName, type Option, variablesOf } from "./options.ts";
import { type Origin, readValue } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Sources {
  readonly flags: Readonly<Record<string, unknown>>;
  /** The function to which a program handed the flags; without it they were typed. */
  readonly program?: string | undefined;
  readonly environment: Environment;
  readonly file: Readonly<Record<string, unknown>>;
  readonly path: string | null;
  /** What one target says for itself; it comes before the environment, which speaks to all of them. */
  readonly own?: { readonly name: string; readonly values: Readonly<Record<string, unknown>> };
  /** The folder that paths of the file start from, and the one of all others. */
  readonly root: string;
  readonly workingFolder: string;
}

/** Throws `ConfigError`. */
export function readOption(option: Option, sources: Sources): { value: unknown; origin: Origin } {
  const { given, origin, inFile } = find(option, sources);
  const value = given === undefined ? emptyOf(option) : readValue(option, given, origin);
  if (option.kind !== "path" || typeof value !== "string" || isAbsolute(value)) return { value, origin };
  return { value: resolve(inFile ? sources.root : sources.workingFolder, value), origin };
}

function emptyOf(option: Option): unknown {
  if (option.kind === "record") return {};
  return option.kind === "list" ? [] : null;
}

interface Found {
  readonly given: unknown;
  readonly origin: Origin;
  readonly inFile: boolean;
}

function find(option: Option, { flags, program, environment, file, path, own }: Sources): Found {
  const { key } = option;
  if (flags[key] !== undefined)
    return {
      given: flags[key],
      origin:
        program === undefined
          ? { kind: "flag", name: flagName(option) ?? key }
          : { kind: "program", name: program },
      inFile: false,
    };
  if (own?.values[key] !== undefined)
    return {
      ...lookUp(own.values[key], { environment, key: `${own.name}.${key}`, file: own.name }),
      inFile: true,
    };
  for (const name of variablesOf(option)) {
    const value = environment[name];
    // An empty line of an .env file is no value, except where no value means more than somebody meant.
    if (value !== undefined && (value.trim() !== "" || option.emptyVariable === "refused"))
      return { given: value, origin: { kind: "variable", name }, inFile: false };
  }
  if (file[key] !== undefined)
    return { ...lookUp(file[key], { environment, key, file: path ?? "the configuration" }), inFile: true };
  return {
    given: option.default === "" ? undefined : option.default,
    origin: { kind: "default" },
    inFile: true,
  };
}

export function isVariable(value: unknown): value is Variable {
  return typeof value === "object" && value !== null && typeof (value as Variable).variable === "string";
}

/** What is written in the file, or in the variable that it names. Throws `ConfigError` `CONFIG_VARIABLE_MISSING`. */
export function lookUp(
  written: unknown,
  { environment, key, file }: { environment: Environment; key: string; file: string },
): { given: unknown; origin: Origin } {
  if (!isVariable(written)) return { given: written, origin: { kind: "file", name: file } };
  const name = written.variable;
  const found = environment[name];
  const given = found === undefined || found.trim() === "" ? written.default : found;
  if (given !== undefined) return { given, origin: { kind: "variable", name } };
  throw new ConfigError({
    code: "CONFIG_VARIABLE_MISSING",
    message: `${name} is ${found === undefined ? "not set" : "empty"} (${key}).`,
    hint: `Set ${name}.`,
    details: { variable: name },
  });
}
