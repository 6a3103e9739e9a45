import { expect, test } from "vitest";
import { readComposite } from "./composite.ts";

test.for<[string, readonly (string | null)[]]>([
  ["()", [null]],
  ["(1)", ["1"]],
  ['("")', [""]],
  ["(1,,3)", ["1", null, "3"]],
  ["(,)", [null, null]],
  ['("a ""b"" c",x)', ['a "b" c', "x"]],
  ['("a\\\\b","(,)")', ["a\\b", "(,)"]],
  ['("line\nbreak","{""a,b"",NULL}")', ["line\nbreak", '{"a,b",NULL}']],
])("%s has the columns that the server meant", ([text, columns]) => {
  expect(readComposite(text, columns.length)).toEqual(columns);
});

test("no column at all is not one that is NULL", () => {
  expect(readComposite("()", 0)).toEqual([]);
});

test("a text without its end is refused", () => {
  expect(() => readComposite('("a', 1)).toThrow(/has no end/);
});
