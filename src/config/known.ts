/** Keys of an object that a program hands in. One that is not known is a mistake, never something to pass over. */
import { ConfigError } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { OPTIONS } from "./options.ts";

/** What people call an option who know it from another tool, by its lower-case name. */
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

/** Keys of the configuration file that stand for themselves; `imports` and `targets` have tables of their own. */
export const FILE_KEYS: readonly string[] = OPTIONS.filter(({ inFile }) => inFile !== false).map(
  ({ key }) => key,
);

/** Throws `ConfigError` `CONFIG_INVALID` that names the key and the one that was probably meant. */
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
