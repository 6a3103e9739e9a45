import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SourceError } from "../../errors.ts";
import { callIn, createFolder, openFolder } from "../folder.fixture.ts";
import { groupFiles, numberOf, readName } from "../names.ts";

async function listed(files: Readonly<Record<string, string | Uint8Array>>) {
  return openFolder(createFolder(files)).list();
}

async function codesOf(files: Readonly<Record<string, string | Uint8Array>>) {
  const { migrations, problems } = await listed(files);
  const broken = migrations.flatMap(({ id, problem }) => (problem ? [[id, problem.code]] : []));
  return [...broken, ...problems.map(({ code, place }) => [place?.file, code])];
}

/** The heap after a garbage collection, so that only what is still referenced counts. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

describe("discovery", () => {
  test("finds every form of migration in one listing, and nothing else", async () => {
    const { migrations, problems } = await listed({
      "0001_sql.sql": "-- godwit: phase=complex transaction=off lock-timeout=1s\nselect 1",
      "0002_pair.up.sql": "select 1",
      "0002_pair.down.sql": "select 2",
      "0003_half.sql": "select 1",
      "0003_half.down.sql": "select 2",
      "0004_sections.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;",
      "0005_module.mjs": "export async function upgrade() {}\nexport const depends = ['0001_sql']",
      "unnumbered.cjs": "exports.up = () => {}; exports.down = () => {}; exports.revises = null",
      "repeatable/views.sql": "create or replace view v as select 1",
      "helpers/helper.ts": "export const nothing = 1",
      "types.d.ts": "x",
      "0001_sql.test.ts": "x",
      "godwit.config.ts": "x",
      "README.sql": "x",
      "notes.md": "x",
      ".hidden.sql": "x",
    });
    expect(problems).toEqual([]);
    const seen = migrations.map(({ kind, number, file, phase, revises, depends, revertible, problem }) => [
      ...[kind, number, file, phase, revises, depends, revertible, problem],
    ]);
    expect(seen).toEqual([
      ["sql", "1", "0001_sql.sql", "complex", null, [], false, undefined],
      ["sql", "2", "0002_pair.up.sql", "startup", null, [], true, undefined],
      ["sql", "3", "0003_half.sql", "startup", null, [], true, undefined],
      ["sql", "4", "0004_sections.sql", "startup", null, [], true, undefined],
      ["module", "5", "0005_module.mjs", "startup", null, ["0001_sql"], false, undefined],
      ["module", null, "unnumbered.cjs", "startup", [], [], true, undefined],
      ["repeatable", null, "repeatable/views.sql", "startup", null, [], false, undefined],
    ]);
    expect(migrations[0]?.settings).toMatchObject({ transaction: false, lockTimeoutMs: 1000 });
  });

  test("does not depend on the order in which files were written", async () => {
    const names = ["b.sql", "10_x.sql", "9_y.sql", "a.sql", "repeatable/z.sql", "repeatable/c.sql"];
    const expected = await listed(Object.fromEntries(names.map((name) => [name, "select 1"])));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(names, { minLength: names.length }), async (shuffled) => {
        expect(await listed(Object.fromEntries(shuffled.map((name) => [name, "select 1"])))).toEqual(
          expected,
        );
      }),
      { numRuns: 10 },
    );
  });

  test("grouping does not depend on the order of its input", () => {
    const names = [
      "a.sql",
      "a.up.sql",
      "b.ts",
      "b.js",
      "c.down.sql",
      "d.mjs",
      "d.sql",
      "e.up.sql",
      "e.down.sql",
    ];
    const group = (list: readonly string[]) => groupFiles(list.map(readName).filter((file) => file !== null));
    const expected = group(names);
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (shuffled) => {
        expect(group(shuffled)).toEqual(expected);
      }),
    );
  });

  test("byte order mark and line ends do not change a checksum", async () => {
    const { migrations } = await listed({
      "a.sql": "select 1;\nselect 2;\n",
      "b.sql": "\ufeffselect 1;\r\nselect 2;\r\n",
      "c.sql": "select 1;\nselect 3;\n",
    });
    const [a, b, c] = migrations.map(({ checksum }) => checksum);
    expect(a).toBe("sha256:061e995aebcb765888ac7580f67ee3815a03b9b9c3fd5ff2dbb40db98b53a737");
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test("an accent has one spelling, whichever system wrote the name", () => {
    expect(readName("cafe\u0301.sql")?.id).toBe("caf\u00e9");
  });

  test("keeps no text: memory stays flat over 5,000 files", async () => {
    const filler = `select '${"x".repeat(4000)}';`;
    const header = "-- godwit: depends=0000_the_very_first_one minimum-revision=0000_the_very_first_one";
    const files = Array.from({ length: 5000 }, (_, index) => [
      `${index}_m.sql`,
      `${header}\n${filler} -- ${index}`,
    ]);
    const source = openFolder(createFolder(Object.fromEntries(files) as Record<string, string>));
    const before = heapInUse();
    const { migrations } = await source.list();
    // 20 MB were read. Keeping a part of each text would be enough to keep all of it in memory.
    expect(heapInUse() - before).toBeLessThan(8_000_000);
    expect(migrations.at(-1)?.depends).toEqual(["0000_the_very_first_one"]);
    expect(migrations).toHaveLength(5000);
  });
});

test.each([
  ["0001_a", "1"],
  ["000", "0"],
  ["20240101120000-a", "20240101120000"],
  ["12.a", "12"],
  ["7", "7"],
  ["0001a", null],
  ["a_1", null],
])("the number of %s is %s", (id, number) => {
  expect(numberOf(id)).toBe(number);
});

test.each([
  ["empty", " \n"],
  ["only comments", "-- todo\n/* x */;"],
  ["an empty up section", "-- migrate:up\n-- migrate:down\nselect 1"],
])("a file that does nothing is no fault, and it is said: %s", async (_what, text) => {
  const { migrations } = await listed({ "a.sql": text });
  expect(migrations[0]).toMatchObject({ id: "a", note: { code: "SOURCE_FILE_EMPTY" } });
  expect(migrations[0]?.problem).toBeUndefined();
});

describe("a broken file is named and the others are found:", () => {
  test.each<[string, Record<string, string | Uint8Array>, unknown]>([
    ["not UTF-8", { "a.sql": Buffer.from([0x41, 0xfc]) }, [["a", "SOURCE_FILE_ENCODING"]]],
    ["a folder", { "a.sql/b.txt": "" }, [["a", "SOURCE_FILE_UNREADABLE"]]],
    ["a bad directive", { "a.sql": "-- godwit: phase=x\nselect 1" }, [["a", "SOURCE_DIRECTIVE_INVALID"]]],
    [
      "a bad down file",
      { "a.sql": "select 1", "a.down.sql": Buffer.from([0xfc]) },
      [["a", "SOURCE_FILE_ENCODING"]],
    ],
    [
      "depends in a down file",
      { "a.sql": "select 1", "a.down.sql": "-- godwit: depends=b\nselect 1" },
      [["a", "SOURCE_DIRECTIVE_INVALID"]],
    ],
    ["down alone", { "a.down.sql": "select 1" }, [["a.down.sql", "SOURCE_DOWN_WITHOUT_UP"]]],
    ["two ups", { "a.sql": "select 1", "a.up.sql": "select 1" }, [["a", "SOURCE_DUPLICATE_ID"]]],
    [
      "SQL and module",
      { "a.sql": "select 1", "a.mjs": "export function up() {}" },
      [["a", "SOURCE_DUPLICATE_ID"]],
    ],
    [
      "two modules",
      { "a.cjs": "exports.up = () => {}", "a.mjs": "export function up() {}" },
      [["a", "SOURCE_DUPLICATE_ID"]],
    ],
    [
      "two ways down",
      { "a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2", "a.down.sql": "select 1" },
      [["a", "SOURCE_DUPLICATE_ID"]],
    ],
    [
      "the same id twice",
      { "a.sql": "select 1", "repeatable/a.sql": "select 1" },
      [["a", "SOURCE_DUPLICATE_ID"]],
    ],
    ["loud extension", { "a.SQL": "select 1" }, [["a.SQL", "SOURCE_FILE_NAME"]]],
    ["a line end in the name", { "a\n.sql": "select 1" }, [["a\n.sql", "SOURCE_FILE_NAME"]]],
    ["a repeatable module", { "repeatable/a.ts": "" }, [["repeatable/a.ts", "SOURCE_FILE_NAME"]]],
    [
      "a way back by its name",
      { "1_a.sql": "select 1", "1_a_down.sql": "drop" },
      [["1_a_down", "SOURCE_MARKER"]],
    ],
    ["a loud one", { "1_a-Up.sql": "select 1", "1_A-DOWN.sql": "drop" }, [["1_A-DOWN", "SOURCE_MARKER"]]],
    [
      "a module undone",
      { "1_a.sql": "select 1", "1_a.undo.mjs": "export function up() {}" },
      [["1_a.undo", "SOURCE_MARKER"]],
    ],
    ["a scale-down", { "1_a.sql": "select 1", "2_scale_down.sql": "select 1" }, []],
    ["a repeatable down", { "repeatable/a.down.sql": "" }, [["repeatable/a.down.sql", "SOURCE_FILE_NAME"]]],
  ])("%s", async (_, files, expected) => {
    expect(await codesOf({ ...files, "zz.sql": "select 1" })).toEqual(expected);
  });

  test("a link that leads nowhere", async () => {
    const folder = createFolder({ "b.sql": "select 1" });
    symlinkSync("nowhere", join(folder, "a.sql"));
    const { migrations } = await openFolder(folder).list();
    expect(migrations.map(({ id, problem }) => [id, problem?.code])).toEqual([
      ["a", "SOURCE_FILE_UNREADABLE"],
      ["b", undefined],
    ]);
  });

  test("all that is wrong with one file is told at once", async () => {
    const { migrations } = await listed({ "a.sql": "-- godwit: phase=x transactoin=off\n" });
    expect(migrations[0]?.problem).toMatchObject({
      code: "SOURCE_DIRECTIVE_INVALID",
      details: { others: [{ code: "SOURCE_DIRECTIVE_UNKNOWN" }] },
    });
  });

  test.each(["-- godwit: down\nselect 1;", "select 1;\n-- godwit: down\nselect 2;"])(
    "a directive that is meant as a section leads to the section: %j",
    async (text) => {
      const { migrations } = await listed({ "a.sql": text });
      expect(migrations[0]?.problem?.hint).toContain("`-- migrate:down`");
    },
  );
});

describe("a folder", () => {
  const codeOf = async (folder: string) => {
    const error = await openFolder(folder)
      .list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SourceError);
    return error as SourceError;
  };
  test("that is missing", async () =>
    expect((await codeOf("/nowhere/at/all")).code).toBe("SOURCE_FOLDER_MISSING"));
  test("that is a file", async () =>
    expect((await codeOf(join(createFolder({ x: "" }), "x"))).code).toBe("SOURCE_FOLDER_UNREADABLE"));
  test("that is empty", async () =>
    expect((await codeOf(createFolder({}))).code).toBe("SOURCE_FOLDER_EMPTY"));
  test("of another tool's layout", async () => {
    const { code, hint } = await codeOf(createFolder({ "2024_init/migration.sql": "select 1" }));
    expect(code).toBe("SOURCE_FOLDER_EMPTY");
    expect(hint).toContain("2024_init/");
  });
});

describe("reading", () => {
  const openOne = async (files: Record<string, string>) => {
    const folder = createFolder(files);
    const source = openFolder(folder);
    const [migration] = (await source.list()).migrations;
    if (migration === undefined) throw new Error("nothing was listed");
    return { folder, source, migration };
  };

  test("gives each section with its first line and its own settings", async () => {
    const text =
      "-- godwit: lock-timeout=2s\n-- migrate:up\nselect 1;\n-- migrate:down transaction:false\nselect 2;";
    const { source, migration } = await openOne({ "a.sql": text });
    expect(await source.read(migration, "up")).toEqual({
      kind: "sql",
      text: "select 1;\n",
      line: 3,
      file: "a.sql",
    });
    expect(await source.read(migration, "down")).toEqual({
      ...{ kind: "sql", text: "select 2;", line: 5, file: "a.sql" },
      settings: { lockTimeoutMs: 2000, transaction: false },
    });
  });

  test("gives a down file with the settings of its own header", async () => {
    const { source, migration } = await openOne({
      "a.up.sql": "-- godwit: transaction=off\nselect 1",
      "a.down.sql": "-- godwit: statement-timeout=1s\nselect 2",
    });
    expect(migration.settings).toEqual({ transaction: false });
    expect(await source.read(migration, "down")).toMatchObject({
      file: "a.down.sql",
      settings: { statementTimeoutMs: 1000 },
    });
  });

  test("gives a module's functions, called as methods", async () => {
    const { source, migration } = await openOne({
      "a.mjs":
        "export default { word: 'up', async up({ log }) { log.info(this.word) }, down({ log }) { log.info('down') } }",
    });
    expect(await callIn(await source.read(migration, "up"))).toEqual(["up"]);
    expect(await callIn(await source.read(migration, "down"))).toEqual(["down"]);
  });

  test.each(["a.sql", "a.mjs"])("refuses %s when it was changed or is gone", async (name) => {
    const { folder, source, migration } = await openOne({ [name]: "export function up() {}" });
    writeFileSync(join(folder, name), "export function up() { }");
    await expect(source.read(migration, "up")).rejects.toMatchObject({ code: "SOURCE_FILE_CHANGED" });
    rmSync(join(folder, name));
    await expect(source.read(migration, "up")).rejects.toMatchObject({ code: "SOURCE_FILE_UNREADABLE" });
    mkdirSync(join(folder, name));
    await expect(source.read(migration, "up")).rejects.toMatchObject({ code: "SOURCE_FILE_UNREADABLE" });
  });

  test("refuses a broken migration with its problem", async () => {
    const { source, migration } = await openOne({ "a.sql": "-- godwit: phase=x" });
    await expect(source.read(migration, "up")).rejects.toMatchObject({ code: "SOURCE_DIRECTIVE_INVALID" });
  });
});
