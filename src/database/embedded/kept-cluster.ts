/**
 * A data directory as `initdb` makes it, kept in the user's cache folder and copied for each scratch server. Of the 1.2 s of CPU
 * that such a server takes from its start to its end, `initdb` takes half.
 *
 * One is kept for each version, platform and time zone. It is written beside its place and renamed when it is complete, so there is
 * never half of one under its name. Of several who keep one at once the first wins, and the others discard theirs. A copy must have
 * as many files and bytes as were kept, and a server must start from it. If not, it is thrown away with what was kept, and
 * `initdb` makes another one.
 *
 * | killed while | left behind | who comes next |
 * | --- | --- | --- |
 * | keeping | a draft | makes its own; drafts are removed when they are an hour old |
 * | copying | nothing in the cache | copies |
 *
 * The password in a kept cluster lies beside it, for this user alone. Every copy is to get one of its own.
 */
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { type ClusterOptions, type Environment, initialise } from "./cluster.ts";

export interface MadeCluster {
  /** The superuser's. Where it is `shared`, other copies have it too. */
  readonly password: string;
  readonly shared: boolean;
  /** Throws away what it was copied from, and this copy. */
  discard(): Promise<void>;
}

/** Makes `data` in a folder that exists: a copy of the kept cluster if there is one, else a new one, which is kept. */
export async function makeCluster(
  folder: string,
  options: ClusterOptions & { readonly anew?: boolean },
): Promise<MadeCluster> {
  const data = join(folder, "data");
  const place = placeOf(options.binaries, options.environment);
  const discard = async () => {
    await rm(data, { recursive: true, force: true });
    if (place !== undefined) await rm(place, { recursive: true, force: true }).catch(() => undefined);
  };
  if (place !== undefined && options.anew !== true) {
    const password = await copyKept(place, data);
    if (password !== undefined) {
      await options.identity.own(data);
      return { password, shared: true, discard };
    }
    await rm(data, { recursive: true, force: true });
  }
  const password = randomBytes(18).toString("base64url");
  const secret = await mkdtemp(join(folder, "secret-"));
  const passwordFile = join(secret, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  await options.identity.own(secret);
  const auth = ["--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--no-sync"];
  await initialise(data, { ...options, auth, purpose: "scratch" });
  await rm(secret, { recursive: true });
  const isKept = place !== undefined && (await keep(place, data, password));
  return { password, shared: isKept, discard };
}

/** The folder for what can be made again at any time. `undefined`: there is none. */
function cacheFolder(environment: Environment): string | undefined {
  const { XDG_CACHE_HOME: wanted, LOCALAPPDATA: local, HOME: home = "" } = environment;
  if (wanted !== undefined && isAbsolute(wanted)) return wanted;
  if (process.platform === "win32") return local;
  if (home === "/" || !isAbsolute(home)) return undefined;
  return process.platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache");
}

function placeOf({ version }: Binaries, environment: Environment): string | undefined {
  const cache = cacheFolder(environment);
  // `initdb` writes the time zone of the machine into the settings.
  const zone = environment.TZ ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const rest = createHash("sha256").update(`${FORMAT} ${zone}`).digest("hex").slice(0, 8);
  const name = `${version}-${process.platform}-${process.arch}-${rest}`;
  return cache && join(cache, "godwit", "clusters", name);
}

/** Another one where another program could not read what this one keeps. */
const FORMAT = 1;

interface Contents {
  readonly password: string;
  readonly size: Size;
}

interface Size {
  readonly files: number;
  readonly bytes: number;
}

/** Returns the password in it. `undefined`: nothing was kept, or it was not whole, and `data` may hold a part. */
async function copyKept(place: string, data: string): Promise<string | undefined> {
  const description = join(place, "contents.json");
  const text = await readFile(description, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { password, size } = JSON.parse(text) as Contents;
    const { files, bytes } = await copyFolder(join(place, "data"), data);
    if (files === size.files && bytes === size.bytes) {
      const now = new Date();
      await utimes(description, now, now).catch(() => undefined);
      return password;
    }
  } catch {
    // Damaged, or removed meanwhile.
  }
  await rm(place, { recursive: true, force: true }).catch(() => undefined);
  return undefined;
}

/** Whether this cluster is the kept one from now on. */
async function keep(place: string, data: string, password: string): Promise<boolean> {
  const clusters = join(place, "..");
  const draft = `${place}.new-${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(clusters, { recursive: true, mode: 0o700 });
    await removeUnused(clusters);
    await mkdir(draft, { mode: 0o700 });
    const contents: Contents = { password, size: await copyFolder(data, join(draft, "data")) };
    await writeFile(join(draft, "contents.json"), JSON.stringify(contents), { mode: 0o600 });
    await rename(draft, place);
    return true;
  } catch {
    // No room, no right to write there, or another one was first.
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    return false;
  }
}

const HOUR_MS = 3_600_000;
const DRAFTS_FOR_MS = HOUR_MS;
const UNUSED_FOR_MS = 30 * 24 * HOUR_MS;

/** Drafts of makers that were killed, and clusters that nobody has copied for a month. */
async function removeUnused(clusters: string): Promise<void> {
  for (const name of await readdir(clusters)) {
    const path = join(clusters, name);
    const used = await stat(join(path, "contents.json")).catch(() => stat(path));
    const limit = name.includes(".new-") ? DRAFTS_FOR_MS : UNUSED_FOR_MS;
    if (Date.now() - used.mtimeMs > limit) await rm(path, { recursive: true, force: true });
  }
}

const AT_ONCE = 16;
/** Without EXCL each file is truncated first, and then ext4 writes it to the disk at once: removing the copy waits a second for that. */
const COPYING = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;

/** Folders and files alone, which is all that a new cluster has. */
async function copyFolder(from: string, to: string): Promise<Size> {
  await mkdir(to, { mode: 0o700 });
  const files: string[] = [];
  const folders = [""];
  for (const folder of folders) {
    for (const entry of await readdir(join(from, folder), { withFileTypes: true })) {
      const name = join(folder, entry.name);
      if (!entry.isDirectory()) files.push(name);
      else {
        await mkdir(join(to, name), { mode: 0o700 });
        folders.push(name);
      }
    }
  }
  let bytes = 0;
  const queue = files.values();
  const copyNext = async () => {
    for (const name of queue) {
      await copyFile(join(from, name), join(to, name), COPYING);
      const { size } = await stat(join(to, name));
      bytes += size;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, copyNext));
  return { files: files.length, bytes };
}
