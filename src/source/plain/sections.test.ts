import { describe, expect, test } from "vitest";
import { parseSections } from "./sections.ts";

test("a text without markers is the way up", () => {
  expect(parseSections("select 1", "a.sql")).toEqual({
    up: { text: "select 1", line: 1, transaction: undefined },
    down: null,
    problems: [],
  });
});

test.each([
  ["-- migrate:up", "-- migrate:down"],
  ["-- +goose Up", "-- +goose Down"],
  ["--  +migrate Up", "-- +migrate Down"],
])("%s and its other half cut the text, and know their lines", (up, down) => {
  const { problems, ...sections } = parseSections(
    `-- head\n\n${up}\nselect 1;\n\n${down}\nselect 2;\n`,
    "a.sql",
  );
  expect(problems).toEqual([]);
  expect(sections.up).toEqual({ text: "select 1;\n\n", line: 4, transaction: undefined });
  expect(sections.down).toEqual({ text: "select 2;\n", line: 7, transaction: undefined });
});

test("a section says whether it runs in a transaction", () => {
  const text = "-- migrate:up transaction:false\nselect 1;\n-- migrate:down transaction:true\nselect 2;";
  const { up, down } = parseSections(text, "a.sql");
  expect([up.transaction, down?.transaction]).toEqual([false, true]);
});

test("a down section that does nothing is no way back", () => {
  expect(parseSections("-- migrate:up\nselect 1;\n-- migrate:down\n-- nothing\n", "a.sql").down).toBeNull();
});

describe("refused, with the line:", () => {
  test.each([
    ["a statement before the up section", "select 0;\n-- migrate:up\nselect 1", 1],
    ["down before up", "-- x\n-- migrate:down\nselect 1;\n-- migrate:up\nselect 2", 2],
    ["down alone", "-- migrate:down\nselect 1;", 1],
    ["up twice", "-- migrate:up\nselect 1;\n-- migrate:up\nselect 2", 3],
    ["down twice", "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n-- migrate:down\nselect 3", 5],
  ])("%s", (_, text, line) => {
    expect(parseSections(text, "a.sql").problems).toMatchObject([
      { code: "SOURCE_PARSE", place: { file: "a.sql", line } },
    ]);
  });

  test("an option with a typo", () => {
    expect(parseSections("-- migrate:up transaction:flase\nselect 1", "a.sql").problems).toMatchObject([
      {
        code: "SOURCE_DIRECTIVE_UNKNOWN",
        hint: "Did you mean `transaction:false`?",
        place: { line: 1, column: 15 },
      },
    ]);
  });
});

describe("where the up marker is missing or misspelt, the cause is named:", () => {
  test.each(["-- migrate up", "-- UP", "-- @UP", "/* migrate:up */", "-- migration:up"])("%s", (line) => {
    const { problems } = parseSections(`${line}\nselect 1;\n-- migrate:down\nselect 2;\n`, "a.sql");
    expect(problems).toMatchObject([{ code: "SOURCE_MARKER", details: { line }, place: { line: 1 } }]);
    expect(problems[0]?.hint).toContain("Write `-- migrate:up`");
  });

  test("none at all", () => {
    const { problems } = parseSections("select 1;\n-- migrate:down\nselect 2;\n", "a.sql");
    expect(problems).toMatchObject([{ code: "SOURCE_PARSE", place: { line: 1 } }]);
    expect(problems[0]?.hint).toContain("Write the line `-- migrate:up` above it");
  });
});

test("a file with sections cannot declare that it has none, and is not told to", () => {
  const text = "-- migrate:up\nselect 1;\n-- Rollback\nselect 2;\n-- migrate:down\nselect 3;\n";
  const [refused] = parseSections(text, "a.sql").problems;
  expect(refused).toMatchObject({ code: "SOURCE_MARKER", place: { line: 3 } });
  expect(refused?.hint).not.toContain("sections=none");
  const [declared] = parseSections(`-- godwit: sections=none\n${text}`, "a.sql").problems;
  expect(declared?.message).toBe("a.sql says `sections=none` and has the section marker `-- migrate:up`.");
});
