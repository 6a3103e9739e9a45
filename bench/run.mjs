// Compiles the benchmarks (TypeScript) to scratch files and runs them: node bench/run.mjs [migrations] [duplicates]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BENCHMARKS = ["migrations", "duplicates"];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !BENCHMARKS.includes(name));
if (unknown.length > 0)
  throw new Error(`There is no benchmark ${unknown.join(", ")}: ${BENCHMARKS.join(", ")}.`);
const names = wanted.length > 0 ? wanted : BENCHMARKS;

const root = fileURLToPath(new URL("..", import.meta.url));
const out = `${root}.cache/bench/`;
mkdirSync(out, { recursive: true });
await build({
  entryPoints: names.map((name) => `${root}bench/${name}.ts`),
  outdir: out,
  outExtension: { ".js": ".mjs" },
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
for (const name of names) {
  const { status } = spawnSync(process.execPath, [`${out}${name}.mjs`], { stdio: "inherit", cwd: root, env });
  if (status !== 0) process.exit(status ?? 1);
}
