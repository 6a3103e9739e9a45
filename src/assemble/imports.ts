/** Makes the imports that can run from a configuration, and chooses those that a command names. */
import type { Config } from "../config/config.ts";
import type { ImportConfig } from "../config/imports/imports.ts";
import { ConfigError, ImportFailed } from "../errors.ts";
import type { Import } from "../run/import.ts";
import { nearest } from "../std/nearest.ts";
import { shellWord } from "../std/shell-word.ts";
import { projectFlagsOf } from "./project-flags.ts";

/** All configured imports. If the environment does not say how to reach one, `skip` has the reason. */
export async function assembleImports(config: Config): Promise<readonly Import[]> {
  if (config.imports.length === 0) return [];
  const { findOrigin } = await import("../config/imports/origins.ts");
  const { availableParallelism } = await import("node:os");
  const { DEFAULT_COLUMNS } = await import("../images/table.ts");
  const { parsePattern } = await import("../import/pattern.ts");
  return config.imports.map((wanted): Import => {
    // A wrong pattern is refused before a database or a NAS is asked.
    parsePattern(wanted.values.pattern);
    for (const field of Object.keys(wanted.table.columns ?? {}))
      if (!Object.hasOwn(DEFAULT_COLUMNS, field))
        throw unknownField(wanted.name, field, Object.keys(DEFAULT_COLUMNS));
    const found = findOrigin(wanted, config);
    if ("missing" in found) return { name: wanted.name, skip: found.missing };
    const { values, table } = wanted;
    return {
      name: wanted.name,
      settings: {
        name: wanted.name,
        ...found,
        projectFlags: projectFlagsOf(config),
        command: commandOf(wanted),
        otherName: wanted.typed?.otherName,
        newOrigin: config.values.newOrigin,
        allowMissing: config.values.allowMissing,
        followLinks: values.followLinks || config.values.followLinks,
        pattern: values.pattern,
        exclude: values.exclude,
        table: { name: table.name, columns: table.columns ?? DEFAULT_COLUMNS },
        batched: config.values.nasBatched,
        batchBytes: values.batchSize,
        workers: values.workers === 0 ? Math.min(4, availableParallelism()) : values.workers,
        hashSize: values.hashSize,
        maxPixels: values.maxMegapixels * 1e6,
        memoryBytes: values.memory,
        settleMs: values.settle,
        patienceMs: values.patience,
        fileTimeoutMs: values.fileTimeout === 0 ? 2 ** 31 - 1 : values.fileTimeout,
      },
    };
  });
}

/** The words that run this import alone. `null`: a password is among them. */
function commandOf({ name, typed }: ImportConfig): readonly string[] | null {
  if (typed?.words === null) return null;
  return ["godwit", "import", shellWord(name), ...(typed?.words ?? [])];
}

function unknownField(name: string, field: string, fields: readonly string[]): ConfigError {
  const meant = nearest(field, fields);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `imports.${name}.table.columns has an unknown field "${field}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Fields: ${fields.join(", ")}.`,
  });
}

/**
 * The import called `name`, or all imports. Throws `ConfigError` if there are none, and `ImportFailed`
 * `IMPORT_UNKNOWN`.
 */
export function chooseImports(imports: readonly Import[], name: string | undefined): readonly Import[] {
  const names = imports.map((each) => each.name);
  if (imports.length === 0)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "No import is configured.",
      hint: "`godwit import --from <folder>`, where it may be sftp://user@host/path too; or set QNAP_HOST, QNAP_USERNAME and QNAP_PASSWORD; or imports in godwit.config.ts.",
    });
  if (name === undefined || (imports.length === 1 && names[0] === name)) return imports;
  const found = imports.filter((each) => each.name === name);
  if (found.length > 0) return found;
  const meant = nearest(name, names);
  throw new ImportFailed({
    code: "IMPORT_UNKNOWN",
    message: `There is no import "${name}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Configured: ${names.join(", ")}.`,
  });
}
