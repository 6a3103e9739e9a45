// The whole suite on every supported PostgreSQL, then with the ledger in another schema. Stops at the first failure.
//   npm run test:matrix               everything
//   npm run test:matrix -- test/up    only the files whose name contains it
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { serverPackage, VERSIONS } from "./servers.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const majors = Object.keys(VERSIONS).map(Number);
const newest = Math.max(...majors);
const passes = [
  ...majors.map((major) => ({ name: `PostgreSQL ${major}`, major, environment: {} })),
  { name: "ledger in another schema", major: newest, environment: { GODWIT_TEST_SCHEMA: "other_ledger" } },
];

const rows = [];
let failed = false;
for (const { name, major, environment } of passes) {
  if (failed) {
    rows.push({ pass: name, server: "", result: "not run", seconds: "" });
    continue;
  }
  console.log(`\n── ${name}`);
  serverPackage(major); // installed before the clock runs
  const started = performance.now();
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, GODWIT_TEST_POSTGRES: String(major), ...environment },
  });
  failed = status !== 0;
  rows.push({
    pass: name,
    server: VERSIONS[major].replace(/-.*/, ""),
    result: failed ? "failed" : "passed",
    seconds: Math.round((performance.now() - started) / 1000),
  });
}
console.table(rows);
process.exitCode = failed ? 1 : 0;
