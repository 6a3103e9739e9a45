/** Makes a folder and those above it. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Like `mkdirSync` with `recursive`, which loops for ever where a folder is there and yet answers `ENOENT` to what is made
 * in it, as `/proc` does (Node 20 to 24). Throws the error of the system.
 */
export function makeFolder(folder: string): void {
  if (isMade(folder)) return;
  const above = dirname(folder);
  if (above !== folder && !isFolder(above)) {
    makeFolder(above);
    if (isMade(folder)) return;
  }
  // Says why not.
  mkdirSync(folder);
}

/** `false`: the folder above it may be missing. */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    // Another process may have made it. Some systems refuse what is there already with another code.
    if (isFolder(folder)) return true;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
