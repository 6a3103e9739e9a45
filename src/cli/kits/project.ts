/** What the files for a deployment have to know about a project. Read from its configuration, without any variable. */
import { readFileSync } from "node:fs";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Config } from "../../config/config.ts";
import { isVariable } from "../../config/read.ts";
import { ConfigError } from "../../errors.ts";
import { VERSION } from "../../std/version.ts";

/** A part of a database's address that comes from the environment. */
export interface AddressVariable {
  readonly part: "url" | "host" | "port" | "user" | "password" | "name";
  readonly variable: string;
}

export interface Database {
  /** A name for a service or a host: `db`, or that of the target. */
  readonly name: string;
  readonly variables: readonly AddressVariable[];
}

export interface HookVariable {
  readonly variable: string;
  readonly part: "url" | "secret";
}

export interface Project {
  /** A name for images and services: lower case letters, digits and dashes. */
  readonly name: string;
  /** The folders of migrations, from the root of the project, with slashes. */
  readonly folders: readonly string[];
  /** The configuration file, from the root of the project. `null`: there is none. */
  readonly file: string | null;
  /** Whether `godwit build` can freeze the migrations: one folder, the same in every environment. */
  readonly frozen: boolean;
  /** What the files must say because neither the configuration file nor a default does: variables and their values. */
  readonly said: readonly (readonly [variable: string, value: string])[];
  readonly databases: readonly Database[];
  /** The variables of webhooks. */
  readonly hooks: readonly HookVariable[];
  /** Whether files are imported: that needs optional packages, and more memory. */
  readonly imports: boolean;
  /** The version of Godwit that the files install. */
  readonly version: string;
}

const PARTS = ["url", "host", "port", "user", "password", "name"] as const;
const PLACEHOLDER = "{NODE_ENV}";
/** Where no configuration says otherwise. */
const USUAL = "DATABASE_URL";

/**
 * `typed`: the folder as it was typed, if it was. Throws `ConfigError` where a folder is outside of the project, because
 * no image could be made from it.
 */
export function projectOf(config: Config, typed: unknown): Project {
  const { root, given, targets, file } = config;
  const written = typed ?? variableOf(config, "dir") ?? given.dir;
  const dirs =
    targets === null
      ? [isEach(written) ? resolve(root, written) : config.folder]
      : Object.values(targets).map(({ dir }) => textOf(dir) ?? textOf(given.dir) ?? config.folder);
  const folders = [...new Set(dirs.map((dir) => within(root, dir)))];
  return {
    name: nameOf(config),
    folders,
    file: file === null ? null : within(root, file),
    frozen: targets === null && !isEach(written),
    said: targets === null ? saidOf(config, written, folders[0] ?? "") : [],
    databases:
      targets === null
        ? [{ name: "db", variables: [{ part: "url", variable: urlVariable(config) }] }]
        : Object.entries(targets).map(([name, target]) => ({
            name: label(name),
            variables: PARTS.flatMap((part) => {
              const value = target[part];
              return isVariable(value) ? [{ part, variable: value.variable }] : [];
            }),
          })),
    hooks: hooksOf(given.webhooks),
    imports:
      config.imports.length > 0 || Object.values(targets ?? {}).some((each) => each.imports !== undefined),
    version: VERSION,
  };
}

/** Every variable that a run needs, once: of addresses, and of webhooks. */
export function variablesIn({ databases, hooks }: Project): readonly string[] {
  const addresses = databases.flatMap(({ variables }) => variables.map(({ variable }) => variable));
  return [...new Set([...addresses, ...hooks.map(({ variable }) => variable)])];
}

function hooksOf(webhooks: unknown): readonly HookVariable[] {
  if (!Array.isArray(webhooks)) return [];
  return webhooks.flatMap((webhook: { readonly url?: unknown; readonly secrets?: unknown } | null) => {
    const secrets: readonly unknown[] = Array.isArray(webhook?.secrets) ? webhook.secrets : [];
    const named = (value: unknown, part: HookVariable["part"]) =>
      isVariable(value) ? [{ variable: value.variable, part }] : [];
    return [...named(webhook?.url, "url"), ...secrets.flatMap((secret) => named(secret, "secret"))];
  });
}

/** The value of the variable that decides an option. */
function variableOf({ provenances, environment }: Config, key: "dir" | "layout"): string | undefined {
  const found = provenances[key];
  return found.kind === "variable" ? environment[found.name] : undefined;
}

/** Typed words and variables of this shell are not there when the image is built. */
function saidOf({ provenances, values }: Config, written: unknown, folder: string): Project["said"] {
  const isSaid = (key: "dir" | "layout") => ["flag", "variable"].includes(provenances[key].kind);
  return [
    ...(isSaid("dir")
      ? [["GODWIT_DIR", isEach(written) ? `${folder}/${PLACEHOLDER}` : folder] as const]
      : []),
    ...(isSaid("layout") && values.layout !== null ? [["GODWIT_LAYOUT", values.layout] as const] : []),
  ];
}

/** The folder of each environment is another one: what is in front of the placeholder holds them all. */
function isEach(dir: unknown): dir is string {
  return typeof dir === "string" && dir.includes(PLACEHOLDER);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function within(root: string, path: string): string {
  const [whole = ""] = path.split(PLACEHOLDER);
  const found = relative(root, resolve(root, whole)).split(sep).join("/");
  if (/[^\w./@+-]/.test(found))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${path} has characters in its name that a Dockerfile and a shell take for their own.`,
      hint: "Use letters, digits, dots and dashes in the names of its folders.",
      details: { option: "dir" },
    });
  if (found !== "" && !found.startsWith("..") && !isAbsolute(found)) return found;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${path} is not below ${root}, and an image is made from what is there.`,
    hint: "Run `godwit init` in the folder that holds the migrations and the configuration file.",
    details: { option: "dir" },
  });
}

function urlVariable({ given, provenances }: Config): string {
  if (isVariable(given.databaseUrl)) return given.databaseUrl.variable;
  const { databaseUrl } = provenances;
  const isOwn = databaseUrl.kind === "variable" && databaseUrl.name.startsWith("GODWIT_");
  return databaseUrl.kind === "variable" && !isOwn ? databaseUrl.name : USUAL;
}

function nameOf({ root, values }: Config): string {
  return label(values.project ?? packageName(root) ?? basename(root));
}

function packageName(root: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name?: unknown };
    return textOf(name);
  } catch {
    return undefined;
  }
}

/** What Kubernetes, Compose and registries all take as a name. */
function label(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return plain === "" ? "app" : plain;
}
