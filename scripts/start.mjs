// `npm start`: migrates the CraftFlow example on an embedded PostgreSQL.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildIfNeeded, node, root } from "./fresh.mjs";

if (!buildIfNeeded()) process.exit(1);
const godwit = join(root, "dist", "godwit.cjs");
const folder = join(root, "examples", "craftflow");

// A database of one's own is for `godwit up`; this is the example's, wherever it is tried.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL|GODWIT_|MIGRATION_|PG[A-Z]|NODE_ENV$|KUBERNETES_|RAILWAY_)/.test(name),
  ),
);
const code = node([godwit, "up", ...process.argv.slice(2)], { cwd: folder, env: environment });
if (code !== 0) process.exit(code);

const options = { cwd: folder, env: environment, encoding: "utf8" };
const { stdout } = spawnSync(process.execPath, [godwit, "status", "--json", "--quiet"], options);
const { database, migrations } = JSON.parse(stdout);
const applied = migrations.filter(({ state }) => state === "applied").length;
console.log(`
CraftFlow's database "${database}" has all ${applied} of its migrations, in ${join(folder, ".godwit")}.
Run npm start again: nothing is left to do. Or try, in examples/craftflow:

  node ../../dist/godwit.cjs status
  node ../../dist/godwit.cjs down -1
  node ../../dist/godwit.cjs new add a colour
  node ../../dist/godwit.cjs up
  node ../../dist/godwit.cjs --help`);
