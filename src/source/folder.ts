/** What a folder holds, in an order that depends on the names alone: the system's is nobody's promise. */
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { SourceError } from "../errors.ts";
import { unreadableFolder } from "./problems.ts";
import { isTestAmong } from "./test-file.ts";

/** Without the tests of migrations. Sorted by code units. Throws `SourceError` (`SOURCE_FOLDER_MISSING`, `SOURCE_FOLDER_UNREADABLE`). */
export function readFolder(folder: string, shown = folder): Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const isTest = isTestAmong(entries.map(({ name }) => name));
    return entries.filter(({ name }) => !isTest(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new SourceError([unreadableFolder(shown, error as { code?: string; message: string })], {
      cause: error,
    });
  }
}

/** Also a link that leads nowhere: to pass over it would be to pass over a migration. */
export function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    // Whatever else it is, reading it will say so.
    return !["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}
