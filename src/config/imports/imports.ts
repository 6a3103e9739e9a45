/** The imports of a configuration: a table of their options, and the values read from it. */
import { ConfigError } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import type { Secret } from "../../std/secret.ts";
import { type Named, type Provenance, readValue } from "../values.ts";

/** Sizes in bytes, durations in milliseconds. */
export interface ImportValues {
  readonly from: Secret | null;
  readonly pattern: string;
  readonly exclude: readonly string[];
  readonly batchSize: number;
  readonly workers: number;
  readonly memory: number;
  readonly hashSize: number;
  readonly maxMegapixels: number;
  readonly settle: number;
  readonly patience: number;
  readonly fileTimeout: number;
  readonly operationTimeout: number;
  readonly hostKey: readonly string[];
  readonly trustOnFirstUse: boolean;
  readonly channels: number;
  readonly legacyAlgorithms: boolean;
  readonly followLinks: boolean;
}

export interface ImportConfig {
  readonly name: string;
  readonly values: ImportValues;
  readonly table: { readonly name: string; readonly columns: Readonly<Record<string, string>> | null };
  /** Set if the command line gave it. */
  readonly typed?: TypedImport;
}

export interface TypedImport {
  /** The words behind its name that give it again. `null`: a password is among them. */
  readonly words: readonly string[] | null;
  /** A name that another folder with the same last name may have. */
  readonly otherName: string;
  /** Whether the command takes `--host-key` and `--trust-on-first-use`. */
  readonly takesHostKey: boolean;
}

export type ImportOption = Named & {
  readonly key: keyof ImportValues;
  readonly default: string;
  readonly help: string;
};

/** The options of an import, except `table`. An empty `default` means that there is none. */
export const IMPORT_OPTIONS: readonly ImportOption[] = [
  {
    key: "from",
    // It may be a URL that contains a password.
    kind: "url",
    flag: null,
    default: "",
    help: "a folder, or sftp://user@host:port/path; without it the NAS from the environment (QNAP_HOST, …)",
  },
  {
    key: "pattern",
    kind: "text",
    flag: null,
    default: "<shop>/<template>/<file>",
    help: "the meaning of the folders; deeper folders belong to the last one",
  },
  {
    key: "exclude",
    kind: "list",
    flag: null,
    default: "",
    help: "globs to exclude, in addition to thumbnails, recycle bins and hidden files",
  },
  {
    key: "batchSize",
    kind: "size",
    flag: null,
    default: "500MB",
    help: "files are grouped into batches of about this size",
  },
  {
    key: "workers",
    kind: "count",
    least: 0,
    flag: null,
    default: "0",
    help: "processes that fetch and hash; 0: as many as there are cores, at most 4",
  },
  {
    key: "memory",
    kind: "size",
    flag: null,
    default: "512MB",
    help: "about how much memory all processes together may use",
  },
  {
    key: "hashSize",
    kind: "count",
    least: 2,
    flag: null,
    default: "8",
    help: "of phash: 8 gives 64 bits, 16 gives 256",
  },
  {
    key: "maxMegapixels",
    kind: "count",
    least: 1,
    flag: null,
    default: "400",
    help: "larger images go into quarantine",
  },
  {
    key: "settle",
    kind: "duration",
    flag: null,
    default: "5s",
    help: "a file that changed more recently may be incomplete, so it is checked again",
  },
  {
    key: "patience",
    kind: "duration",
    flag: null,
    default: "10min",
    help: "how long the origin may be away before the run gives up",
  },
  {
    key: "fileTimeout",
    kind: "duration",
    flag: null,
    default: "5min",
    help: "how long decoding one file may take",
  },
  {
    key: "operationTimeout",
    kind: "duration",
    flag: null,
    default: "60s",
    help: "how long the origin may take to answer before its connection is given up",
  },
  { key: "hostKey", kind: "list", flag: null, default: "", help: "the host's key, as SHA256:… or in full" },
  {
    key: "trustOnFirstUse",
    kind: "switch",
    flag: null,
    default: "false",
    help: "true: trust an unknown host, and remember its key in the database",
  },
  {
    key: "channels",
    kind: "count",
    least: 1,
    flag: null,
    default: "2",
    help: "SFTP channels of each worker's connection",
  },
  {
    key: "legacyAlgorithms",
    kind: "switch",
    flag: null,
    default: "false",
    help: "true: allow SHA-1, for old firmware",
  },
  {
    key: "followLinks",
    kind: "switch",
    flag: null,
    default: "false",
    help: "true: follow links that lead out of the folder",
  },
];

/** The imports that a file configures. Throws `ConfigError` for keys and values that are not understood. */
export function readImports(given: unknown, place: { readonly file: string }): readonly ImportConfig[] {
  if (given === undefined) return [];
  if (!isRecord(given))
    throw invalid('imports is not an object: write imports: { nas: { from: "…" } }.', place);
  return Object.entries(given).map(([name, value]) => {
    requireName(name, place);
    if (!isRecord(value)) throw invalid(`imports.${name} is not an object.`, place);
    return readImport(name, value, place);
  });
}

/** An import with default options, except where its files come from. */
export function plainImport(name: string, from: string | null): ImportConfig {
  return readImport(name, from === null ? {} : { from }, { file: "the command line" });
}

function readImport(
  name: string,
  given: Readonly<Record<string, unknown>>,
  place: { readonly file: string },
): ImportConfig {
  const known: readonly string[] = [...IMPORT_OPTIONS.map((option) => option.key), "table"];
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `imports.${name} has an unknown option "${key}".`,
      hint: meant === undefined ? "docs/reference/config.md lists all options." : `Did you mean ${meant}?`,
      place,
    });
  }
  const values: Record<string, unknown> = {};
  for (const option of IMPORT_OPTIONS) {
    const own = given[option.key];
    const provenance: Provenance =
      own === undefined ? { kind: "default" } : { kind: "file", name: place.file };
    const value = own !== undefined ? own : option.default === "" ? undefined : option.default;
    const named = { ...option, key: `imports.${name}.${option.key}` };
    values[option.key] =
      value === undefined ? (option.kind === "list" ? [] : null) : readValue(named, value, provenance);
  }
  const read = values as unknown as ImportValues;
  if (read.hashSize > 32) throw invalid(`imports.${name}.hashSize is more than 32: ${read.hashSize}.`, place);
  return { name, values: read, table: readTable(name, given.table, place) };
}

function readTable(name: string, given: unknown, place: { readonly file: string }): ImportConfig["table"] {
  if (given === undefined) return { name: "design_images", columns: null };
  if (typeof given === "string") return { name: given, columns: null };
  if (isRecord(given) && (given.name === undefined || typeof given.name === "string")) {
    const columns = given.columns;
    const isMapping = isRecord(columns) && Object.values(columns).every((each) => typeof each === "string");
    if (columns === undefined || isMapping)
      return {
        name: given.name ?? "design_images",
        columns: (columns as Record<string, string> | undefined) ?? null,
      };
  }
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `imports.${name}.table is neither a name nor { name, columns }.`,
    hint: 'For example: table: { name: "pictures", columns: { file_path: "path", phash: "hash" } }',
    place,
  });
}

/** The name is typed by users and becomes part of keys and messages. */
function requireName(name: string, place: { readonly file: string }): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,62}$/u.test(name))
    throw invalid(`"${name}" is no name for an import: letters, digits, dots, dashes.`, place);
}

function invalid(message: string, place: { readonly file: string }): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, place });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
