/**
 * Reads `.env` and `.env.local` where the environment names no database, as a developer expects on their own machine.
 * A file of a developer must never decide in production, so it is not read there unless somebody names it.
 */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError } from "../errors.ts";
import { OPTIONS, variablesOf } from "./options.ts";
import type { Environment } from "./read.ts";

export interface EnvFileInput {
  readonly environment: Environment;
  /** The root of the project, where the files are. */
  readonly root: string;
  readonly workingFolder: string;
  /** Typed values, by the key of the option. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** `true`: only a file that somebody names. */
  readonly onlyNamed: boolean;
}

export interface EnvFiles {
  /** The environment, completed by the files. A variable of the process always wins. */
  readonly environment: Environment;
  /** By the name of each variable that is only in a file: that file, for people. */
  readonly origins: ReadonlyMap<string, string>;
  /** What was read, for people. `null`: nothing. */
  readonly note: string | null;
  /** Why a file that is there was not read, and how to read it. `null`: none was passed over. */
  readonly passedOver: string | null;
}

/** Throws `ConfigError` (`CONFIG_INVALID`) for a file that was named and cannot be read. */
export function readEnvFiles(input: EnvFileInput): EnvFiles {
  const { environment, flags, root, workingFolder } = input;
  const [variable = ""] = variablesOf(OPTION);
  const named = flags.dotenv ?? (environment[variable] || undefined);
  const unread: EnvFiles = { environment, origins: new Map(), note: null, passedOver: null };
  if (named === "none") return unread;
  if (named !== undefined) {
    const path = resolve(workingFolder, String(named));
    const by = flags.dotenv === undefined ? variable : "--dotenv";
    return merged(input, [{ path, text: readNamed(path, by) }], "");
  }
  if (flags.databaseUrl !== undefined || ADDRESSES.some((name) => environment[name] !== undefined))
    return unread;
  const names = environment.NODE_ENV === "test" ? [".env"] : [".env.local", ".env"];
  const paths = names.map((name) => join(root, name)).filter(isFile);
  const [first] = paths;
  if (first === undefined) return unread;
  const why = input.onlyNamed ? "beside an app only the app's environment counts" : whyNot(environment);
  if (why !== null) {
    const shown = shownPath(first, workingFolder);
    return {
      ...unread,
      passedOver: `${shown} is not read, because ${why}. Add \`--dotenv ${shown}\` to read it.`,
    };
  }
  const files = paths.map((path) => ({ path, text: readNamed(path, null) }));
  return merged(input, files, ", because the environment names no database");
}

const OPTION = optionOf("dotenv");
/** Variables that say where the database is. One of them is enough to read no file. */
const ADDRESSES: readonly string[] = [
  ...variablesOf(optionOf("databaseUrl")),
  ...variablesOf(optionOf("supabaseUrl")),
  ...["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"],
];

function optionOf(key: string) {
  const found = OPTIONS.find((option) => option.key === key);
  if (found === undefined) throw new Error(`There is no option ${key}.`);
  return found;
}

/** Why no file of a developer counts here. `null`: it does. */
function whyNot(environment: Environment): string | null {
  const { NODE_ENV = "", CI = "" } = environment;
  if (["production", "staging"].includes(NODE_ENV)) return `NODE_ENV is ${NODE_ENV}`;
  if (!["", "0", "false"].includes(CI)) return "CI is set";
  if (environment.KUBERNETES_SERVICE_HOST) return "this is Kubernetes";
  return Object.keys(environment).some((name) => name.startsWith("RAILWAY_")) ? "this is Railway" : null;
}

interface File {
  readonly path: string;
  readonly text: string;
}

/** The first file wins. */
function merged(
  { environment, workingFolder }: EnvFileInput,
  files: readonly File[],
  because: string,
): EnvFiles {
  const added: Record<string, string> = {};
  const origins = new Map<string, string>();
  for (const { path, text } of files) {
    const values = parseEnv(text);
    refuseUnread(text, { values, file: shownPath(path, workingFolder) });
    for (const [name, value] of Object.entries(values)) {
      if (environment[name] !== undefined || origins.has(name) || value === undefined) continue;
      added[name] = value;
      origins.set(name, shownPath(path, workingFolder));
    }
  }
  const from = [...new Set(origins.values())];
  return {
    environment: origins.size === 0 ? environment : { ...environment, ...added },
    origins,
    note: from.length === 0 ? null : `Variables are read from ${from.join(" and ")}${because}.`,
    passedOver: null,
  };
}

/**
 * Refuses an address that other readers of such files would take, and this one would miss. A database that nobody meant would
 * be used in its place.
 */
function refuseUnread(
  text: string,
  { values, file }: { readonly values: NodeJS.Dict<string>; readonly file: string },
): void {
  const refusal = (message: string, hint: string, line?: number) =>
    new ConfigError({
      code: "CONFIG_INVALID",
      message,
      hint,
      ...(line === undefined ? {} : { place: { file, line } }),
    });
  for (const name of ADDRESSES) {
    const line = text
      .split("\n")
      .findIndex((each) => new RegExp(`^\\s*(?:export\\s+)?${name}:\\s`).test(each));
    if (values[name] === undefined && line !== -1)
      throw refusal(`${name} in ${file} has a colon behind it.`, `Write ${name}=… in that line.`, line + 1);
    const [reference] = /:\/\//.test(values[name] ?? "") ? (/\$\{\w+\}/.exec(values[name] ?? "") ?? []) : [];
    if (reference !== undefined)
      throw refusal(
        `${name} in ${file} refers to ${reference}, and no variable is put into another one.`,
        `Write the value itself in place of ${reference}, or set ${name} in the environment.`,
      );
  }
}

/** Windows PowerShell writes UTF-16, with a mark in front. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString("hex");
  const text =
    mark === "fffe"
      ? bytes.toString("utf16le")
      : mark === "feff"
        ? bytes
            .subarray(0, bytes.length & ~1)
            .swap16()
            .toString("utf16le")
        : bytes.toString("utf8");
  return text.replace(/^\uFEFF/, "");
}

function readNamed(path: string, by: string | null): string {
  try {
    return decoded(readFileSync(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new ConfigError(
      {
        code: "CONFIG_INVALID",
        message: `${path} cannot be read (${code})${by === null ? "" : `: ${by} names it`}.`,
        hint:
          by === null ? "Make it readable, or add `--dotenv none`." : "Write the path of a file, or none.",
        details: { from: by === "--dotenv" ? "flag" : "variable" },
      },
      { cause: error },
    );
  }
}

/** `.env` is also a usual name of a folder with Python's packages. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function shownPath(path: string, workingFolder: string): string {
  const short = relative(workingFolder, path);
  return short.startsWith("..") || isAbsolute(short) ? path : short;
}
