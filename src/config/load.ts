/**
 * Loads the configuration. Flags take precedence over the environment, the environment over the file, the file over
 * `.env`, and that over defaults. Each value keeps its provenance. Only this module takes the environment from the process.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.ts";
import { type Config, phasesOf } from "./config.ts";
import type { EnvFileInput, EnvFiles } from "./env-file.ts";
import { environmentUnderPresentNames, fileUnderPresentNames } from "./former-names.ts";
import { OPTIONS, type Option, type OptionKey, type Values } from "./options.ts";
import { readOption, type Sources } from "./read.ts";
import { rememberEnvironment, rememberFile } from "./secrets.ts";
import { refuseUnknownVariables } from "./unknown-variables.ts";
import type { Provenance } from "./values.ts";

export interface LoadInput {
  /** Typed values, by the key of the option. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The function that a program called with the flags. Without it they were typed. */
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingFolder?: string;
  /** `false`: no file is searched. An object replaces the file. */
  readonly file?: false | Readonly<Record<string, unknown>>;
  /** Stops waiting for a file that does not finish. The reason of the signal is thrown. */
  readonly signal?: AbortSignal;
  /**
   * Which `.env` may complete the environment: one that is found, or only one that is named. Without it none, because a
   * program has read its own.
   */
  readonly dotenv?: "found" | "named";
  /** Receives what the file prints. */
  readonly print?: (line: string) => void;
  /** `files`: no database is asked, so a variable that the file names for one may be missing. */
  readonly about?: "files" | undefined;
  /** `false`: the command tells no webhook, so the variables of webhooks may be missing. */
  readonly tells?: boolean | undefined;
}

/** Throws `ConfigError` (`CONFIG_INVALID`, `CONFIG_VARIABLE_INVALID`, `CONFIG_FILE_BROKEN`). */
export async function loadConfig(input: LoadInput): Promise<Config> {
  const notes = new Set<string>();
  const note = (line: string) => void notes.add(line);
  const workingFolder = input.workingFolder ?? process.cwd();
  const path = input.file === undefined ? findFile(workingFolder) : null;
  const root = path === null ? workingFolder : dirname(path);
  const outside = input.environment ?? process.env;
  const envFiles = await envFilesOf(input, { environment: outside, root, workingFolder });
  if (envFiles?.note != null) input.print?.(envFiles.note);
  const given = environmentUnderPresentNames(envFiles?.environment ?? outside, note);
  const cacheFolder = cacheBelow(root);
  rememberEnvironment(given);
  rememberFile(input.file, given);
  rememberFile(input.flags, given);
  const { content: file, environment } = await contentOf(input, {
    path,
    cacheFolder,
    environment: given,
    note,
  });
  if (environment !== given) rememberEnvironment(environment);
  rememberFile(file, environment);
  refuseUnknownVariables(environment, file);
  const values: Partial<Record<OptionKey, unknown>> = {};
  const provenances: Partial<Record<OptionKey, Provenance>> = {};
  const { flags, program } = input;
  const origins = envFiles?.origins ?? new Map<string, string>();
  const sources = { flags, program, environment, origins, file, path, root, workingFolder };
  for (const option of OPTIONS) {
    const { value, provenance } =
      input.about === "files" && option.about === "database"
        ? readUnneeded(option, sources)
        : readOption(option, sources);
    values[option.key] = value;
    provenances[option.key] = provenance;
  }
  const read = values as unknown as Values;
  rememberFile({ placeholders: read.placeholders }, environment);
  const place = { file: path ?? "the configuration" };
  const targets =
    file.targets === undefined ? null : (await import("./targets/targets-given.ts")).readTargets(file, place);
  const configured = targets === null ? await importsOf(file.imports, place, read) : [];
  return {
    values: read,
    provenances: provenances as Record<OptionKey, Provenance>,
    root,
    file: path,
    folder: read.dir,
    cacheFolder: read.cacheFolder ?? cacheFolder,
    phases: phasesOf(read),
    imports: configured,
    webhooks: await webhooksOf(file.webhooks, read, { environment, ...place, tells: input.tells !== false }),
    environment,
    targets,
    given: file,
    target: null,
    notes: [...notes],
    origins,
    passedOver: envFiles?.passedOver ?? null,
  };
}

async function envFilesOf(
  { dotenv, flags }: LoadInput,
  place: Pick<EnvFileInput, "environment" | "root" | "workingFolder">,
): Promise<EnvFiles | null> {
  if (dotenv === undefined) return null;
  const { readEnvFiles } = await import("./env-file.ts");
  return readEnvFiles({ ...place, flags, onlyNamed: dotenv === "named" });
}

/** An image is built where no secret is set. What is wrong is still refused, only what is missing is not. */
function readUnneeded(option: Option, sources: Sources): ReturnType<typeof readOption> {
  try {
    return readOption(option, sources);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== "CONFIG_VARIABLE_MISSING") throw error;
    return readOption(option, { ...sources, file: {} });
  }
}

/** The deadline in milliseconds, as far as it is known before the file is read. Throws `ConfigError`. */
export function timeoutBefore({
  flags,
  environment = process.env,
  workingFolder = process.cwd(),
}: Pick<LoadInput, "flags" | "environment" | "workingFolder">): number {
  const option = OPTIONS.find(({ key }) => key === "timeout");
  if (option === undefined) return 0;
  const sources = { flags, environment, file: {}, path: null, root: workingFolder, workingFolder };
  return Number(readOption(option, sources).value);
}

/** Loads the code for imports only if there are any, because most projects import no files. */
async function importsOf(
  given: unknown,
  place: { file: string },
  values: Values,
): Promise<Config["imports"]> {
  const nas = values.nasHost !== null || values.nasUsername !== null || values.nasPassword !== null;
  if (given === undefined && !nas) return [];
  const { plainImport, readImports } = await import("./imports/imports.ts");
  return given === undefined ? [plainImport("nas", null)] : readImports(given, place);
}

/** Loads the code for webhooks only if there are any. */
async function webhooksOf(
  given: unknown,
  values: Values,
  place: { readonly environment: Config["environment"]; readonly file: string; readonly tells: boolean },
): Promise<Config["webhooks"]> {
  refuseHookWithoutUrl(values);
  if (given === undefined && values.webhookUrl === null) return [];
  const { readWebhooks } = await import("./webhooks.ts");
  try {
    return readWebhooks(given, values, place);
  } catch (error) {
    const isMissing = error instanceof ConfigError && error.code === "CONFIG_VARIABLE_MISSING";
    if (place.tells || !isMissing) throw error;
    return [];
  }
}

/** The other variables are about the webhook that `GODWIT_WEBHOOK_URL` names. */
function refuseHookWithoutUrl({ webhookUrl, webhookSecret, webhookEvents, webhookFormat }: Values): void {
  if (webhookUrl !== null) return;
  const others = { SECRET: webhookSecret, EVENTS: webhookEvents, FORMAT: webhookFormat };
  const said = Object.entries(others).find(([, value]) => value !== null);
  if (said === undefined) return;
  const variable = `GODWIT_WEBHOOK_${said[0]}`;
  throw new ConfigError({
    code: "CONFIG_VARIABLE_INVALID",
    message: `${variable} is set, and GODWIT_WEBHOOK_URL is not.`,
    hint: `Set GODWIT_WEBHOOK_URL, or unset ${variable}. Webhooks of the configuration file have secrets of their own.`,
    details: { variable },
  });
}

const NAMES = ["ts", "mts", "js", "mjs", "json"].map((extension) => `godwit.config.${extension}`);

/** The nearest configuration file, from `from` up to the root of the project. */
function findFile(from: string): string | null {
  const root = rootOf(from);
  for (let folder = from; ; folder = dirname(folder)) {
    const name = NAMES.find((each) => existsSync(join(folder, each)));
    if (name !== undefined) return join(folder, name);
    if (folder === root) return null;
  }
}

/** The nearest folder with `.git`, else the nearest with `package.json`, else `from` itself. */
function rootOf(from: string): string {
  const above: string[] = [];
  for (let folder = from; above.at(-1) !== folder; folder = dirname(folder)) above.push(folder);
  const having = (name: string) => above.find((folder) => existsSync(join(folder, name)));
  return having(".git") ?? having("package.json") ?? from;
}

interface FileReading {
  readonly path: string | null;
  readonly cacheFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly note: (line: string) => void;
}

async function contentOf(input: LoadInput, { path, cacheFolder, environment, note }: FileReading) {
  if (input.file === false || (input.file === undefined && path === null))
    return { content: {}, environment };
  const { checkFile, readFile } = await import("./file.ts");
  if (path === null)
    return {
      content: checkFile(fileUnderPresentNames(input.file ?? {}, note), "the configuration"),
      environment,
    };
  const { signal, print } = input;
  const read = await readFile(path, { cacheFolder, environment, signal, print });
  const changed = Object.keys(read.environment).length > 0;
  return {
    content: checkFile(fileUnderPresentNames(read.content, note), path),
    environment: changed ? { ...environment, ...read.environment } : environment,
  };
}

/** The folder of the cache. It is in `node_modules` if that exists: it is never committed, and CI keeps it. */
function cacheBelow(root: string): string {
  return existsSync(join(root, "node_modules"))
    ? join(root, "node_modules", ".cache", "godwit")
    : join(root, ".godwit", "cache");
}
