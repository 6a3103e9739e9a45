/** Writes the files that commands create. Each exists completely or not at all, and a full disk is a named error. */
import { randomUUID } from "node:crypto";
import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, GodwitError } from "../errors.ts";
import { makeFolder } from "../std/make-folder.ts";

/** Writes a new file and never overwrites one. Throws `ConfigError` `OUTPUT_FAILED`. */
export function writeNew(path: string, text: string): void {
  written(path, () =>
    withDraft(path, text, (draft) => {
      try {
        linkSync(draft, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
        // Some file systems do not support links.
        writeFileSync(path, text, { flag: "wx" });
      }
    }),
  );
}

/** Writes a file and replaces an existing one. Throws `ConfigError` `OUTPUT_FAILED`. */
export function writeOver(path: string, text: string): void {
  written(path, () => withDraft(path, text, (draft) => renameSync(draft, path)));
}

/** Turns errors of the file system into a `ConfigError` that names the file. */
export function written<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw asUnwritten(path, error);
  }
}

export function asUnwritten(path: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (error instanceof GodwitError || code === undefined || syscall === undefined) return error;
  return new ConfigError(
    {
      code: "OUTPUT_FAILED",
      message: `${path} could not be written: ${message}.`,
      hint:
        code === "EEXIST"
          ? "Choose another name, or move the existing file."
          : "Make room and check that the folder is writable, then run again. Nothing was left there.",
    },
    { cause: error },
  );
}

function withDraft(path: string, text: string, place: (draft: string) => void): void {
  const draft = `${path}.${randomUUID()}.tmp`;
  makeFolder(dirname(path));
  try {
    writeFileSync(draft, text, { flag: "wx" });
    place(draft);
  } finally {
    rmSync(draft, { force: true });
  }
}
