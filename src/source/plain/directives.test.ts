import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_OPTIONS } from "../../core/backfill-options.ts";
import { parseDirectives } from "./directives.ts";

const problemsOf = (text: string) => parseDirectives(text, "a.sql").problems;

test("every directive is read, on several lines, among other comments", () => {
  const read = parseDirectives(
    [
      "/* /* nested */ license */",
      "-- godwit: depends=0001_a,0002_b phase=complex",
      "-- prose about godwit that is none",
      "--godwit: depends=0003_c,0001_a revises=none transaction=off lock-timeout=500ms statement-timeout=2min",
      "  -- Godwit: row-security=on out-of-order=allow minimum-revision=0009_z requires=0004_d,0005_e",
      "select 1;",
    ].join("\n"),
    "a.sql",
  );
  expect(read).toEqual({
    backfill: null,
    depends: ["0001_a", "0002_b", "0003_c"],
    requires: ["0004_d", "0005_e"],
    revises: [],
    phase: "complex",
    settings: {
      transaction: false,
      lockTimeoutMs: 500,
      statementTimeoutMs: 120_000,
      rowSecurity: true,
      outOfOrder: true,
      minimumRevision: "0009_z",
    },
    problems: [],
  });
});

test.each([
  ["500ms", 500],
  ["3s", 3000],
  ["1.5s", 1500],
  ["2min", 120_000],
  ["1h", 3_600_000],
  ["7", 7000],
  ["0", 0],
  ["none", 0],
])("the duration %s is %i ms", (text, milliseconds) => {
  expect(parseDirectives(`-- godwit: lock-timeout=${text}`, "a.sql").settings.lockTimeoutMs).toBe(
    milliseconds,
  );
});

test("an unknown key is named with its place, and with what was meant", () => {
  expect(problemsOf("\n-- godwit: phase=startup transactoin=off\nselect 1")).toEqual([
    {
      code: "SOURCE_DIRECTIVE_UNKNOWN",
      message: "a.sql has the directive `transactoin`, which does not exist.",
      hint: "Did you mean `transaction`?",
      place: {
        file: "a.sql",
        line: 2,
        column: 26,
        excerpt: `  2 | -- godwit: phase=startup transactoin=off\n    | ${" ".repeat(25)}^`,
      },
    },
  ]);
});

describe("refused with SOURCE_DIRECTIVE_INVALID:", () => {
  test.each([
    ["a bad value", "-- godwit: phase=later"],
    ["a name every object has", "-- godwit: transaction=constructor"],
    ["an ambiguous unit", "-- godwit: lock-timeout=2m"],
    ["more than PostgreSQL can count", "-- godwit: lock-timeout=9999h"],
    ["no value", "-- godwit: depends="],
    ["a gap in a list", "-- godwit: depends=a,,b"],
    ["a space in a list", "-- godwit: depends=a, b"],
    ["prose behind the keys", "-- godwit: transaction=off because"],
    ["two values", "-- godwit: phase=startup\n-- godwit: phase=complex"],
    ["a missing colon", "-- godwit transaction=off"],
    ["a line after the first statement", "select 1;\n-- godwit: transaction=off"],
    ["the end of the first statement", "select 1; -- godwit: transaction=off"],
  ])("%s", (_, text) => {
    expect(new Set(problemsOf(text).map(({ code }) => code))).toEqual(new Set(["SOURCE_DIRECTIVE_INVALID"]));
  });
});

test.each([
  "-- no-transaction\nselect 1",
  "--! breaking\n--! no-transaction\nselect 1",
  "-- +goose NO TRANSACTION\n-- +goose Up\nselect 1",
])("another tool's marker means no transaction: %j", (text) => {
  expect(parseDirectives(text, "a.sql").settings.transaction).toBe(false);
});

test.each([
  "\n-- no-transaction\nselect 1",
  "select 1;\n--! no-transaction",
  "select '\n-- +goose NO TRANSACTION'",
])("the same words elsewhere are prose: %j", (text) => {
  expect(parseDirectives(text, "a.sql").settings.transaction).toBeUndefined();
});

test("our own directive has the last word", () => {
  expect(parseDirectives("-- no-transaction\n-- godwit: transaction=on", "a.sql").settings.transaction).toBe(
    true,
  );
});

test("no text makes it throw", () => {
  const piece = fc.constantFrom(
    "-- godwit:",
    " ",
    "\n",
    "a=b",
    "/*",
    "*/",
    ";",
    "depends=x",
    "select",
    "--",
    "=",
    ",",
  );
  fc.assert(fc.property(fc.array(piece), (pieces) => void parseDirectives(pieces.join(""), "a.sql")));
});

test("a backfill says its table, its key, its windows and its condition", () => {
  const read = (text: string) => parseDirectives(`${text}\nupdate a set b = 1 where :window;`, "a.sql");
  expect(
    read(
      "-- godwit: backfill table=shop.a key=x,y window=2s approve=yes min-rows=10 max-rows=900\n-- godwit: where b is null\n-- godwit: where and c > 0",
    ).backfill,
  ).toEqual({
    table: "shop.a",
    key: ["x", "y"],
    where: "b is null and c > 0",
    options: { ...DEFAULT_OPTIONS, approve: true },
    statement: null,
    windows: { targetMs: 2000, minRows: 10, maxRows: 900 },
  });
  expect(read("-- godwit: backfill table=a").backfill).toMatchObject({ key: null, where: null });
  const problem = (text: string) => read(text).problems.map(({ message }) => message);
  expect(problem("-- godwit: backfill")).toEqual([expect.stringContaining("names its table")]);
  expect(problem("-- godwit: table=a")).toEqual([expect.stringContaining("belongs to a backfill")]);
  expect(problem("-- godwit: where a is null")).toEqual([expect.stringContaining("belongs to a backfill")]);
  expect(problem("-- godwit: probe select 1")).toEqual([expect.stringContaining("belongs to a backfill")]);
  expect(problem("-- godwit: backfill table=a transaction=off")).toEqual([
    expect.stringContaining("means nothing for a backfill"),
  ]);
  expect(problem("-- godwit: backfill table=a window=2h")).toEqual([expect.stringContaining("`window`")]);
  expect(problem("-- godwit: backfill table=a min-rows=0")).toEqual([expect.stringContaining("`min-rows`")]);
});
