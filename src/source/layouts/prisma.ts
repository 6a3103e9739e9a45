/**
 * Prisma Migrate up to 7: `<YYYYMMDDHHMMSS>_<name>/migration.sql` beside a `migration_lock.toml`, in the order of
 * `localeCompare`, without a way back. Prisma 8 stores programs of operations, which are not SQL files.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { type Entry, type FileText, type Layout, type Reading, wholeFile } from "./layout.ts";
import { lineEndVariants } from "./line-ends.ts";

export const prisma: Layout = {
  name: "prisma",
  discover(folder) {
    const names = readFolder(folder)
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort((left, right) => left.localeCompare(right));
    const refusal = refusalOf(folder, names);
    if (refusal !== null)
      throw new SourceError([layoutRefused("prisma", { folder, why: refusal[0], hint: refusal[1] })]);
    return { entries: names.map((name) => entryOf(folder, name)), problems: [] };
  },
};

const LOCK = "migration_lock.toml";

/** Finds the files that Prisma 8 has in place of SQL, in the folder itself or one level below. */
export function isPrisma8(folder: string, names: readonly string[]): boolean {
  const isPackage = (path: string) =>
    isThere(join(path, "migration.json")) && isThere(join(path, "ops.json"));
  return names.some((name) => {
    const path = join(folder, name);
    return isPackage(path) || namesIn(path).some((below) => isPackage(join(path, below)));
  });
}

/** The names in a folder. Empty if we may not read it. */
function namesIn(path: string): readonly string[] {
  try {
    return readFolder(path).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

function refusalOf(folder: string, names: readonly string[]): readonly [why: string, hint: string] | null {
  if (isThere(join(folder, LOCK))) {
    const provider = /^[ \t]*provider[ \t]*=[ \t]*"([^"]*)"/m.exec(readText(join(folder, LOCK), LOCK))?.[1];
    if (provider !== "postgresql" && provider !== "postgres")
      return [`its ${LOCK} is for ${provider ?? "no provider"}`, "Only folders for postgresql can be run."];
  }
  if (isPrisma8(folder, names))
    return [
      "it is one of Prisma 8, whose migrations are programs and not SQL",
      "Let Prisma itself run it; up to Prisma 7 a migration is a folder with migration.sql.",
    ];
  if (!names.some((name) => isThere(join(folder, name, "migration.sql"))))
    return [
      "there is no folder with migration.sql in it",
      "Name prisma/migrations with --dir; or create the first with `prisma migrate dev`.",
    ];
  if (names.some((name) => isThere(join(folder, name, "snapshot.json"))))
    return ["its migrations have a snapshot.json, which Drizzle writes", "Try --layout drizzle."];
  return null;
}

function entryOf(folder: string, name: string): Entry {
  const file = `${name}/migration.sql`;
  const problem = isThere(join(folder, file)) ? undefined : withoutFile(name);
  return { id: name, file, problem, read: (text) => reading(text, name) };
}

/** The tool itself treats files that differ only in line ends as the same. */
function reading(file: FileText, name: string): Reading {
  const checksums = lineEndVariants(file.bytes).map((bytes) =>
    createHash("sha256").update(bytes).digest("hex"),
  );
  return { up: wholeFile(file), tool: { version: name, checksums } };
}

function withoutFile(name: string): Problem {
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `The folder ${name} has no migration.sql.`,
    hint: "Restore the file from version control, or remove the folder: Prisma refuses it too.",
    place: { file: name },
  };
}
