/** The files that commands make: each is there whole or not at all, and a full disk has a name. */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, GodwitError } from "../errors.ts";

/** Never writes over a file that is there. Throws `ConfigError` `OUTPUT_FAILED`. */
export function writeNew(path: string, text: string): void {
  written(path, () =>
    withDraft(path, text, (draft) => {
      try {
        linkSync(draft, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
        // Some file systems have no links.
        writeFileSync(path, text, { flag: "wx" });
      }
    }),
  );
}

/** Takes the place of the file that is there. Throws `ConfigError` `OUTPUT_FAILED`. */
export function writeOver(path: string, text: string): void {
  written(path, () => withDraft(path, text, (draft) => renameSync(draft, path)));
}

/** Gives the errors of the file system the name of what was to be written. */
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
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(draft, text, { flag: "wx" });
    place(draft);
  } finally {
    rmSync(draft, { force: true });
  }
}
