import fc from "fast-check";
import { expect, test } from "vitest";
import { splitStatements } from "./statements.ts";
import { tokenize } from "./tokens.ts";

const texts = (script: string) => splitStatements(script).map((statement) => statement.text);

test("comments in front and empty statements vanish, places stay", () => {
  const script = "\ufeff-- head\n;;\n  select 1 ; /* x */\r\n\tselect\n 2 -- tail\n;select 3";
  expect(splitStatements(script)).toEqual([
    { text: "select 1", start: 14, end: 22, line: 3 },
    { text: "select\n 2", start: 35, end: 44, line: 4 },
    { text: "select 3", start: 54, end: 62, line: 6 },
  ]);
});

test("a body that its author broke off swallows no exception, only the rest", () => {
  for (const rest of [
    "$$ select 1; select 2",
    "'; select 2",
    '"; select 2',
    "/* ; /* */ select 2",
    "E'\\'; x",
  ]) {
    expect(texts(`select 1; select ${rest}`)).toEqual(["select 1", `select ${rest}`]);
  }
  expect(texts("create function f() returns int begin atomic select 1; select 2;")).toHaveLength(1);
});

test("only a routine has an atomic body", () => {
  expect(texts("select begin atomic from t; select 2; end")).toHaveLength(3);
  expect(texts("create procedure p() begin atomic select 1; end; select 2")).toHaveLength(2);
  expect(texts('create function f() as "begin" atomic; select 1')).toHaveLength(2);
});

test("psql commands end with their line", () => {
  expect(texts("\\restrict a'b;c  \nselect 1;\n  \\i x.sql\r\nselect 2 \\g\n;")).toEqual([
    "\\restrict a'b;c",
    "select 1",
    "\\i x.sql",
    "select 2 \\g",
  ]);
});

test("splitting loses nothing but comments, white space and separators", () => {
  fc.assert(
    fc.property(script(), (text) => {
      let at = 0;
      for (const statement of splitStatements(text)) {
        expect(statement.text).toBe(text.slice(statement.start, statement.end));
        expect(statement.line).toBe(text.slice(0, statement.start).split("\n").length);
        const tokens = tokenize(statement.text);
        expect(tokens[0]?.start).toBe(0);
        if (!statement.text.startsWith("\\")) expect(tokens.at(-1)?.end).toBe(statement.text.length);
        expectNothingBut(text.slice(at, statement.start));
        at = statement.end;
      }
      expectNothingBut(text.slice(at));
    }),
    { numRuns: 500 },
  );
});

test("statements that are joined come apart again", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(BLANK, STATEMENT, BLANK)), BLANK, (parts, tail) => {
      const joined =
        parts.map(([before, statement, after]) => `${before}${statement}${after};`).join("") + tail;
      expect(texts(joined)).toEqual(parts.map(([, statement]) => statement));
    }),
    { numRuns: 500 },
  );
});

/** Random sequences of fragments that confuse a careless splitter. Most are not valid SQL. */
function script(): fc.Arbitrary<string> {
  const fragment = fc.constantFrom(
    ..."; ( ) ' '' \" $$ $a$ $a$b $1 -- /* */ \\ E' e'\\' U&' U&\" x' 1. 1.. .. :: := @- -/* case end begin atomic".split(
      " ",
    ),
    ...["\n", "\r\n", " ", "\t", "é", "😀", "\u00a0", "create function", "create or replace procedure", "a"],
  );
  return fc.array(fragment, { maxLength: 40 }).map((fragments) => fragments.join(""));
}

function expectNothingBut(gap: string): void {
  for (const token of tokenize(gap)) expect(gap.slice(token.start, token.end)).toBe(";");
}

const BLANK = fc.constantFrom(
  "",
  " ",
  "\n",
  "\t/* ; /* ' */ */ ",
  "-- ; $$ '\n",
  "\r\n",
  ";",
  '/**/\n-- "\r\n',
);
const WORD = fc.constantFrom("select", "end", "begin", "case", "a$b", "größe", '"x;"', "E'\\';'", "'it''s;'");
const BODY = fc.constantFrom(
  "$$;$$",
  "$q$ ' ; $$ -- $q$",
  "(1; 2)",
  "((;))",
  "U&';' uescape '!'",
  "a@-b",
  "$1",
  "1.5",
);
const STATEMENT = fc.oneof(
  fc
    .tuple(WORD, fc.array(fc.oneof(WORD, BODY), { maxLength: 6 }))
    .map(([first, rest]) => [first, ...rest].join(" ")),
  fc.constantFrom(
    "create function f() returns int begin atomic select case when a then 1 end; end",
    "create or replace procedure p() language sql begin atomic end",
    "create procedure p() begin atomic select 1 as end; ; select x end; (a; b); end",
  ),
);
