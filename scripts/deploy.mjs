// Writes deploy/: what `godwit init` writes for a small project, to look at before one has a project. A test compares.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KITS = ["docker", "compose", "kubernetes", "helm", "argo", "railway", "github-actions"];
/** A shop with one folder of migrations and one database. */
const SHOP = {
  "package.json": '{ "name": "shop" }\n',
  "godwit.config.ts":
    'import { defineConfig } from "godwit";\n\nexport default defineConfig({ dir: "migrations" });\n',
  "migrations/0001_shops.sql": "create table shops (id int);\n",
};

/** File → text, for `deploy/`. What belongs into the root of a project is in the root of it here. */
export function renderDeploy() {
  const folder = mkdtempSync(join(tmpdir(), "godwit-deploy-"));
  try {
    for (const [name, text] of Object.entries(SHOP)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const words = [join(root, "dist", "godwit.cjs"), "init", ...KITS.map((kit) => `--${kit}`)];
    execFileSync(process.execPath, words, { cwd: folder, env: { PATH: process.env.PATH }, stdio: "pipe" });
    const made = filesBelow(folder).filter((name) => !(name in SHOP));
    return Object.fromEntries(
      made.map((name) => [name.replace(/^deploy\//, ""), readFileSync(join(folder, name), "utf8")]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
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
  rmSync(join(root, "deploy"), { recursive: true, force: true });
  for (const [name, text] of Object.entries(renderDeploy())) {
    mkdirSync(dirname(join(root, "deploy", name)), { recursive: true });
    writeFileSync(join(root, "deploy", name), text);
  }
}
