/** The SQL of a schema: one file, or all files of a folder. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import type { SchemaFile } from "../diff/load.ts";
import { ConfigError } from "../errors.ts";

/** Throws `ConfigError` if there is none. */
export function sqlFiles({ root }: Config, word: string): readonly SchemaFile[] {
  const path = resolve(root, word);
  if (!existsSync(path))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `There is no file or folder ${word}.`,
      hint: "Name a file or a folder of SQL, a schema of Drizzle or Prisma, `module:metadata` of SQLAlchemy, a URL, `migrations` or `database`.",
      details: { from: "flag" },
    });
  const paths = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".sql"))
        .sort()
        .map((name) => join(path, name))
    : [path];
  return paths.map((file) => ({ name: relative(process.cwd(), file), text: readFileSync(file, "utf8") }));
}
