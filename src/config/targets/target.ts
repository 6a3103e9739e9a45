/** Reads one target: all of its values and variables, and everything that is wrong with them. */
import { existsSync } from "node:fs";
import { GodwitError, type Problem, problemsOf } from "../../errors.ts";
import { secretUrl } from "../../std/secret.ts";
import { type AddressPlace, readAddress } from "../address.ts";
import { type Config, phasesOf, type SchemaTargets, schemaTarget } from "../config.ts";
import { readImports } from "../imports/imports.ts";
import type { OptionKey, Values } from "../options.ts";
import { readOption } from "../read.ts";
import { environmentFor } from "../secrecy.ts";
import type { Provenance } from "../values.ts";
import { nameProblems } from "./names.ts";
import { isSchemas, TARGET_OPTIONS } from "./targets-given.ts";

export interface TargetOptions {
  /** Typed values, by the key of the option. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly workingFolder: string;
  /** Whether the folder of migrations must exist. */
  readonly folders: boolean;
}

export interface ReadTarget {
  readonly config: Config;
  readonly place: AddressPlace | null;
  /** The variables that its address was read from. */
  readonly variables: readonly string[];
  readonly problems: readonly Problem[];
}

export function readTarget(
  config: Config,
  { name, only, options }: { name: string; only: string | null; options: TargetOptions },
): ReadTarget {
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
  const provenances: Partial<Record<OptionKey, Provenance>> = { ...config.provenances };
  const sources = {
    flags: options.flags,
    environment: config.environment,
    origins: config.origins,
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
    provenances[option.key] = found.provenance;
  }
  values.databaseUrl = address?.url == null ? null : secretUrl(address.url);
  provenances.databaseUrl = address?.provenance ?? { kind: "default" };
  // The name of the project is in the ledger. So two swapped URLs are noticed.
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
      message: `The folder of target ${name} does not exist: ${read.dir}.`,
      hint: own.dir === undefined ? `Say where it is: targets.${name}.dir.` : `Check targets.${name}.dir.`,
    });
  if (own.schemas !== undefined && !read.ledgerSchema.includes("{schema}"))
    problems.push({
      code: "TARGET_CLASH",
      message: `All schemas of target ${name} would share the ledger in schema "${read.ledgerSchema}".`,
      hint: 'Leave ledgerSchema out, and each has its own; or name it by the schema: "{schema}_ledger".',
    });
  const result: Config = {
    ...config,
    values: read,
    provenances: provenances as Record<OptionKey, Provenance>,
    folder: read.dir,
    phases: phasesOf(read),
    imports: imports ?? [],
    environment: environmentFor(name, config),
    target: {
      name,
      schemas: schemasOf(own, only, provenances.parallel?.kind === "file" ? read.parallel : null),
      schema: null,
    },
  };
  if (problems.length === 0) problems.push(...namesOf(result).flatMap((each) => nameProblems(each)));
  return {
    config: result,
    place: address?.place ?? null,
    variables: address?.variables ?? [],
    problems,
  };
}

/** The configurations whose names are known without asking a database. */
function namesOf(config: Config): readonly Config[] {
  const schemas = config.target?.schemas;
  if (schemas == null) return [config];
  const listed = "names" in schemas.from ? schemas.from.names : [];
  const names = schemas.only === null ? listed : [schemas.only];
  return names.map((name) => schemaTarget(config, name));
}

/** The imports of a target. The NAS in the environment does not count, because it does not belong to every target. */
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
