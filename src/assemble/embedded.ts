/** The embedded server of a configuration that names no database. It is for development only. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Embedded } from "../database/embedded/embedded.ts";
import { ConfigError } from "../errors.ts";
import { readFolder } from "../source/folder.ts";
import type { Source } from "../source/source.ts";
import { makeFolder } from "../std/make-folder.ts";

/** Receives lines about the embedded server. The line that says that it is used is loud. */
export type Say = (line: string, options?: { readonly loud: boolean }) => void;

/**
 * Starts the server in `.godwit` below the root of the configuration, or joins the one that is running there.
 * Throws `ConfigError` where a production database was probably meant, and `DatabaseError` where it cannot start.
 * `needed`: the files without which nothing can be done. Where they are missing, no server is made.
 */
export async function startEmbedded(config: Config, say: Say, needed: Source | null): Promise<Embedded> {
  refuseInProduction(config);
  const folder = embeddedFolder(config);
  if (needed !== null && !existsSync(join(folder, "postgres"))) await refuseWithoutFiles(needed);
  const what = `No DATABASE_URL is set: using an embedded PostgreSQL in ${folder}, for development only.`;
  // Said once in a project. After that every start still says, quietly, that the server is the embedded one.
  const isFirst = !existsSync(join(folder, MARK));
  if (isFirst || config.passedOver !== null)
    say([what, config.passedOver ?? ""].join(" ").trimEnd(), { loud: true });
  return openInFolder(config, say);
}

/** Throws `SourceError`. A folder with files is not listed, because that is done later and may run code of the user's. */
async function refuseWithoutFiles(source: Source): Promise<void> {
  if (!readFolder(source.folder).some((entry) => entry.isFile())) await source.list();
}

export function embeddedFolder({ root }: Config): string {
  return join(root, ".godwit");
}

/** Opens the server without the check for production. Throws `DatabaseError`. */
export async function openInFolder(config: Config, say: Say): Promise<Embedded> {
  const [{ openEmbedded }, { asFolderProblem }] = await Promise.all([
    import("../database/embedded/embedded.ts"),
    import("../database/embedded/folder.ts"),
  ]);
  const folder = embeddedFolder(config);
  try {
    keepOutOfGit(folder);
  } catch (error) {
    throw asFolderProblem(error, folder);
  }
  // The server's own session does not keep a process alive, and during the start nothing else does.
  const alive = setInterval(() => {}, 60_000);
  return await openEmbedded({ folder, environment: config.environment, log: (line) => say(line) }).finally(
    () => clearInterval(alive),
  );
}

/** The file in the folder whose absence says that nobody was warned yet. */
const MARK = ".gitignore";

/** A database does not belong into version control. */
function keepOutOfGit(folder: string): void {
  makeFolder(folder);
  const path = join(folder, MARK);
  if (!existsSync(path)) writeFileSync(path, "*\n");
}

/**
 * In production a missing URL is a mistake. Without this check, a new and empty database would be migrated and thrown
 * away.
 */
function refuseInProduction(config: Config): void {
  const found = signOfProduction(config);
  if (found === null) return;
  const { passedOver } = config;
  throw new ConfigError({
    code: "URL_MISSING",
    message: `No database URL was given, and ${found}.`,
    hint: `Set DATABASE_URL (or pass --database-url) to postgres://user:password@host:5432/database.${passedOver === null ? "" : ` ${passedOver}`}`,
  });
}

/** What shows that this is a production environment, as half a sentence. `null`: nothing does. */
export function signOfProduction({ environment }: Config): string | null {
  if (["production", "staging"].includes(environment.NODE_ENV ?? ""))
    return `NODE_ENV is ${environment.NODE_ENV}`;
  if (environment.KUBERNETES_SERVICE_HOST) return "this is Kubernetes";
  return Object.keys(environment).some((name) => name.startsWith("RAILWAY_")) ? "this is Railway" : null;
}
