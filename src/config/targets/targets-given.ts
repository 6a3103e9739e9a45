/** Checks `targets` of the file before any value is read: the names, and whether every key is known. */
import { ConfigError, type Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import { ADDRESS_KEYS } from "../address.ts";
import type { GivenTargets } from "../config.ts";
import { OPTIONS, type Option, type OptionKey } from "../options.ts";
import { isVariable } from "../read.ts";

/** Options that hold for a whole run or for one invocation. */
const COMMON: ReadonlySet<OptionKey> = new Set([
  "databaseUrl",
  "target",
  "onTargetFailure",
  "timeout",
  "cacheFolder",
  "healthPort",
  "healthHost",
  "healthName",
  "statusFile",
  "service",
  "checkInterval",
  "blockedAfter",
  "logFormat",
  "migrationEnabled",
  "skipMigrations",
]);

/** Options that a target may set. */
export const TARGET_OPTIONS: readonly Option[] = OPTIONS.filter(
  ({ key, inFile, forRun }) =>
    inFile !== false && forRun !== true && !COMMON.has(key) && !key.startsWith("nas"),
);

const OTHER_KEYS = [...ADDRESS_KEYS, "schemas", "canary", "createSchemas", "imports"];

/** Checks the shape. Throws `ConfigError` with everything that is wrong. */
export function readTargets(
  file: Readonly<Record<string, unknown>>,
  place: { readonly file: string },
): GivenTargets {
  const { targets } = file;
  const problems: Problem[] = [];
  const wrong = (message: string, hint?: string) => {
    problems.push({ code: "CONFIG_INVALID", message, hint, place });
  };
  if (!isRecord(targets) || Object.keys(targets).length === 0)
    wrong(
      'targets is not an object with a name for each target: write targets: { shop: { url: env("SHOP_URL") } }.',
    );
  for (const key of ["databaseUrl", "imports"])
    if (file[key] !== undefined)
      wrong(
        `${key} stands beside targets and belongs to none of them.`,
        `Move it into the target that it belongs to${key === "imports" ? "" : ", where it is called url"}.`,
      );
  for (const [name, given] of Object.entries(isRecord(targets) ? targets : {})) {
    if (!/^\p{L}[\p{L}\p{N}._-]{0,62}$/u.test(name) || ["head", "heads", "base"].includes(name))
      wrong(
        `"${name}" is not a name for a target: use letters, digits, dots and dashes, and begin with a letter.`,
      );
    if (!isRecord(given)) {
      wrong(`targets.${name} is not an object.`);
      continue;
    }
    for (const key of Object.keys(given)) checkKey(key, given[key], { name, wrong });
    const { schemas } = given;
    if (schemas === undefined) {
      for (const key of ["canary", "createSchemas"])
        if (given[key] !== undefined) wrong(`targets.${name}.${key} needs targets.${name}.schemas.`);
    } else if (Array.isArray(schemas) && schemas.length === 0)
      wrong(
        `targets.${name}.schemas is empty.`,
        'Name its schemas: schemas: ["one", "two"]; or leave it out, and the database is one target.',
      );
    else if (!isSchemas(schemas))
      wrong(
        `targets.${name}.schemas is neither a list of names nor { query }.`,
        'For example: schemas: { query: "select schema_name from tenants order by 1" }',
      );
  }
  throwAll(problems);
  return targets as GivenTargets;
}

function checkKey(
  key: string,
  value: unknown,
  { name, wrong }: { name: string; wrong: (message: string, hint?: string) => void },
): void {
  const known: readonly string[] = [...TARGET_OPTIONS.map((option) => option.key), ...OTHER_KEYS];
  if (!known.includes(key)) {
    const meant = key === "databaseUrl" ? "url" : nearest(key, known);
    const common =
      key === "webhooks" || OPTIONS.some((option) => option.key === key && option.inFile !== false);
    wrong(
      `targets.${name} has an unknown option "${key}".`,
      common && key !== "databaseUrl"
        ? `${key} belongs to all targets together: write it beside targets.`
        : meant === undefined
          ? `Options: ${known.join(", ")}.`
          : `Did you mean ${meant}?`,
    );
    return;
  }
  if (key === "createSchemas" && typeof value !== "boolean")
    wrong(`targets.${name}.createSchemas is neither true nor false.`);
  if (key === "canary" && typeof value !== "string")
    wrong(`targets.${name}.canary is not the name of a schema.`);
  const isText =
    typeof value === "string" || isVariable(value) || (key === "port" && Number.isInteger(value));
  if ((ADDRESS_KEYS as readonly string[]).includes(key) && !isText)
    wrong(
      `targets.${name}.${key} is neither text nor a variable.`,
      `Write ${key}: env("NAME_OF_THE_VARIABLE").`,
    );
  const option = TARGET_OPTIONS.find((each) => each.key === key);
  if (isRecord(value) && !isVariable(value) && option !== undefined && option.kind !== "record")
    wrong(`targets.${name}.${key} is an object.`, 'A variable is env("NAME"), or { "variable": "NAME" }.');
}

export function isSchemas(given: unknown): boolean {
  const isName = (value: unknown) => typeof value === "string" && value !== "" && !value.includes("\0");
  if (Array.isArray(given))
    return given.length > 0 && given.every(isName) && new Set(given).size === given.length;
  return (
    isRecord(given) &&
    Object.keys(given).length === 1 &&
    typeof given.query === "string" &&
    given.query !== ""
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function throwAll([first, ...others]: readonly Problem[]): void {
  if (first !== undefined) throw new ConfigError(first as never, { others });
}
