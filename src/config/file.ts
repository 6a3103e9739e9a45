/** Reads `godwit.config.*` and checks its shape. Loaded only where there is such a file. */
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "../errors.ts";
import { registerTypeScript } from "../source/typescript.ts";
import { nearest } from "../std/nearest.ts";
import { OPTIONS, type Option } from "./options.ts";

export type FileContent = Readonly<Record<string, unknown>>;

/** Throws `ConfigError` `CONFIG_FILE_BROKEN`. */
export async function readFile(path: string, cacheFolder: string): Promise<unknown> {
  try {
    if (extname(path) === ".json") return JSON.parse(readFileSync(path, "utf8"));
    await registerTypeScript(cacheFolder);
    const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
    const exported = loaded.default as { default?: unknown } | undefined;
    // TypeScript compiled to CommonJS wraps it once more.
    return exported?.default ?? exported;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      {
        code: "CONFIG_FILE_BROKEN",
        message: `${basename(path)} cannot be loaded: ${reason}`,
        place: { file: path },
      },
      { cause: error },
    );
  }
}

/** Kinds that are written as text; the values themselves are read like those from anywhere else. */
const TEXTS = new Set(["text", "path", "url", "duration", "choice", "choices", "list"]);

const BELONGS: Readonly<Record<string, string>> = { switch: "true or false", record: "an object" };

/** Throws `ConfigError`: unknown keys, with what was probably meant, and values of the wrong type. */
export function checkFile(content: unknown, path: string): FileContent {
  const name = basename(path);
  const place = { file: path };
  if (typeof content !== "object" || content === null || Array.isArray(content))
    throw new ConfigError({
      code: "CONFIG_FILE_BROKEN",
      message: `${name} exports no configuration.`,
      hint: 'Write: import { defineConfig } from "godwit"; export default defineConfig({ dir: "migrations" });',
      place,
    });
  const known = OPTIONS.filter((option) => option.inFile !== false);
  for (const [key, value] of Object.entries(content)) {
    // They have tables of their own, in imports.ts and targets.ts.
    if (key === "imports" || key === "targets") continue;
    const option = known.find((each) => each.key === key);
    if (option === undefined) throw unknownKey(key, name, known, place);
    if (typeof value === "string" && !TEXTS.has(option.kind))
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `${key} in ${name} is text where ${BELONGS[option.kind] ?? "a number"} belongs.`,
        place,
        details: { option: key, from: "file" },
      });
  }
  return content as FileContent;
}

function unknownKey(
  key: string,
  name: string,
  known: readonly Option[],
  place: { file: string },
): ConfigError {
  const meant = nearest(key, [...known.map((option) => option.key), "imports", "targets"]);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${name} has an unknown option "${key}".`,
    hint: meant === undefined ? "docs/reference/config.md lists all options." : `Did you mean ${meant}?`,
    place,
  });
}
