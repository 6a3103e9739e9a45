// Builds dist/ unless it is newer than everything it is made from.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Gives back whether dist/ is good. */
export function buildIfNeeded({ types = true } = {}) {
  const built = join(root, "dist", "godwit.cjs");
  const from = ["package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"].map((name) =>
    join(root, name),
  );
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const newest = Math.max(...[...from, ...sources].map((path) => statSync(path).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return true;
  return node(["scripts/build.mjs", ...(types ? [] : ["--no-types"])]) === 0;
}

/** Runs a script of this project's, with its output; gives back the exit code. */
export function node(args, options = {}) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", ...options }).status ?? 1;
}
