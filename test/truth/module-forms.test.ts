/** Every form in which a module can be written runs, and what goes wrong in what it imports has a place. */
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("modules of each kind run, and CommonJS requires what is there", async ({ db }) => {
  const folder = folderOf({
    "lib/name.cjs": 'module.exports.name = (n) => "t" + n;',
    "lib/name.mts": 'export const name = (n: number): string => "t" + n;',
    "migrations/0001_a.cts": `const { sep } = require("node:path") as typeof import("node:path");
const { name } = require("../lib/name.cjs");
export = { up: async ({ execute }: { execute(text: string): Promise<void> }) => {
  if (sep === "") return;
  await execute(\`create table \${name(1)} ()\`);
} };`,
    "migrations/0002_b.cjs": `const { name } = require("../lib/name.cjs");
module.exports = { up: ({ execute }) => execute(\`create table \${name(2)} ()\`) };`,
    "migrations/0003_c.mts": `import { name } from "../lib/name.mts";
export const up = ({ execute }: { execute(text: string): Promise<void> }) => execute(\`create table \${name(3)} ()\`);`,
    "migrations/0004_d.mjs": `import { name } from "../lib/name.mts";
export const up = ({ execute }) => execute(\`create table \${name(4)} ()\`);`,
  });
  await commandIn({ folder, url: db.url })("up");
  const tables = await db.sql("select relname from pg_class where relname ~ '^t[0-9]$' order by 1");
  expect(tables.map(({ relname }) => relname)).toEqual(["t1", "t2", "t3", "t4"]);
});

for (const [name, first] of [
  ["helper.ts", "interface A {\n  a: string;\n}\n"],
  ["helper.mjs", "// A\n\n\n"],
] as const)
  test(`an error while ${name} outside the folder is imported has its file and line`, async ({ db }) => {
    const folder = folderOf({
      [`lib/${name}`]: `${first}export const a = 1;\n  throw new Error("not today");\n`,
      "migrations/0001_a.ts": `import { a } from "../lib/${name}";\nexport const up = async () => a;\n`,
    });
    const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
    expect(json.problems[0]).toMatchObject({
      code: "PLAN_BROKEN_FILE",
      message: "0001_a.ts cannot be loaded: not today.",
      place: { file: join(folder, "lib", name), line: 5 },
    });
  });
