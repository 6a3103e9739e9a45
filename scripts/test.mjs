// `npm test`: builds, looks at format, rules and types, and runs the whole suite. Arguments go to vitest.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildIfNeeded, node, root } from "./fresh.mjs";

const counts = join(root, ".cache", "tests.json");
const bin = (...path) => join(root, "node_modules", ...path);

const steps = [
  () => (buildIfNeeded() ? 0 : 1),
  () => node([bin("@biomejs", "biome", "bin", "biome"), "check", "--reporter=summary", "."]),
  () => node([bin("typescript", "bin", "tsc"), "--noEmit"]),
  () =>
    node([
      bin("vitest", "vitest.mjs"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${counts}`,
      ...process.argv.slice(2),
    ]),
];
rmSync(counts, { force: true });
for (const step of steps) {
  const code = step();
  if (code === 0) continue;
  tell();
  process.exit(code);
}
tell();

/** The last line, for whoever reads only that. */
function tell() {
  if (!existsSync(counts)) return;
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(counts, "utf8"));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
}
