// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code of migrations
/** An error of a TypeScript migration names the place that its author wrote, in whatever file that is. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const HEAD = `import type { MigrationContext } from "godwit";
interface Row {
  readonly id: number;
}

`;

/** What it is, its code, and the excerpt that the error must name. */
const FAILURES: readonly (readonly [what: string, code: string, caret: string])[] = [
  [
    "sql",
    "await context.sql`select ${1}::int, nmae from pg_class`;",
    "select $1::int, nmae from pg_class\n    |                 ^",
  ],
  ["query", "await context.query('select wrong');", "select wrong\n    |        ^"],
  ["execute", 'await context.execute("select 1;\\nselect wrong");', "  2 | select wrong\n    |        ^"],
  ["schema", 'await context.schema.alterTable("none").dropColumn("x").execute();', ""],
  ["a constraint", "await context.sql`insert into t (id) values (1), (1)`;", ""],
  ["an error of its own", 'const count: number = 3; if (count as number) throw new Error("own");', ""],
];

for (const [what, code, caret] of FAILURES)
  test(`the place of ${what} is that of the author's file, with the statement below it`, async ({ db }) => {
    const file = `${HEAD}export async function up(context: MigrationContext): Promise<void> {\n  ${code}\n}\n`;
    const folder = folderOf({
      "migrations/0001_t.sql": "create table t (id int unique);",
      "migrations/0002_ü.ts": file,
    });
    const failed = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
    const { place, hint } = failed.json.problems[0];
    expect(place).toMatchObject({ file: "0002_ü.ts", line: 7 });
    expect(file.split("\n")[6]?.slice(place.column - 1)).toMatch(
      /^(?:`|await|query|execute|new Error|throw)/,
    );
    expect(place.excerpt).toContain(`  7 |   ${code.slice(0, 30)}`);
    expect(place.excerpt).toContain(caret);
    expect(hint).toBeTruthy();
  });

test("a helper of a sub-folder is named, and every kind of module", async ({ db }) => {
  const helper =
    'import type { MigrationContext } from "godwit";\n\ntype Sql = MigrationContext["sql"];\nexport const fill = (sql: Sql) =>\n  sql`update none set x = 1`;\n';
  for (const [name, text, expected] of [
    [
      "0001_a.ts",
      'import { fill } from "./lib/fill.ts";\nexport const up = ({ sql }: any) => fill(sql);',
      "lib/fill.ts:5:6",
    ],
    ["0001_a.mjs", "\nexport const up = ({ sql }) =>\n  sql`update none set x = 1`;", "0001_a.mjs:3:6"],
    [
      "0001_a.js",
      "export async function up({ sql }) {\n  await sql`update none set x = 1`; }",
      "0001_a.js:2:12",
    ],
    [
      "0001_a.cjs",
      "exports.up = async ({ sql }) => {\n  await sql`update none set x = 1`; };",
      "0001_a.cjs:2:12",
    ],
    [
      "0001_a.cts",
      "interface A { a: 1 }\n\nexports.up = async ({ sql }: any) => {\n  await sql`update none set x = 1`; };",
      "0001_a.cts:4:12",
    ],
    [
      "0001_a.mts",
      "interface A { a: 1 }\n\nexport const up = async ({ sql }: any) => {\n  await sql`update none set x = 1`; };",
      "0001_a.mts:4:12",
    ],
  ] as const) {
    const folder = folderOf({ [`migrations/${name}`]: text });
    if (name.endsWith("_a.ts")) writeFiles(folder, { "migrations/lib/fill.ts": helper });
    const godwit = commandIn({ folder, url: db.url });
    const failed = await godwit.fails(1, "up", "--json");
    expect(failed.json.problems[0].message, name).toBe(`${expected}: relation "none" does not exist`);
    expect(failed.stderr, name).toContain("in the statement:\n  1 | update none set x = 1\n    |        ^");
  }
});

test("a frozen bundle names the file that was frozen, and so does a dry run", async ({ db }) => {
  const text =
    "interface A { a: 1 }\n\nexport const up = async ({ sql }: any) => {\n  await sql`update none set x = 1`;\n};";
  const folder = folderOf({ "migrations/0001_a.ts": text });
  const godwit = commandIn({ folder, url: db.url });
  const dry = await godwit.fails(1, "up", "--dry-run");
  expect(dry.stderr + dry.stdout).toContain("0001_a.ts:4:12");
  await godwit("build", "frozen");
  const failed = await godwit.fails(1, "up", "--json", "--dir", "frozen");
  expect(failed.json.problems[0].place).toMatchObject({ file: "0001_a.ts", line: 4, column: 12 });
});

test("what the module wraps or swallows still names its call", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.js":
      "export async function up({ sql }) {\n  try { await sql`update none set x = 1`; } catch {}\n}",
  });
  const failed = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
  expect(failed.json.problems[0].place).toMatchObject({ file: "0001_a.js", line: 2, column: 18 });
});
