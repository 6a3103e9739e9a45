/** Makes the source of a configuration: the folder of migrations, a bundle, or the layout of another tool. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { schemasOf } from "../config/targets/names.ts";
import { GodwitError } from "../errors.ts";
import type { Source } from "../source/source.ts";

export interface SourceOptions {
  /** Receives what modules print while they are loaded. */
  readonly print?: ((line: string) => void) | undefined;
  /** Ends the loading of modules. */
  readonly signal?: AbortSignal | undefined;
}

/** Does not throw for a folder that cannot be opened. The source throws when it is asked, and tries again each time. */
export async function openSource(config: Config, options: SourceOptions = {}): Promise<Source> {
  const { folder } = config;
  try {
    return await openFolder(config, options);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    let opened: Source | undefined;
    const reopened = async () => {
      opened ??= await openFolder(config, options);
      return opened;
    };
    return {
      layout: "unknown",
      folder,
      list: async () => (await reopened()).list(),
      read: async (...wanted) => (await reopened()).read(...wanted),
      close: async () => opened?.close?.(),
    };
  }
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
