/** Makes the source of a configuration: the folder of migrations, a bundle, or the layout of another tool. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { schemasOf } from "../config/targets/names.ts";
import { ConfigError, GodwitError } from "../errors.ts";
import type { DatabaseFacts, Source } from "../source/source.ts";

/** The environment of a program that the user configures. Secrets are never arguments, because other users can see those. */
export function commandEnvironment(
  environment: Config["environment"],
  url: Config["values"]["databaseUrl"],
): Config["environment"] {
  return url === null ? environment : { ...environment, DATABASE_URL: url.reveal() };
}

export interface SourceOptions {
  /** Receives what modules print while they are loaded. */
  readonly print?: ((line: string) => void) | undefined;
  /** Ends the loading of modules. */
  readonly signal?: AbortSignal | undefined;
  /** Chooses one of several layouts that fit the files. `null`: it stays a question. */
  readonly decide?: ((layouts: readonly string[]) => Promise<string | null>) | undefined;
}

/** Does not throw for a folder that cannot be opened. The source throws when it is asked, and tries again each time. */
export async function openSource(config: Config, options: SourceOptions = {}): Promise<Source> {
  const source = await openFiles(config, options);
  const { runner, databaseUrl } = config.values;
  if (runner === null) return source;
  if (config.target?.schema != null)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `Target ${config.target.name} is one schema of a database, and its runner is only told the database.`,
      hint: "Leave schemas out, or runner.",
    });
  if (existsSync(join(config.folder, "godwit-bundle.json")))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${config.folder} is a bundle, and a runner needs the files that it was made from.`,
      hint: "Point dir to those files, or leave runner out.",
    });
  const { withProgram } = await import("../source/program.ts");
  const environment = commandEnvironment(config.environment, databaseUrl);
  return withProgram(source, { words: runner, folder: config.root, environment });
}

async function openFiles(config: Config, options: SourceOptions): Promise<Source> {
  const { folder } = config;
  try {
    return await openFolder(config, options);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    let opened: Source | undefined;
    let known: DatabaseFacts | undefined;
    const reopened = async () => {
      opened ??= await openFolder(config, options).catch((again) => openDecided(again, config, options));
      if (known !== undefined) opened.inform?.(known);
      return opened;
    };
    return {
      // A run asks for it when it has listed the files.
      get layout() {
        return opened?.layout ?? "unknown";
      },
      folder,
      historyPlace: (tool) => opened?.historyPlace?.(tool) ?? null,
      inform(facts) {
        known = facts;
        opened?.inform?.(facts);
      },
      list: async () => (await reopened()).list(),
      read: async (...wanted) => (await reopened()).read(...wanted),
      close: async () => opened?.close?.(),
    };
  }
}

/** The folder in the layout that the database decides for. Throws the question where it does not. */
async function openDecided(question: unknown, config: Config, options: SourceOptions): Promise<Source> {
  const isQuestion = question instanceof GodwitError && question.code === "LAYOUT_UNKNOWN";
  const layouts = isQuestion ? (question.details?.layouts as readonly string[]) : [];
  const layout = layouts.length === 0 ? null : ((await options.decide?.(layouts)) ?? null);
  if (layout === null) throw question;
  return openFolder({ ...config, values: { ...config.values, layout } }, options);
}

async function openFolder(config: Config, options: SourceOptions): Promise<Source> {
  const { folder, cacheFolder, environment, values } = config;
  const modules = { folder, cacheFolder, environment, ...options };
  if (existsSync(join(folder, "godwit-bundle.json")))
    return (await import("../source/bundle/bundle.ts")).openBundle(modules);
  const layout = values.layout ?? (await import("../source/detect/detect.ts")).detectLayout(folder);
  const { sayingPassedOver } = await import("../source/passed-over.ts");
  if (layout === "plain")
    return sayingPassedOver((await import("../source/plain/plain.ts")).openPlain(modules));
  const { loadLayout } = await import("../source/layouts/layouts.ts");
  const { openInPlace } = await import("../source/layouts/in-place.ts");
  const { searchPath, placeholders } = values;
  // A target that is a schema has that schema as its search path.
  const schemas = config.target?.schema == null ? searchPath && schemasOf(searchPath) : undefined;
  const opened = openInPlace(await loadLayout(layout), folder, {
    ...{ placeholders, environment },
    ...(schemas === undefined ? {} : { searchPath: schemas || null }),
  });
  return sayingPassedOver(opened);
}

/** Opens the source of a configuration for as long as `use` takes. */
export async function withSource<T>(
  config: Config,
  options: SourceOptions,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  const source = await openSource(config, options);
  try {
    return await use(source);
  } finally {
    await source.close?.();
  }
}
