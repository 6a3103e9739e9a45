// Compiles the benchmarks (TypeScript) to scratch files and runs them one after the other, all unless some are named:
//   node bench/run.mjs [migrations] [schemas] [import] [duplicates] [beside] [backfill] [tables] [prediction]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ALL = ["migrations", "schemas", "import", "duplicates", "beside", "backfill", "tables", "prediction"];
const names = process.argv.slice(2).filter((name) => !name.startsWith("-"));
const flags = process.argv.slice(2).filter((name) => name.startsWith("-"));
const unknown = names.filter((name) => !ALL.includes(name));
if (unknown.length > 0) throw new Error(`No benchmark "${unknown[0]}"; there are ${ALL.join(", ")}.`);
const root = fileURLToPath(new URL("..", import.meta.url));
const out = `${root}.cache/bench/`;
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [...ALL, "import/floor", "import/fetch"].map((name) => `${root}bench/${name}.ts`),
  outdir: out,
  outbase: `${root}bench`,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
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
            contents: text
              .replaceAll("import.meta.url", JSON.stringify(`file://${path}`))
              .replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
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
for (const name of names.length > 0 ? names : ALL) {
  const options = { stdio: "inherit", cwd: root, env };
  const { status } = spawnSync(process.execPath, [`${out}${name}.mjs`, ...flags], options);
  if (status !== 0) process.exit(status ?? 1);
}
