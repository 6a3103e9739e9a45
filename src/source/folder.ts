/** What a folder holds, in an order that depends on the names alone: the system's is nobody's promise. */
import { type Dirent, readdirSync } from "node:fs";
import { SourceError } from "../errors.ts";
import { unreadableFolder } from "./problems.ts";

/** Sorted by code units. Throws `SourceError` (`SOURCE_FOLDER_MISSING`, `SOURCE_FOLDER_UNREADABLE`). */
export function readFolder(folder: string, shown = folder): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new SourceError([unreadableFolder(shown, error as { code?: string; message: string })], {
      cause: error,
    });
  }
}
