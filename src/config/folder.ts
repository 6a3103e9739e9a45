/** The folder of the migrations, where its name alone does not say it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../errors.ts";

const PLACEHOLDER = "{NODE_ENV}";
const SUPABASE = join("supabase", "migrations");

/** A folder for each environment: `migrations/{NODE_ENV}`. Throws `ConfigError` where that names no folder. */
export function inEnvironment(
  dir: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (!dir.includes(PLACEHOLDER)) return dir;
  const name = environment.NODE_ENV?.trim() ?? "";
  if (name === "")
    throw new ConfigError({
      code: "CONFIG_VARIABLE_MISSING",
      message: `NODE_ENV is not set, and the folder of the migrations depends on it: ${dir}.`,
      hint: "Set NODE_ENV.",
      details: { variable: "NODE_ENV" },
    });
  if (!/^[\w-][\w.-]*$/.test(name))
    throw new ConfigError({
      code: "CONFIG_VARIABLE_INVALID",
      message: `NODE_ENV is no name of a folder, and the folder of the migrations depends on it: ${dir}.`,
      hint: "Use letters, digits, dots and dashes.",
      details: { variable: "NODE_ENV" },
    });
  return dir.replaceAll(PLACEHOLDER, name);
}

/** Where nobody named a folder and the usual one is not there, a Supabase project's is used. */
export function foundFolder(usual: string, root: string): string {
  const supabase = join(root, SUPABASE);
  return !existsSync(usual) && existsSync(supabase) ? supabase : usual;
}
