import { expect, test } from "vitest";
import { openLayout } from "./layout.fixture.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";

const list = (...names: string[]) =>
  openLayout(nodePgMigrate, Object.fromEntries(names.map((name) => [name, "select 1"])));

test("the number comes first, 17 digits being a time; then the name, its punctuation ignored", async () => {
  const { ids, wrong } = await list(
    "1700000000001_b.sql",
    "20231114221320000_same-moment-as-1700000000000.sql",
    "1700000000000_a.sql",
    "10_x.sql",
    "9_x.sql",
    "0010-a.sql",
    "3_step10.sql",
    "3_step9.sql",
    ".hidden.sql",
  );
  expect(wrong).toEqual([]);
  expect(ids).toEqual([
    "3_step9",
    "3_step10",
    "9_x",
    "0010-a",
    "10_x",
    "1700000000000_a",
    "20231114221320000_same-moment-as-1700000000000",
    "1700000000001_b",
  ]);
});

test("the markers cut a file, and know their lines", async () => {
  const { up, down, migrations } = await openLayout(nodePgMigrate, {
    "1_a.sql": "-- Up Migration\nselect 1;\n\n-- Down Migration\nselect 2;\n",
    "2_down_first.sql": "-- Down Migration\nselect 2;\n---- up   migration of things\nselect 1;\n",
    "3_no_marker.sql": "select 1;\n",
    "4_down_only.sql": "select 1;\n-- Down Migration\nselect 2;\n",
    "5_empty_down.sql": "-- Up Migration\nselect 1;\n-- Down Migration\n-- nothing\n",
  });
  expect(await up("1_a")).toBe("-- Up Migration\nselect 1;\n");
  expect(await down("1_a")).toBe("\n-- Down Migration\nselect 2;\n");
  expect(await up("2_down_first")).toBe("---- up   migration of things\nselect 1;\n");
  expect(await down("2_down_first")).toBe("-- Down Migration\nselect 2;\n");
  expect(await up("3_no_marker")).toBe("select 1;\n");
  // The tool would run the whole file, including its way back.
  expect(migrations[3]?.problem).toMatchObject({ code: "SOURCE_MARKER", place: { line: 2 } });
  expect(migrations.map(({ revertible }) => revertible)).toEqual([true, true, false, true, false]);
  expect(migrations[0]?.tool).toEqual({ version: "1_a", checksums: [], columns: { name: "1_a" } });
});

test.each([
  ["create table t (i int);\n-- Up migration: fill\nselect 1;\n", "-- Up migration: fill"],
  ["select 0;\n-- Up Migration\nselect 1;\n-- Down Migration\nselect 2;\n", "-- Up Migration"],
  ["select 0;\n-- Down Migration\nselect 2;\n-- Up Migration\nselect 1;\n", "-- Down Migration"],
  ["select $$\n-- up migration\n$$;\n", "-- up migration"],
])("a statement above the first mark is refused, not dropped: %j", async (text, line) => {
  const { migrations } = await openLayout(nodePgMigrate, { "1_a.sql": text });
  expect(migrations[0]?.problem).toMatchObject({
    code: "SOURCE_PARSE",
    message: `1_a.sql has a statement in front of \`${line}\`, which would never run.`,
    place: { line: 1 },
  });
});

test("modules are refused by name, what has no number too", async () => {
  const { wrong, ids } = await list("1_a.sql", "2_b.ts", "3_c.js", "4_d.txt", "README.md");
  expect(ids).toEqual(["1_a", "2_b", "3_c", "4_d"]);
  expect(wrong).toEqual([
    expect.stringMatching(/^SOURCE_FILE_NAME README\.md/),
    expect.stringMatching(/^LAYOUT_REFUSED 2_b\.ts .* module/),
    expect.stringMatching(/^LAYOUT_REFUSED 3_c\.js .* module/),
    expect.stringMatching(/^LAYOUT_REFUSED 4_d\.txt .* no SQL file/),
  ]);
});
