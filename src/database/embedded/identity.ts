/**
 * As whom the server runs. PostgreSQL refuses to be root, so root either enters a user namespace in which it
 * is called `nobody` (files stay root's, nothing has to be reachable for others), or lends everything to `nobody`.
 * `initdb` refuses a user whose number has no name, as in containers that run under any number: a namespace gives it one.
 */
import { execFile } from "node:child_process";
import { lchown, lstat, readdir, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { DatabaseError } from "../../errors.ts";
import type { Binaries, Purpose } from "./binaries.ts";

export interface Identity {
  readonly name: "self" | "namespace" | "nobody";
  /** The program to start in place of this one. */
  wrap(program: string, args: readonly string[]): Command;
  /** Makes everything below the folder its own. */
  own(folder: string): Promise<void>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly as: { readonly uid?: number; readonly gid?: number };
}

/** Throws `DatabaseError` `EMBEDDED_FAILED` when root has no way to be somebody else. */
export async function chooseIdentity(
  folder: string,
  binaries: Binaries,
  purpose: Purpose = "database",
): Promise<Identity> {
  if (process.getuid?.() !== 0)
    return isNamed() || !(await isUsable(UNNAMED, { folder, binaries })) ? SELF : UNNAMED;
  if (await isUsable(NAMESPACE, { folder, binaries })) return NAMESPACE;
  if (await isUsable(NOBODY, { folder, binaries })) return NOBODY;
  const blockedFolder = await firstUnreachable(folder);
  const blocked = blockedFolder ?? (await firstUnreachable(binaries.postgres));
  throw new DatabaseError({
    code: "EMBEDDED_FAILED",
    message: `PostgreSQL refuses to run as root, this system allows no user namespace, and the user "nobody" cannot reach ${blocked ?? binaries.postgres}.`,
    hint:
      purpose === "database"
        ? "Run Godwit as another user, move the project to where every user may read, or set DATABASE_URL."
        : blockedFolder === undefined
          ? "Run Godwit as another user, or move the project to where every user may read."
          : "Run Godwit as another user, or set TMPDIR to a folder that every user may enter.",
  });
}

function isNamed(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

/** Whether the server can run this way: what has to be reached can be, and the program starts. */
export async function isUsable(
  identity: Identity,
  { folder, binaries }: { folder: string; binaries: Binaries },
): Promise<boolean> {
  if (identity === NOBODY) {
    if (await firstUnreachable(folder)) return false;
    if (await firstUnreachable(binaries.postgres)) return false;
  }
  const { program, args, as } = identity.wrap(binaries.postgres, ["--version"]);
  try {
    await promisify(execFile)(program, [...args], { ...as, timeout: 5000 });
    return true;
  } catch {
    return false;
  }
}

export const SELF: Identity = {
  name: "self",
  wrap: (program, args) => ({ program, args, as: {} }),
  own: async () => {},
};

/** It has a name in the smallest images too. */
const NOBODY_ID = { uid: 65_534, gid: 65_534 };

export const NAMESPACE: Identity = {
  name: "namespace",
  // unshare replaces itself by the program, so its process id is the server's.
  wrap: (program, args) => ({
    program: "unshare",
    args: ["--user", `--map-user=${NOBODY_ID.uid}`, "--", program, ...args],
    as: {},
  }),
  own: (folder) => give(folder, { uid: 0, gid: 0 }),
};

const UNNAMED: Identity = { ...NAMESPACE, own: SELF.own };

export const NOBODY: Identity = {
  name: "nobody",
  wrap: (program, args) => ({ program, args, as: NOBODY_ID }),
  own: (folder) => give(folder, NOBODY_ID),
};

/** The first on the way to this folder or program, itself included, that not everybody may enter or run. */
async function firstUnreachable(path: string): Promise<string | undefined> {
  const ways = [];
  for (let folder = path; ; folder = dirname(folder)) {
    ways.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of ways) {
    if (((await stat(folder)).mode & 0o001) === 0) return folder;
  }
  return undefined;
}

async function give(folder: string, to: { uid: number; gid: number }): Promise<void> {
  // Nearly always right already; a link is changed itself, never what it points to.
  if ((await lstat(folder)).uid === to.uid) return;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await lchown(join(entry.parentPath, entry.name), to.uid, to.gid);
  }
  await lchown(folder, to.uid, to.gid); // last: it is what says that the rest is done
}
