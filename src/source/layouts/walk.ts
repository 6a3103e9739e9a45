/** Lists all files of a folder and of those below it. */
import { type Dirent, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { readFolder } from "../folder.ts";

/** Paths below the folder, with `/`. Hidden folders are skipped. A link to a folder is followed, once. */
export function walk(folder: string): readonly string[] {
  return walkBelow(folder, "", new Set());
}

function walkBelow(folder: string, below: string, seen: Set<string>): readonly string[] {
  const path = join(folder, below);
  const entries = readFolder(path);
  const real = realpathSync(path);
  if (seen.has(real)) return [];
  seen.add(real);
  return entries.flatMap((entry) => {
    const file = below + entry.name;
    if (!isFolder(path, entry)) return [file];
    return entry.name.startsWith(".") ? [] : walkBelow(folder, `${file}/`, seen);
  });
}

function isFolder(path: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(join(path, entry.name)).isDirectory();
  } catch {
    // A link that leads nowhere or to itself counts as a file. Reading it reports the error.
    return false;
  }
}
