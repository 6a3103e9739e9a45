/** Reads a file of the author's as text: UTF-8 or a named problem, never a guess. */
import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { canonicalText } from "../core/checksum.ts";
import { type Problem, SourceError } from "../errors.ts";
import { placeAt } from "./place.ts";

/**
 * The canonical text of a file (no byte order mark, LF). Synchronous, because thousands of small files are
 * read several times faster this way; callers take a breath between files. `file` is the name to show.
 * Throws `SourceError` (`SOURCE_FILE_UNREADABLE`, `SOURCE_FILE_ENCODING`).
 */
export function readText(path: string, file: string): string {
  return decode(readBytes(path, file), file);
}

/** The same from bytes that were read already. Throws `SourceError` (`SOURCE_FILE_ENCODING`). */
export function decode(bytes: Buffer, file: string): string {
  const foreign = utf16Or32(bytes);
  if (foreign !== null)
    fail({
      code: "SOURCE_FILE_ENCODING",
      message: `${file} is ${foreign}, not UTF-8.`,
      hint: `Convert it: iconv -f ${foreign} -t UTF-8 '${file}' > '${file}.utf8' && mv '${file}.utf8' '${file}'`,
      place: { file },
    });
  if (!isUtf8(bytes)) fail(invalidUtf8(bytes, file));
  const text = canonicalText(bytes.toString("utf8"));
  const nul = text.indexOf("\0");
  if (nul !== -1)
    fail({
      code: "SOURCE_FILE_ENCODING",
      message: `${file} contains a NUL byte, which PostgreSQL cannot take in a statement.`,
      hint: "Remove it; for binary data write a bytea literal such as '\\x00'.",
      place: placeAt(file, text, nul),
    });
  return text;
}

/** The bytes of a regular file. Throws `SourceError` (`SOURCE_FILE_UNREADABLE`). */
export function readBytes(path: string, file: string): Buffer {
  try {
    const stat = statSync(path);
    // Also a pipe or a device: reading it might never end.
    if (stat.isFile()) return readFileSync(path);
    const kind = stat.isDirectory() ? "a folder" : "not a regular file";
    return fail({
      code: "SOURCE_FILE_UNREADABLE",
      message: `${file} is ${kind}, but has the name of a migration.`,
      hint: "Rename it or move it out of the migrations folder.",
      place: { file },
    });
  } catch (error) {
    if (error instanceof SourceError) throw error;
    return fail(unreadable(error as NodeJS.ErrnoException, file), error);
  }
}

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ["it is gone, or a symbolic link that leads nowhere", "Restore the file, or remove the link."],
  ELOOP: ["it is a symbolic link that leads to itself", "Remove the link."],
  EACCES: ["permission is denied", "Make it readable for the user that runs godwit."],
  EPERM: ["permission is denied", "Make it readable for the user that runs godwit."],
  ERR_FS_FILE_TOO_LARGE: ["it is larger than 2 GiB", "Load that much data with an import instead."],
  ERR_STRING_TOO_LONG: ["it is larger than 512 MiB", "Load that much data with an import instead."],
};

function unreadable(error: NodeJS.ErrnoException, file: string): Problem {
  const [reason, hint] = REASONS[error.code ?? ""] ?? [error.message, undefined];
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `${file} cannot be read: ${reason}.`,
    hint,
    place: { file },
    details: { errno: error.code ?? null },
  };
}

function utf16Or32(bytes: Buffer): string | null {
  const mark = bytes.toString("hex", 0, 4);
  if (mark === "fffe0000" || mark === "0000feff") return "UTF-32";
  if (mark.startsWith("fffe") || mark.startsWith("feff")) return "UTF-16";
  if (!bytes.subarray(0, 512).includes(0)) return null;
  // Without a mark: ASCII written in two bytes has a NUL in every second place.
  const zeros = [0, 0];
  const length = Math.min(bytes.length, 512) & ~1;
  for (let at = 0; at < length; at++) if (bytes[at] === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  if (length < 4 || Math.max(...zeros) < length / 4 || Math.min(...zeros) > 0) return null;
  return (zeros[0] ?? 0) > 0 ? "UTF-16BE" : "UTF-16LE";
}

function invalidUtf8(bytes: Buffer, file: string): Problem {
  const bad = firstBadByte(bytes);
  const valid = canonicalText(bytes.toString("utf8", 0, bad));
  // The line as a whole, with what is broken shown as the replacement character.
  const lineEnd = bytes.indexOf(0x0a, bad);
  const rest = bytes.toString("utf8", bad, lineEnd === -1 ? Math.min(bytes.length, bad + 1000) : lineEnd);
  const byte = `0x${(bytes[bad] ?? 0).toString(16).toUpperCase().padStart(2, "0")}`;
  const asLatin1 = String.fromCharCode(bytes[bad] ?? 0);
  return {
    code: "SOURCE_FILE_ENCODING",
    message: `${file} is not UTF-8: byte ${byte} (in Latin-1 that is \`${asLatin1}\`).`,
    hint: `If it is Latin-1, convert it: iconv -f ISO-8859-1 -t UTF-8 '${file}' > '${file}.utf8' && mv '${file}.utf8' '${file}'`,
    place: placeAt(file, valid + rest, valid.length),
    details: { byte, offset: bad },
  };
}

/** The longest valid prefix ends here: found by halving, then by trying the last few bytes. */
function firstBadByte(bytes: Buffer): number {
  let good = 0;
  let end = bytes.length;
  while (end - good > 8) {
    // Cut where a character starts; a run of more than three continuation bytes is invalid anyway.
    let middle = good + ((end - good) >> 1);
    for (let back = 0; back < 3 && ((bytes[middle] ?? 0) & 0xc0) === 0x80; back++) middle--;
    if (middle <= good) break;
    if (isUtf8(bytes.subarray(good, middle))) good = middle;
    else end = middle;
  }
  for (;;) {
    const size = [1, 2, 3, 4].find(
      (length) => good + length <= bytes.length && isUtf8(bytes.subarray(good, good + length)),
    );
    if (size === undefined) return good;
    good += size;
  }
}

function fail(problem: Problem, cause?: unknown): never {
  throw new SourceError([problem], { cause });
}
