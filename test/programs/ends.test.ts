/** A program that nothing else keeps alive gets to its last line, whatever it asked of the library. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { root } from "../../scripts/fresh.mjs";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const FILES = {
  "migrations/0001_shops.ts":
    'import { migration } from "godwit";\nexport default migration({ async up({ sql }) { await sql`create table shops (id int)`; } });\n',
};

const library = pathToFileURL(join(root, "dist", "index.js")).href;

async function program(db: TestDatabase, lines: string) {
  const folder = folderOf(FILES);
  const script = `import { createFleet, createMigrator } from ${JSON.stringify(library)};
const config = { root: ${JSON.stringify(folder)}, dir: "migrations", ledgerSchema: ${JSON.stringify(ledgerSchema)} };
const url = ${JSON.stringify(db.url)};
${lines}
console.log("last line");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env.PATH },
    timeout: 25_000,
  });
  return stdout;
}

test.for([
  [
    "a migrator with a module, closed by hand",
    "const migrator = createMigrator({ ...config, databaseUrl: url }); await migrator.up(); await migrator.close();",
  ],
  [
    "a migrator that only looked",
    "const migrator = createMigrator({ ...config, databaseUrl: url }); await migrator.status(); await migrator.close();",
  ],
  [
    "a fleet",
    "const { root, ...rest } = config; const fleet = createFleet({ root, targets: { a: { url, ...rest } } }); await fleet.up(); await fleet.close();",
  ],
] as const)("%s", async ([, lines], { db }) => {
  expect(await program(db, lines)).toBe("last line\n");
});
