// `npm test`: builds, looks at format, rules and types, and runs the whole suite. Arguments go to vitest.
import { join } from "node:path";
import { buildIfNeeded, node, root } from "./fresh.mjs";

const bin = (...path) => join(root, "node_modules", ...path);

const steps = [
  () => (buildIfNeeded() ? 0 : 1),
  () => node([bin("@biomejs", "biome", "bin", "biome"), "check", "--reporter=summary", "."]),
  () => node([bin("typescript", "bin", "tsc"), "--noEmit"]),
  () => node([bin("vitest", "vitest.mjs"), "run", ...process.argv.slice(2)]),
];
for (const step of steps) {
  const code = step();
  if (code !== 0) process.exit(code);
}
