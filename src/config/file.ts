/** Reads `godwit.config.*` and checks its shape. This module is loaded only if there is such a file. */
import { readFileSync, statSync } from "node:fs";
import { basename, extname } from "node:path";
import { ConfigError } from "../errors.ts";
import { NO_COMPILER, NO_COMPILER_HINT } from "../source/module/hooks.ts";
import { parseJson } from "../std/json.ts";
import { nearest } from "../std/nearest.ts";
import { OPTIONS, type Option } from "./options.ts";

export type FileContent = Readonly<Record<string, unknown>>;

export interface ReadOptions {
  readonly cacheFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Stops waiting for a file that does not finish. The reason of the signal is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Receives what the file prints. */
  readonly print?: ((line: string) => void) | undefined;
}

export interface ReadFile {
  readonly content: unknown;
  /** Variables that the file has set for later code, as `dotenv` does. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws `ConfigError` `CONFIG_FILE_BROKEN`. */
export async function readFile(path: string, options: ReadOptions): Promise<ReadFile> {
  try {
    if (extname(path) === ".json") return { content: readJson(path), environment: {} };
    return await runFile(path, options);
  } catch (error) {
    if (options.signal?.aborted || error instanceof ConfigError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      {
        code: "CONFIG_FILE_BROKEN",
        message: `${basename(path)} cannot be loaded: ${reason}`,
        hint: reason.startsWith(NO_COMPILER)
          ? `${NO_COMPILER_HINT} This file may be godwit.config.mjs.`
          : undefined,
        place: { file: path },
      },
      // The stack of a syntax error quotes its line, and that line may hold a password.
      error instanceof SyntaxError ? {} : { cause: error },
    );
  }
}

/** The file runs in a child process, because code may hang, exit or print. */
async function runFile(path: string, options: ReadOptions): Promise<ReadFile> {
  const { Host } = await import("../host/host.ts");
  await using host = new Host(options);
  return await host.config(path);
}

function readJson(path: string): unknown {
  // Nobody can end the reading of a pipe that nobody writes to.
  if (!statSync(path).isFile()) throw new Error("it is not a file.");
  const parsed = parseJson(readFileSync(path, "utf8"));
  if ("value" in parsed) return parsed.value;
  const { line, column, expected } = parsed.fault;
  throw new ConfigError({
    code: "CONFIG_FILE_BROKEN",
    message: `${basename(path)}:${line}:${column} is not JSON: ${expected} is expected there.`,
    hint: "Correct it there. JSON has no comments and no comma behind the last entry. godwit.config.ts may have both.",
    place: { file: path, line, column },
  });
}

/** Kinds of options that are written as text. `readValue` reads the text, wherever it comes from. */
const TEXTS = new Set(["text", "path", "url", "duration", "choice", "choices", "list"]);

/** Keys whose values are no options. */
const OWN_TABLES: readonly string[] = ["imports", "targets", "webhooks"];

const BELONGS: Readonly<Record<string, string>> = {
  switch: "true or false",
  record: "an object",
  checks: "a list",
  runner: "a list",
  lint: "an object",
};

/** Throws `ConfigError` for values of the wrong type, and for unknown keys, with the key that was probably intended. */
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
    // imports.ts, targets.ts and webhooks.ts check these.
    if (OWN_TABLES.includes(key)) continue;
    const option = known.find((each) => each.key === key);
    if (option === undefined) throw unknownKey(key, name, known, place);
    // `null` is refused here. Where options are read, a variable with precedence would hide it.
    if (value === null)
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `${key} in ${name} is null.`,
        hint: "Give it a value, or leave it out: null does not mean none.",
        place,
        details: { option: key, from: "file" },
      });
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
  const meant = nearest(key, [...known.map((option) => option.key), ...OWN_TABLES]);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${name} has an unknown option "${key}".`,
    hint: meant === undefined ? "docs/reference/config.md lists all options." : `Did you mean ${meant}?`,
    place,
  });
}
