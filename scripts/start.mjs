// `npm start`: all that CraftFlow's worker does, on an embedded PostgreSQL and a generated folder of designs.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildIfNeeded, node, root } from "./fresh.mjs";

if (!buildIfNeeded()) process.exit(1);
const godwit = join(root, "dist", "godwit.cjs");
const folder = join(root, "examples", "craftflow");
const nas = join(folder, ".godwit", "nas");
const sheet = join(folder, ".godwit", "duplicates.html");

// Loaded by a process of its own: sharp is nothing that the rest needs.
if (!existsSync(nas) && node([join(root, "scripts", "nas.mjs"), nas], { cwd: folder }) !== 0) process.exit(1);

// A database of one's own is for `godwit up`; this is the example's, wherever it is tried.
const kept = Object.entries(process.env).filter(
  ([name]) =>
    !/^(DATABASE_URL|GODWIT_|MIGRATION_|QNAP_|NAS_|PG[A-Z]|NODE_ENV$|KUBERNETES_|RAILWAY_)/.test(name),
);
const env = { ...Object.fromEntries(kept), NAS_FOLDER: nas };
const code = node([godwit, "up", ...process.argv.slice(2)], { cwd: folder, env });
if (code !== 0) process.exit(code);
const searched = node([godwit, "duplicates", "--html", sheet, "--quiet"], { cwd: folder, env });
if (searched !== 0) process.exit(searched);

const ask = (...words) =>
  JSON.parse(
    spawnSync(process.execPath, [godwit, ...words, "--json", "--quiet"], {
      cwd: folder,
      env,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    }).stdout,
  );
const { database, migrations } = ask("status");
const applied = migrations.filter(({ state }) => state === "applied").length;
const { counts } = ask("duplicates");
console.log(`
CraftFlow's database "${database}" has all ${applied} of its migrations and ${counts.files} images, in ${join(folder, ".godwit")}.
${counts.exact + counts.same} groups of duplicates, ${counts.review} pairs to judge. To look at them, open in a browser:

  ${sheet}

Run npm start again: nothing is left to do. Or try, in examples/craftflow:

  export NAS_FOLDER='${nas}'
  node ../../dist/godwit.cjs status
  node ../../dist/godwit.cjs duplicates
  node ../../dist/godwit.cjs down -1
  node ../../dist/godwit.cjs up
  node ../../dist/godwit.cjs --help`);
