// Compiles the benchmarks (TypeScript) to a scratch file and runs them: node bench/run.mjs [name …]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = `${root}.cache/bench/`;
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [`${root}bench/migrations.ts`],
  outfile: `${out}migrations.mjs`,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  // The parts that are bundled look for their neighbours from where they were written.
  plugins: [
    {
      name: "own-url",
      setup({ onLoad }) {
        onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
          const { readFile } = await import("node:fs/promises");
          const text = await readFile(path, "utf8");
          return {
            contents: text.replaceAll("import.meta.url", JSON.stringify(`file://${path}`)),
            loader: path.endsWith(".ts") ? "ts" : "js",
          };
        });
      },
    },
  ],
});
const env = { ...process.env };
// It costs 33 ms at every start of Node 20 and says nothing about us.
delete env.NODE_EXTRA_CA_CERTS;
const { status } = spawnSync(process.execPath, [`${out}migrations.mjs`, ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: root,
  env,
});
process.exit(status ?? 1);
