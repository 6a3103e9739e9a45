/** What can go wrong with files and folders, in the same words for every origin. */
import { ImportFailed } from "../errors.ts";
import type { Expected } from "./origin.ts";

/** Larger files are not read into memory. */
const MAX_FILE_BYTES = 1024 ** 3;

export function fileGone(path: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "FILE_GONE",
      message: `${path} is no longer there.`,
      hint: "It was moved or deleted after it was listed; the next scan will say which.",
      details: { path },
    },
    { cause },
  );
}

export function fileUnreadable(path: string, why: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "FILE_UNREADABLE",
      message: `${path} cannot be read: ${why}.`,
      hint: "Look at its permissions on the other side.",
      details: { path },
    },
    { cause },
  );
}

export function fileChanged(path: string, what: string): ImportFailed {
  return new ImportFailed({
    code: "FILE_CHANGED",
    message: `${path} changed while it was looked at: ${what}.`,
    hint: "It may still be being written; it is read again when it has come to rest.",
    details: { path },
  });
}

export function folderUnreadable(folder: string, why: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_FOLDER_UNREADABLE",
      message: `The folder ${folder} cannot be listed: ${why}.`,
      hint: "Look at its permissions on the other side, or leave it out.",
      details: { folder },
    },
    { cause },
  );
}

export function baseMissing(base: string, where: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_BASE_MISSING",
      message: `There is no folder ${base} ${where}.`,
      hint: "Correct the path in --from, `from` or NAS_BASE_PATH; a NAS often has its shares under /share or /volume1.",
      details: { base },
    },
    { cause },
  );
}

export function baseUnreadable(base: string, where: string, why: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_BASE_UNREADABLE",
      message: `The base ${base} ${where} cannot be listed: ${why}.`,
      hint: "It must be a folder that this user may read.",
      details: { base },
    },
    { cause },
  );
}

export function originLost(description: string, why: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_LOST",
      message: `The connection to ${description} is gone: ${why}.`,
      hint: "Open it again; what was read until then is not lost.",
    },
    { cause },
  );
}

/** Runs before anything is read. */
export function refuseTooLarge(path: string, { sizeBytes }: Expected): void {
  if (sizeBytes <= MAX_FILE_BYTES) return;
  throw new ImportFailed({
    code: "FILE_TOO_LARGE",
    message: `${path} has ${sizeBytes} bytes, more than the ${MAX_FILE_BYTES} that are read into memory.`,
    hint: "Leave it out, or split it.",
    details: { path, sizeBytes, maxBytes: MAX_FILE_BYTES },
  });
}

/** Compares a file with its listing. It counts as the same only if neither its size nor its time differs. */
export function refuseOther(path: string, expected: Expected, actual: Expected): void {
  if (actual.sizeBytes !== expected.sizeBytes) {
    throw fileChanged(path, `it has ${actual.sizeBytes} bytes instead of ${expected.sizeBytes}`);
  }
  if (actual.mtimeMs !== expected.mtimeMs) {
    const [then, now] = [expected.mtimeMs, actual.mtimeMs].map((ms) => new Date(ms).toISOString());
    throw fileChanged(path, `it was written at ${now}, not at ${then}`);
  }
}

/** Joins the base and a path below it. A name with a NUL cannot exist, and some servers hang up on it. */
export function below(base: string, path: string): string {
  if (path.includes("\0")) throw fileGone(JSON.stringify(path));
  return path === "" ? base : base.endsWith("/") ? base + path : `${base}/${path}`;
}
