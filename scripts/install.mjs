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
  console.error("Installing packages (npm ci) …");
  const { status, stdout, stderr, error } = spawnSync(
    process.platform === "win32" ? "npm.cmd" : "npm",
    // NODE_ENV=production would leave out what builds and tests.
    ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund"],
    { cwd: root, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) {
    console.error(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`);
    console.error("→ npm ci failed. With a network and a reachable registry, try again: npm ci");
    process.exit(1);
  }
}
