/** Checks the keys of an object that a program passes. An unknown key is a mistake and is never ignored. */
import { ConfigError } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { OPTIONS } from "./options.ts";

/** Names that other tools use for an option, in lower case. */
const SYNONYMS: Readonly<Record<string, string>> = {
  url: "databaseUrl",
  connection: "databaseUrl",
  connectionstring: "databaseUrl",
  migrations: "dir",
  migrationsdir: "dir",
  migrationsfolder: "dir",
  migrationfolder: "dir",
  folder: "dir",
  directory: "dir",
  keep: "mirror",
  schema: "ledgerSchema",
  cwd: "root",
  env: "environment",
  logger: "say",
};

/** Keys of the configuration file, except `imports`, `targets` and `webhooks`, which have their own tables. */
export const FILE_KEYS: readonly string[] = OPTIONS.filter(({ inFile }) => inFile !== false).map(
  ({ key }) => key,
);

/** Throws `ConfigError` `CONFIG_INVALID` that names the unknown key and the one that was probably intended. */
export function refuseUnknownKeys(given: unknown, known: readonly string[], name: string): void {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${name} takes an object.`,
      hint: `Its keys: ${known.join(", ")}.`,
    });
  const key = Object.keys(given).find((each) => !known.includes(each));
  if (key === undefined) return;
  const synonym = SYNONYMS[key.toLowerCase()];
  const meant = synonym !== undefined && known.includes(synonym) ? synonym : nearest(key, known);
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${name} has an unknown option "${key}".`,
    hint: meant === undefined ? `Options: ${known.join(", ")}.` : `Did you mean ${meant}?`,
  });
}
