/** The folder of the embedded server, and what it means when it cannot be used or is no longer there. */
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseError } from "../../errors.ts";

const ELSE = "set DATABASE_URL to use a database of your own";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not read and write there",
  EPERM: "this user may not read and write there",
  EROFS: "it is on a file system that is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of this user is used up",
  ENOENT: "it does not exist",
  ENOTDIR: "a file is in its place",
  EEXIST: "a file is in its place",
  EISDIR: "a folder is in the place of a file",
};

/** An error of the file system as `EMBEDDED_FAILED` that names the folder; any other as it is. */
export function asFolderProblem(error: unknown, folder: string): unknown {
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || error instanceof DatabaseError) return error;
  if (code === undefined || syscall === undefined) return error;
  const where = path === undefined || path === folder ? "" : ` (${path})`;
  return new DatabaseError(
    {
      code: "EMBEDDED_FAILED",
      message: `The embedded PostgreSQL cannot use its folder ${folder}: ${REASONS[code] ?? error.message}${where}.`,
      hint: `Make it a folder that this user may write to, with room in it; or ${ELSE}.`,
      details: { folder },
    },
    { cause: error },
  );
}

/** The same for the folder of temporary files, which the scratch server is made in. */
export function asTemporaryProblem(error: unknown, folder: string): unknown {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return error;
  return new DatabaseError(
    {
      code: "EMBEDDED_FAILED",
      message: `The scratch PostgreSQL cannot be made in the folder of temporary files, ${folder}: ${REASONS[code] ?? error.message}.`,
      hint: OTHER_TEMPORARY,
      details: { folder },
    },
    { cause: error },
  );
}

const MEMORY = "/dev/shm";
const LEAST_SHARED_BYTES = 1024 ** 3;
const LEAST_FREE_BYTES = 4 * 1024 ** 3;

/**
 * A folder whose files are in memory, where the machine has one with room, and this process may use enough of it: a table has
 * several files, and on a disk each takes a millisecond. Whoever has said where temporary files belong has them there.
 */
export function fastTemporary(): string {
  const { TMPDIR, TMP, TEMP } = process.env;
  if (process.platform !== "linux" || (TMPDIR ?? TMP ?? TEMP) !== undefined) return tmpdir();
  try {
    accessSync(MEMORY, constants.W_OK);
  } catch {
    return tmpdir();
  }
  const isEnough = roomIn(MEMORY) >= LEAST_SHARED_BYTES && process.availableMemory() >= LEAST_FREE_BYTES;
  return isEnough ? MEMORY : tmpdir();
}

export const OTHER_TEMPORARY =
  "Set TMPDIR to a folder that this user may write to, with 100 MB of room in it or more.";

/** The disk is full while the scratch server runs: it says so itself, or it ends. `null`: there is room. */
export function withoutRoom(error: unknown, folder: string): DatabaseError | null {
  if (!(error instanceof DatabaseError)) return null;
  const ended = error.code === "DATABASE_CONNECTION_LOST" || error.code === "DATABASE_UNREACHABLE";
  if (error.sqlState !== DISK_FULL && !(ended && roomIn(folder) < LEAST_BYTES)) return null;
  return new DatabaseError(
    {
      code: "EMBEDDED_FAILED",
      message: `The scratch PostgreSQL has no room left in the folder of temporary files, ${folder}: ${error.message}`,
      hint: OTHER_TEMPORARY,
      details: { folder },
    },
    { cause: error },
  );
}

/** The scratch server is no more, and nobody here has ended it. */
export function scratchEnded(): DatabaseError {
  return new DatabaseError({
    code: "EMBEDDED_FAILED",
    message:
      "The scratch PostgreSQL has ended while it was used: somebody has killed it, or the machine had no memory left. No database of yours was changed by what ran there.",
    hint: "Run the command again, with more memory where it was short.",
  });
}

const DISK_FULL = "53100";
const LEAST_BYTES = 2_000_000;

function roomIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return LEAST_BYTES; // it cannot be said
  }
}

/** Which folder it is, whatever is made in its place later; `undefined`: it is not there. */
export function identityOf(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** The server still answers for a while, but whatever it says, its data is gone. */
export function folderGone(directory: string): DatabaseError {
  return new DatabaseError({
    code: "EMBEDDED_FAILED",
    message: `The folder ${directory} of the embedded PostgreSQL was deleted or replaced while its server ran; the database in it is gone.`,
    hint: `Run again: a new, empty database is made there. Or ${ELSE}.`,
    details: { directory },
  });
}
