import { expect, test } from "vitest";
import { continuedAt, fold, type TokenKind, tokenize } from "./tokens.ts";

const read = (text: string): [TokenKind, string][] =>
  tokenize(text).map(({ kind, start, end }) => [kind, text.slice(start, end)]);

test("every kind of token", () => {
  expect(
    read(`Sel_1$é "a""b" U&"c" E'\\'' 'd''' $q$ $$ $q$ $12 0x1F 1..2 a->>'b' @-1 x::y; /* /* */ */ -- z`),
  ).toEqual([
    ["word", "Sel_1$é"],
    ["quoted", '"a""b"'],
    ["quoted", 'U&"c"'],
    ["string", "E'\\''"],
    ["string", "'d'''"],
    ["dollar", "$q$ $$ $q$"],
    ["parameter", "$12"],
    ["number", "0x1F"],
    ["number", "1"],
    ["punctuation", ".."],
    ["number", "2"],
    ["word", "a"],
    ["operator", "->>"],
    ["string", "'b'"],
    ["operator", "@-"],
    ["number", "1"],
    ["word", "x"],
    ["punctuation", "::"],
    ["word", "y"],
    ["punctuation", ";"],
  ]);
});

// Observed on a server. libpg-query's scanner cannot serve here: it was changed to report comments, and ends the literal
// at the comment.
test("a literal goes on behind a line break and line comments, with its escapes", () => {
  const literal = "E'a' -- it's\n\t-- more '\n 'b\\'c'";
  expect(read(`${literal}, 1`)[0]).toEqual(["string", literal]);
  expect(read("'a' 'b'")).toHaveLength(2);
  expect(read("'a' /* x */\n'b'")).toHaveLength(2);
  expect(continuedAt("'a'\r'b'", 3)).toBe(4);
});

test("what the text cuts off is marked and reaches to its end", () => {
  for (const cut of ["'a;", "E'a\\'", "E'\\", '"a;', 'U&"', "$$ $", "$a$ $$", "/* /* */", "'a'\n'b"]) {
    expect(tokenize(`x ${cut}`).at(-1)).toMatchObject({ start: 2, end: 2 + cut.length, terminated: false });
  }
});

test("a dollar inside of a word quotes nothing", () => {
  expect(read("a$$; b$x$;")).toEqual([
    ["word", "a$$"],
    ["punctuation", ";"],
    ["word", "b$x$"],
    ["punctuation", ";"],
  ]);
});

test("only A to Z are folded", () => {
  expect(fold("ÄBC\u212aİ")).toBe("Äbc\u212aİ");
});
