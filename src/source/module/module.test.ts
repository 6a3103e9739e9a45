import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callIn, createFolder, openFolder } from "../folder.fixture.ts";
import type { PlainOptions } from "../plain/plain.ts";
import { compileTypeScript } from "./hooks.ts";
import { compileSettings } from "./typescript.ts";

async function only(files: Record<string, string>, options: Partial<PlainOptions> = {}) {
  const source = openFolder(createFolder(files), options);
  const [migration, ...others] = (await source.list()).migrations;
  if (migration === undefined || others.length > 0) throw new Error("one migration was expected");
  const up = async () => {
    return callIn(await source.read(migration, "up"));
  };
  return { migration, up };
}

describe("TypeScript", () => {
  test("runs with enums and parameter properties, helpers of any spelling, and `godwit` itself", async () => {
    const { migration, up } = await only({
      "0001_a.ts": `
        import { migration } from "godwit";
        import type { Missing } from "./nowhere.ts";
        import { one } from "./help/one.js";
        import { two } from "./help/two";
        import { three } from "./help/three.ts";
        import { four } from "./help";
        enum Colour { red = 7 }
        class Box { constructor(readonly value: number) {} }
        export default migration({
          depends: "0000_x", revises: "none", phase: "contract", transaction: false, lockTimeout: "2min",
          statementTimeout: "none", rowSecurity: true, outOfOrder: true, minimumRevision: "0000_x", idempotent: true,
          up: ({ log }) => log.info(String([new Box(Colour.red).value, one, two, three, four] as Missing)),
          down() {},
        });`,
      "help/one.ts": "export const one: number = 1",
      "help/two.mts": "export const two: number = 2",
      "help/three.ts": "export const three: number = 3",
      "help/index.ts": "export const four: number = 4",
    });
    expect(migration).toMatchObject({
      kind: "module",
      depends: ["0000_x"],
      revises: [],
      phase: "contract",
      revertible: true,
      fingerprint: null,
      settings: {
        ...{ transaction: false, lockTimeoutMs: 120_000, statementTimeoutMs: 0, rowSecurity: true },
        ...{ outOfOrder: true, minimumRevision: "0000_x", idempotent: true },
      },
    });
    expect(migration.problem).toBeUndefined();
    expect(await up()).toEqual(["7,1,2,3,4"]);
  });

  test("may be CommonJS", async () => {
    const { up, migration } = await only({
      "a.cts":
        "import path = require('node:path'); export = { up: ({ log }): void => log.info(path.posix.join('a', 'b')) }",
    });
    expect(migration.problem).toBeUndefined();
    expect(await up()).toEqual(["a/b"]);
  });

  test("a file and its compiled twin are one migration, known by the source", async () => {
    const source = "export const up = ({ log }): void => log.info('ts')";
    const { migration, up } = await only({
      "a.ts": source,
      "a.js": "exports.up = ({ log }) => log.info('js')",
    });
    const alone = await only({ "a.ts": source });
    expect(migration).toEqual(alone.migration);
    expect(await up()).toEqual(["ts"]);
  });

  test("a changed file is loaded again in the same process", async () => {
    const folder = createFolder({
      "a.ts": "export const up = ({ log }) => log.info(1)",
      "b.cjs": "exports.up = ({ log }) => log.info(1)",
    });
    const source = openFolder(folder);
    const run = async () =>
      Promise.all(
        (await source.list()).migrations.map(async (migration) => callIn(await source.read(migration, "up"))),
      );
    expect(await run()).toEqual([["1"], ["1"]]);
    writeFileSync(join(folder, "a.ts"), "export const up = ({ log }) => log.info(2)");
    writeFileSync(join(folder, "b.cjs"), "exports.up = ({ log }) => log.info(2)");
    expect(await run()).toEqual([["2"], ["2"]]);
  });
});

describe("the cache", () => {
  test("spares the compiler: what is known is not compiled again", async () => {
    const cacheFolder = createFolder({});
    const settings = compileSettings(cacheFolder);
    const code = await compileTypeScript("export const a: number = 1", "/x/a.ts", settings);
    expect(readdirSync(cacheFolder)).toHaveLength(1);
    const without = { ...settings, compiler: "file:///there/is/no/compiler.mjs" };
    expect(await compileTypeScript("export const a: number = 1", "/y/a.ts", without)).toBe(code);
    const others = [
      { text: "export const a: number = 2", settings: without },
      { text: "export const a: number = 1", settings: { ...without, compilerVersion: "other" } },
    ];
    for (const other of others) {
      const compiled = expect(compileTypeScript(other.text, "/x/a.ts", other.settings));
      // Newer versions of Node compile it themselves.
      if (process.version.startsWith("v20.")) await compiled.rejects.toThrow("compiler is not installed");
      else await compiled.resolves.not.toContain("number");
    }
  });

  test("that cannot be written is none", async () => {
    const file = join(createFolder({ file: "in the way" }), "file");
    const { migration } = await only({ "a.ts": "export const up = (): number => 1" }, { cacheFolder: file });
    expect(migration.problem).toBeUndefined();
  });

  test("leaves no half-written file behind", async () => {
    const cacheFolder = createFolder({});
    const compile = () =>
      compileTypeScript("export const a: number = 1", "/x/a.ts", compileSettings(cacheFolder));
    await Promise.all(Array.from({ length: 20 }, compile));
    expect(readdirSync(cacheFolder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.js$/)]);
    rmSync(cacheFolder, { recursive: true });
  });
});

describe("a module that is broken is named, with the place:", () => {
  const thrown = "type A = {\n  a: 1 };\nexport const up = (): void => {};\n  throw new Error('no luck');\n";
  test.each<[string, string, string, string, object]>([
    [
      "a syntax error",
      "a.ts",
      "export const up = 1;\nlet b = = 2;",
      "SOURCE_MODULE_BROKEN",
      { line: 2, column: 9 },
    ],
    [
      "in JavaScript",
      "a.mjs",
      "export const up = 1;\nlet b = = 2;",
      "SOURCE_MODULE_BROKEN",
      { line: 2, column: 9 },
    ],
    ["an error at import", "a.ts", thrown, "SOURCE_MODULE_BROKEN", { line: 4, column: 9 }],
    [
      "in JavaScript",
      "a.cjs",
      "\n throw new Error('no luck')",
      "SOURCE_MODULE_BROKEN",
      { line: 2, column: 8 },
    ],
    ["throws no error", "a.mjs", "throw 'words'", "SOURCE_MODULE_BROKEN", {}],
    [
      "a missing package",
      "a.ts",
      "import 'not-there-at-all'; export const up = () => {}",
      "SOURCE_MODULE_BROKEN",
      {},
    ],
    ["no up", "a.ts", "export const down = () => {}", "SOURCE_MODULE_WITHOUT_UP", {}],
    ["up is no function", "a.mjs", "export const up = 1", "SOURCE_MODULE_WITHOUT_UP", {}],
    ["nothing at all", "a.mjs", "", "SOURCE_MODULE_WITHOUT_UP", {}],
    [
      "Alembic's word for revises",
      "a.mjs",
      "export const down_revision = '1'; export const up = () => {}",
      "SOURCE_DIRECTIVE_UNKNOWN",
      {},
    ],
    [
      "Alembic's word for depends",
      "a.mjs",
      "export default { depends_on: [], up() {} }",
      "SOURCE_DIRECTIVE_UNKNOWN",
      {},
    ],
    ["a key with a typo", "a.mjs", "export default { dependz: [], up() {} }", "SOURCE_DIRECTIVE_UNKNOWN", {}],
    ["a bad phase", "a.mjs", "export const phase = 'x', up = () => {}", "SOURCE_DIRECTIVE_INVALID", {}],
    ["a bad list", "a.mjs", "export default { depends: [1], up() {} }", "SOURCE_DIRECTIVE_INVALID", {}],
    ["a bad duration", "a.mjs", "export default { lockTimeout: 5, up() {} }", "SOURCE_DIRECTIVE_INVALID", {}],
  ])("%s", async (_, name, text, code, place) => {
    const { migration } = await only({ [name]: text });
    expect(migration.problem).toMatchObject({ code, place: { file: name, ...place } });
    expect(migration.id).toBe("a");
  });

  test("an error in what it imports names that file", async () => {
    const { migration } = await only({
      "a.ts": "import './help/b.ts'; export const up = () => {}",
      "help/b.ts": "let x = = 1",
    });
    expect(migration.problem).toMatchObject({
      code: "SOURCE_MODULE_BROKEN",
      place: { file: expect.stringMatching(/help\/b\.ts$/), line: 1, column: 9 },
    });
  });

  const USE = "export async function up() { console.log(x); }";
  test.each([
    [
      "an alias of tsconfig",
      `\nimport x from "@/lib/d";\n${USE}`,
      { line: 2, column: 15 },
      "`paths` and `baseUrl` of tsconfig.json",
    ],
    [
      "an alias that looks like a package",
      `import x from "@app/lib";\n${USE}`,
      { line: 1, column: 15 },
      "`paths` and `baseUrl` of tsconfig.json",
    ],
    [
      "a name that package.json does not define",
      `\nimport x from "#lib";\n${USE}`,
      { line: 2, column: 15 },
      'Define "#lib" in `imports` of package.json',
    ],
    [
      "a package that is not installed",
      `import x from "lodashh";\n${USE}`,
      { line: 1, column: 15 },
      "npm install lodashh",
    ],
    [
      "a file that is not there",
      `\n\nimport x from "./nope.ts";\n${USE}`,
      { line: 3, column: 15 },
      "The file is not there",
    ],
    [
      "JSON without an attribute",
      `import x from "./d.json";\n${USE}`,
      { line: 1, column: 15 },
      'with { type: "json" }',
    ],
    ["a decorator", `const x = 1;\n@x class A {}\n${USE}`, { line: 2, column: 1 }, "without them"],
  ])("what Node cannot load has its place and a way out: %s", async (_, text, place, hint) => {
    const { migration } = await only({ "a.ts": text, "d.json": "{}" });
    expect(migration.problem).toMatchObject({
      place: { file: "a.ts", ...place },
      hint: expect.stringContaining(hint),
    });
  });

  test("CommonJS that requires what only `import` can find is told so", async () => {
    const { migration } = await only({ "a.cjs": "require('./help/b')", "help/b.ts": "" });
    expect(migration.problem).toMatchObject({
      message: "a.cjs cannot be loaded: Cannot find module './help/b'.",
      hint: expect.stringContaining("use `import`"),
      place: { line: 1, column: 1 },
    });
  });

  test("an import that never settles ends at the module timeout", async () => {
    const { migration } = await only(
      { "a.mjs": "await new Promise(() => {}); export const up = () => {}" },
      { moduleTimeoutMs: 50 },
    );
    expect(migration.problem?.message).toBe(
      "a.mjs cannot be loaded: its import did not settle within 50 ms (module timeout).",
    );
  });
});

test.each([
  ["exported functions", "a.mjs", "export const up = ({ log }) => log.info(1)"],
  [
    "Alembic's words",
    "a.mjs",
    "export async function upgrade({ log }) { log.info(1) }\nexport function downgrade() {}",
  ],
  ["a default object", "a.mjs", "export default { up: ({ log }) => log.info(1) }"],
  ["CommonJS", "a.cjs", "module.exports = { up: ({ log }) => log.info(1) }"],
  ["TypeScript without modules", "a.ts", "exports.up = ({ log }): void => log.info(1)"],
  [
    "compiled TypeScript",
    "a.cjs",
    "exports.__esModule = true; exports.default = { up: ({ log }) => log.info(1) }",
  ],
  [
    "with godwit",
    "a.mjs",
    "import { migration } from 'godwit'; export default migration({ up: ({ log }) => log.info(1) })",
  ],
])("a module may be written as %s (%s: %s)", async (_, name, text) => {
  const { migration, up } = await only({ [name]: text });
  expect(migration.problem).toBeUndefined();
  expect(await up()).toEqual(["1"]);
});
