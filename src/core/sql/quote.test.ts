import fc from "fast-check";
import { expect, test } from "vitest";
import { identifier, literal, stored, storedJson } from "./quote.ts";
import { escapeText, escapeValue, restored } from "./stored.ts";

const anyText = fc.string({ unit: "binary" });

test("every statement that is made of text is ASCII", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
      const ascii = /^[\x00-\x7f]*$/;
      for (const written of [identifier(text), literal(text), stored(text), storedJson([text])])
        expect(written).toMatch(ascii);
    }),
  );
});

test("what is stored escaped reads back as it was, and equal texts are stored equally", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(restored(escapeText(text))).toBe(text);
      expect(restored(escapeValue({ [text]: [text] }))).toEqual({ [text]: [text] });
    }),
  );
});

test("text that looks escaped, or that no database can hold, is escaped everywhere", () => {
  for (const text of ["\\u:x", "\\u:\\u00e9", "a\0b", "half \ud83d of a pair"]) {
    expect(stored(text)).not.toContain("case");
    expect(restored(escapeText(text))).toBe(text);
  }
  expect(stored("a\\b")).toBe(" E'a\\\\b'");
  expect(restored("a\\u00e9")).toBe("a\\u00e9");
});
