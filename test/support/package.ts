/** The package as people get it: packed, and installed by npm into an empty project. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { writeDeclarations } from "../../scripts/declarations.mjs";
import { root } from "../../scripts/fresh.mjs";

export interface Tarball {
  readonly path: string;
  /** The names of the files in it. */
  readonly files: readonly string[];
}

const PACKED = ["bin", "docs", "README.md", "LICENSE", "CHANGELOG.md", "package.json", "dist"];
/** What the types are made from. */
const DECLARED = ["src", "tsconfig.json", "tsconfig.build.json", "scripts/declarations.mjs"];
const DAY_MS = 86_400_000;

/** Packs what `npm publish` would, once for each state of the project: the files that need it get a copy. */
export function pack(folder: string): Tarball {
  const kept = join(root, ".cache", "packages");
  const place = join(kept, stateOf([...PACKED, ...DECLARED]));
  if (!existsSync(place)) {
    mkdirSync(kept, { recursive: true });
    for (const name of readdirSync(kept)) {
      const path = join(kept, name);
      if (Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { recursive: true, force: true });
    }
    const draft = mkdtempSync(join(kept, "new-"));
    packInto(draft);
    try {
      renameSync(draft, place);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(place)) throw error; // or another process was first
    }
  }
  const { name, files } = JSON.parse(readFileSync(join(place, "packed.json"), "utf8")) as Packed;
  const path = join(folder, name);
  copyFileSync(join(place, name), path);
  return { path, files };
}

interface Packed {
  readonly name: string;
  readonly files: readonly string[];
}

/** Without replacing `dist/`, which other tests run meanwhile. */
function packInto(folder: string): void {
  const stage = join(folder, "stage");
  mkdirSync(stage);
  for (const name of PACKED)
    cpSync(join(root, name), join(stage, name), {
      recursive: true,
      filter: (path) => name !== "dist" || !path.endsWith(".d.ts"),
    });
  const types = join(folder, "types");
  writeDeclarations(types);
  cpSync(types, join(stage, "dist"), { recursive: true });
  const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [packed] = JSON.parse(execFileSync("npm", words, { cwd: stage, encoding: "utf8" })) as [
    { filename: string; files: readonly { path: string }[] },
  ];
  for (const made of [stage, types]) rmSync(made, { recursive: true });
  const result: Packed = { name: packed.filename, files: packed.files.map(({ path }) => path) };
  writeFileSync(join(folder, "packed.json"), JSON.stringify(result));
}

/** A name for the present contents of these files and folders, without compiled code, which is not packed. */
function stateOf(names: readonly string[]): string {
  const hash = createHash("sha256");
  for (const name of names) {
    const path = join(root, name);
    const below = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: "utf8" })
      : [];
    for (const file of below.length > 0 ? below.map((one) => join(path, one)).toSorted() : [path])
      if (!file.includes(".compiled") && statSync(file).isFile())
        hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

/** The folder of what is in it. */
export function unpack({ path }: Tarball, folder: string): string {
  execFileSync("tar", ["xzf", path, "-C", folder]);
  return join(folder, "package");
}

/** Installs packages from the registry. Returns false, and says why, if there is none that answers. */
export function install(folder: string, words: readonly string[]): boolean {
  const all = ["install", ...words, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stdout, stderr } = spawnSync("npm", all, { cwd: folder, encoding: "utf8" });
  if (status === 0) return true;
  if (UNREACHABLE.test(stderr)) return false;
  throw new Error(`npm install ${words.join(" ")} has failed:\n${stdout}${stderr}`);
}

const UNREACHABLE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

/**
 * The folder of a program named `node`. The package is the one that holds it: that called "node" runs a script which
 * installs this one. `null`: the registry cannot be reached.
 */
export function installNode(folder: string, version: string): string | null {
  const place = join(folder, `node-${version}`);
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), '{ "private": true }');
  const name = `node-${process.platform}-${process.arch}`;
  return install(place, [`${name}@${version}`, "--ignore-scripts"])
    ? join(place, "node_modules", name, "bin")
    : null;
}
