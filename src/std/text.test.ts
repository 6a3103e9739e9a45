import fc from "fast-check";
import { expect, test } from "vitest";
import { codePointOffset, locate, utf16Offset } from "./text.ts";

const lines = (text: string, offset: number) => locate(text, offset).excerpt.split("\n");

test("the line is shown with a caret below the place", () => {
  expect(locate("-- users\n\nselect emial from users\n", 18)).toEqual({
    line: 3,
    column: 8,
    excerpt: "  3 | select emial from users\n    |        ^",
  });
});

test("characters are counted, not UTF-16 units, and CRLF is one line end", () => {
  const text = "select '😀😀',\r\n  '😀', emial\r\n";
  const offset = [...text.slice(0, text.indexOf("emial"))].length + 1;
  expect(locate(text, offset)).toMatchObject({ line: 2, column: 8 });
  expect(lines(text, offset)).toEqual(["  2 |   '😀', emial", "    |         ^"]);
});

test("a tab stays a tab, marks have no width", () => {
  expect(lines("\ta\te\u0301 x", 7)).toEqual(["  1 | \ta\te\u0301 x", "    | \t \t  ^"]);
});

test("a long line is cut around the caret", () => {
  const [shown = "", caret = ""] = lines(`${"a".repeat(500)}X${"b".repeat(500)}`, 501);
  expect(shown[caret.indexOf("^")]).toBe("X");
  expect(shown).toBe(`  1 | …${"a".repeat(60)}X${"b".repeat(39)}…`);
});

test("ends of the text, and numbers of any length", () => {
  expect(locate("", 1)).toEqual({ line: 1, column: 1, excerpt: "  1 | \n    | ^" });
  expect(locate("select\r\n", 99)).toMatchObject({ line: 2, column: 1 });
  expect(locate("ab", -5)).toMatchObject({ line: 1, column: 1 });
  expect(lines("\n".repeat(12344), 12345)).toEqual(["12345 | ", "      | ^"]);
});

test("control characters do not reach the terminal", () => {
  expect(lines("a\u001b[31m b", 8)).toEqual(["  1 | a\ufffd[31m b", "    |        ^"]);
});

test("the caret stands below its character, whatever the text", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "é", "\n", "\r\n", "\t", "𝒳"), { maxLength: 200 }),
      fc.nat(200),
      (parts, at) => {
        const text = parts.join("");
        const characters = [...text];
        const { line, column, excerpt } = locate(text, at + 1);
        const before = characters.slice(0, at).join("").split("\n");
        expect([line, column]).toEqual([before.length, [...(before.at(-1) ?? "")].length + 1]);
        const [shown = "", caret = ""] = excerpt.split("\n");
        const below = [...shown][caret.indexOf("^")];
        if (at < characters.length && !/[\r\n]/.test(characters[at] ?? ""))
          expect(below).toBe(characters[at]);
        else expect(below).toBeUndefined();
      },
    ),
  );
});

test("offsets go there and back", () => {
  expect([0, 1, 2, 3, 4].map((at) => codePointOffset("a😀b", at))).toEqual([0, 1, 1, 2, 3]);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(50), (text, points) => {
      const at = utf16Offset(text, points);
      expect(codePointOffset(text, at)).toBe(Math.min(points, [...text].length));
      expect([...text.slice(0, at)]).toHaveLength(Math.min(points, [...text].length));
    }),
  );
});
