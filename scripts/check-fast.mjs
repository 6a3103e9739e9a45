// `npm run check:fast`: format, rules, types and the tests that need no server, side by side; in half a minute on two cores.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { buildIfNeeded, root } from "./fresh.mjs";

const bin = (...path) => join(root, "node_modules", ...path);
/** What the compiler found the last time: it looks again only at what has changed. */
const types = join(root, ".cache", "types.tsbuildinfo");
const checks = [
  ["format and rules", [bin("@biomejs", "biome", "bin", "biome"), "check", "--reporter=summary", "."]],
  ["types", [bin("typescript", "bin", "tsc"), "--noEmit", "--incremental", "--tsBuildInfoFile", types]],
  ["unit tests", [bin("vitest", "vitest.mjs"), "run", "--project", "unit", "--reporter=dot"]],
];

if (!buildIfNeeded({ types: false })) process.exit(1);
const results = await Promise.all(checks.map(([name, words]) => run(name, words)));
for (const { name, code, output, seconds } of results) {
  if (code !== 0) process.stdout.write(output);
  console.log(`${code === 0 ? "✓" : "✗"} ${name} (${seconds} s)`);
}
process.exit(results.some(({ code }) => code !== 0) ? 1 : 0);

function run(name, words) {
  const started = performance.now();
  const child = spawn(process.execPath, words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  return new Promise((resolve) => {
    child.on("close", (code) =>
      resolve({ name, code, output, seconds: ((performance.now() - started) / 1000).toFixed(1) }),
    );
  });
}
