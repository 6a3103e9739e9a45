import { describe, expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { goose } from "./goose.ts";
import { openInPlace } from "./in-place.ts";
import type { Reading } from "./layout.ts";

function read(text: string, environment: Readonly<Record<string, string>> = {}): Reading {
  const folder = createFolder({ "00001_a.sql": text });
  const [entry] = goose.discover(folder, { placeholders: {}, environment }).entries;
  if (entry === undefined) throw new Error("no entry");
  return entry.read({ file: "00001_a.sql", bytes: Buffer.from(text), text });
}

test("sections keep their lines, and a StatementEnd becomes a semicolon of the same width", () => {
  const text = [
    "-- +goose Up",
    "select 1;",
    "-- +goose StatementBegin",
    "select 2",
    "-- +goose StatementEnd",
    "select 3;",
    "-- +goose Down",
    "select 4;",
  ].join("\n");
  const { up, down, problems } = read(text);
  expect(problems).toEqual([]);
  expect(up.line).toBe(2);
  expect(up.text.split("\n")).toEqual([
    "select 1;",
    "-- +goose StatementBegin",
    "select 2",
    ";                     ",
    "select 3;",
  ]);
  expect(down).toMatchObject({ line: 7, text: "-- +goose Down\nselect 4;" });
});

test("annotations may be written small and with more spaces, but not with space in front", () => {
  expect(read("--   +GOOSE   up\nselect 1;\n-- +goose no  transaction").settings).toEqual({
    transaction: false,
  });
  expect(read("  -- +goose Up\nselect 1;").problems).toHaveLength(1);
});

test("a way back of comments only is none", () => {
  expect(read("-- +goose Up\nselect 1;\n-- +goose Down\n-- nothing\n\n").down).toBeNull();
  expect(read("-- +goose Up\nselect 1;").down).toBeNull();
});

test("a comment behind the semicolon ends the statement too", () => {
  expect(read("-- +goose Up\nselect 1; -- done;\nselect 2;").problems).toEqual([]);
  expect(read("-- +goose Up\nselect 1 -- done;\n").problems).toMatchObject([{ place: { line: 2 } }]);
});

describe("ENVSUB", () => {
  const environment = { SCHEMA: "shop", EMPTY: "" };
  const up = (line: string) => read(`-- +goose ENVSUB ON\n-- +goose Up\n${line}`, environment).up.text;

  test.each([
    [`select '\${SCHEMA}';`, "select 'shop';"],
    ["select '$SCHEMA.x';", "select 'shop.x';"],
    [`select '\${EMPTY:-none} \${MISSING:-none}';`, "select 'none none';"],
    ["select '$1', $$x$$, $SCHEMA$x$SCHEMA$;", "select '$1', $$x$$, $SCHEMA$x$SCHEMA$;"],
  ])("%s", (line, expected) => {
    expect(up(line)).toBe(expected);
  });

  test("only where it is on", () => {
    const text = `-- +goose Up\nselect '\${SCHEMA}';\n-- +goose ENVSUB ON\nselect '\${SCHEMA}';\n-- +goose ENVSUB OFF\nselect '\${SCHEMA}';`;
    expect(read(text, environment).up.text.match(/'.*'/g)).toEqual([
      `'\${SCHEMA}'`,
      "'shop'",
      `'\${SCHEMA}'`,
    ]);
  });

  test("a variable that is not set is named with its line", () => {
    const text = `-- +goose Up\n-- +goose ENVSUB ON\nselect '\${NOWHERE}';`;
    expect(read(text, environment).problems).toMatchObject([
      { code: "SOURCE_PLACEHOLDER", message: expect.stringContaining("NOWHERE"), place: { line: 3 } },
    ]);
  });
});

test("a list of a folder reads what its environment holds", async () => {
  const folder = createFolder({ "1_a.sql": `-- +goose ENVSUB ON\n-- +goose Up\nselect '\${X}';` });
  const { migrations } = await openInPlace(goose, folder, { placeholders: {}, environment: {} }).list();
  expect(migrations[0]?.problem).toMatchObject({ code: "SOURCE_PLACEHOLDER" });
});
