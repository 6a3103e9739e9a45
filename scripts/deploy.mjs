// Writes deploy/: what `godwit init` writes for a small project, to look at before one has a project; and the same files of
// the examples. A test compares.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildIfNeeded } from "./fresh.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KITS = ["docker", "compose", "kubernetes", "helm", "argo", "railway", "github-actions"];
/** A shop with one folder of migrations and one database. */
const SHOP = {
  "package.json": '{ "name": "shop" }\n',
  "godwit.config.ts":
    'import { defineConfig } from "godwit";\n\nexport default defineConfig({ dir: "migrations" });\n',
  "migrations/0001_shops.sql": "create table shops (id int);\n",
};

/** Which files of an example are those of `godwit init`. */
export const EXAMPLES = {
  craftflow: ["docker", "railway"],
  echomind: ["docker"],
  "meter-lab": ["docker"],
};

/** File → text, for `deploy/`. What belongs into the root of a project is in the root of it here. */
export function renderDeploy() {
  const files = initIn("shop", KITS, (folder) => writeAll(folder, SHOP));
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name.replace(/^deploy\//, ""), text]),
  );
}

/** File → text, for the folder of the example. */
export function renderExample(name) {
  return initIn(name, EXAMPLES[name], (folder) => {
    cpSync(join(root, "examples", name), folder, {
      recursive: true,
      filter: (path) => !/[\\/](deploy|\.godwit|railway\.json)$/.test(path),
    });
  });
}

/** What `godwit init` adds to a project of this name. */
function initIn(name, kits, fill) {
  const parent = mkdtempSync(join(tmpdir(), "godwit-deploy-"));
  try {
    const folder = join(parent, name);
    mkdirSync(folder);
    fill(folder);
    const before = new Set(filesBelow(folder));
    const words = [join(root, "dist", "godwit.cjs"), "init", ...kits.map((kit) => `--${kit}`)];
    execFileSync(process.execPath, words, { cwd: folder, env: { PATH: process.env.PATH }, stdio: "pipe" });
    const made = filesBelow(folder).filter((path) => !before.has(path));
    return Object.fromEntries(made.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function writeAll(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Relative to it, with slashes. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => relative(folder, join(folder, name)).replaceAll("\\", "/"))
    .toSorted();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  buildIfNeeded();
  // All of it is made before anything is taken away.
  const made = renderDeploy();
  rmSync(join(root, "deploy"), { recursive: true, force: true });
  writeAll(join(root, "deploy"), made);
  for (const name of Object.keys(EXAMPLES)) writeAll(join(root, "examples", name), renderExample(name));
}
