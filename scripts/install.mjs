// Installs what package-lock.json names, unless it is there already. Quiet unless it fails; needs nothing but Node and npm.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = join(root, "package-lock.json");
// npm writes this file last, so it is missing after an installation that was cut off.
const done = join(root, "node_modules", ".package-lock.json");

if (!existsSync(done) || statSync(done).mtimeMs < statSync(lock).mtimeMs) {
  console.error("Installing packages …");
  const result = npm("ci");
  if (result.status !== 0) {
    console.error(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`);
    console.error("→ The packages could not be installed. With a reachable registry, try again: npm ci");
    process.exit(1);
  }
}

function npm(...words) {
  // NODE_ENV=production would leave out what builds and tests.
  const all = ["--include=dev", "--include=optional", "--no-audit", "--no-fund"];
  const windows = process.platform === "win32";
  return spawnSync(windows ? "npm.cmd" : "npm", [...words, ...all], {
    cwd: root,
    encoding: "utf8",
    shell: windows,
  });
}
