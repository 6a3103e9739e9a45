/** The package as people get it: packed, and installed by npm into an empty project. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeDeclarations } from "../../scripts/declarations.mjs";
import { root } from "../../scripts/fresh.mjs";

export interface Tarball {
  readonly path: string;
  /** The names of the files in it. */
  readonly files: readonly string[];
}

/** Packs what `npm publish` would, without replacing `dist/`, which other tests run meanwhile. */
export function pack(folder: string): Tarball {
  const stage = join(folder, "stage");
  mkdirSync(stage, { recursive: true });
  for (const name of ["bin", "docs", "README.md", "LICENSE", "CHANGELOG.md", "package.json"])
    cpSync(join(root, name), join(stage, name), { recursive: true });
  cpSync(join(root, "dist"), join(stage, "dist"), {
    recursive: true,
    filter: (path) => !path.endsWith(".d.ts"),
  });
  const types = join(folder, "types");
  writeDeclarations(types);
  cpSync(types, join(stage, "dist"), { recursive: true });
  const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [packed] = JSON.parse(execFileSync("npm", words, { cwd: stage, encoding: "utf8" })) as [
    { filename: string; files: readonly { path: string }[] },
  ];
  return { path: join(folder, packed.filename), files: packed.files.map(({ path }) => path) };
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
