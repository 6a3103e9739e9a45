/** Finds the value of one option: in flags, a target, the environment or the file. */
import { isAbsolute, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Variable } from "./define.ts";
import { foundFolder, inEnvironment } from "./folder.ts";
import { NO_LINT } from "./lint.ts";
import { flagName, type Option, variablesOf } from "./options.ts";
import { isServiceLink } from "./service-links.ts";
import { type Provenance, readValue } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Sources {
  readonly flags: Readonly<Record<string, unknown>>;
  /** The function that a program called with the flags. Without it they were typed. */
  readonly program?: string | undefined;
  readonly environment: Environment;
  /** Variables that are only in `.env`, by name: that file. The configuration file comes before them. */
  readonly origins?: ReadonlyMap<string, string> | undefined;
  readonly file: Readonly<Record<string, unknown>>;
  readonly path: string | null;
  /** The options that one target sets. They take precedence over the environment, which is the same for all targets. */
  readonly own?: { readonly name: string; readonly values: Readonly<Record<string, unknown>> };
  /** Paths in the file are relative to `root`, all other paths to `workingFolder`. */
  readonly root: string;
  readonly workingFolder: string;
}

/** Throws `ConfigError`. */
export function readOption(option: Option, sources: Sources): { value: unknown; provenance: Provenance } {
  const { given, provenance, inFile } = find(option, sources);
  const value = given === undefined ? emptyOf(option) : readValue(option, given, provenance);
  if (option.kind === "record")
    return { value: { ...below(option, sources), ...(value as object) }, provenance };
  if (option.kind !== "path" || typeof value !== "string") return { value, provenance };
  const path = option.key === "dir" ? inEnvironment(value, sources.environment) : value;
  const resolved = isAbsolute(path) ? path : resolve(inFile ? sources.root : sources.workingFolder, path);
  const isUsual = option.key === "dir" && provenance.kind === "default";
  return { value: isUsual ? foundFolder(resolved, sources.root) : resolved, provenance };
}

/** What a source says of one name leaves the other names to the sources below it. */
function below(option: Option, sources: Sources): object {
  const { own, ...rest } = sources;
  const names = variablesOf(option).filter((name) => rest.environment[name] !== undefined);
  if (rest.flags[option.key] !== undefined) return valueIn({ ...sources, flags: {} });
  if (own?.values[option.key] !== undefined) return valueIn(rest);
  if (names.length === 0) return {};
  return valueIn({ ...rest, environment: without(rest.environment, names) });

  function valueIn(others: Sources): object {
    return readOption(option, others).value as object;
  }
}

function without(environment: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

function emptyOf(option: Option): unknown {
  if (option.kind === "record") return {};
  if (option.kind === "lint") return NO_LINT;
  return option.kind === "list" || option.kind === "checks" ? [] : null;
}

interface GivenValue {
  readonly given: unknown;
  readonly provenance: Provenance;
  readonly inFile: boolean;
}

function find(option: Option, sources: Sources): GivenValue {
  const { flags, program, environment, origins, file, path, own } = sources;
  const { key } = option;
  if (flags[key] !== undefined)
    return {
      given: flags[key],
      provenance:
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
    // An empty line of an .env file is not a value. Some options refuse it, because the default would do more.
    if (value === undefined || isServiceLink(name, value)) continue;
    const from = origins?.get(name);
    if (from !== undefined && file[key] !== undefined) continue;
    if (value.trim() !== "" || option.emptyVariable === "refused")
      return {
        given: option.fromVariable?.[name]?.(value) ?? value,
        provenance: from === undefined ? { kind: "variable", name } : { kind: "variable", name, file: from },
        inFile: false,
      };
  }
  if (file[key] !== undefined)
    return { ...lookUp(file[key], { environment, key, file: path ?? "the configuration" }), inFile: true };
  return {
    given: option.default === "" ? undefined : option.default,
    provenance: { kind: "default" },
    inFile: true,
  };
}

export function isVariable(value: unknown): value is Variable {
  return typeof value === "object" && value !== null && typeof (value as Variable).variable === "string";
}

/** The value in the file, or in the variable that the file names. Throws `ConfigError` `CONFIG_VARIABLE_MISSING`. */
export function lookUp(
  written: unknown,
  { environment, key, file }: { environment: Environment; key: string; file: string },
): { given: unknown; provenance: Provenance } {
  if (!isVariable(written)) return { given: written, provenance: { kind: "file", name: file } };
  const name = written.variable;
  const found = environment[name];
  const given = found === undefined || found.trim() === "" ? written.default : found;
  if (given !== undefined) return { given, provenance: { kind: "variable", name } };
  throw new ConfigError({
    code: "CONFIG_VARIABLE_MISSING",
    message: `${name} is ${found === undefined ? "not set" : "empty"} (${key}).`,
    hint: `Set ${name}.`,
    details: { variable: name },
  });
}
