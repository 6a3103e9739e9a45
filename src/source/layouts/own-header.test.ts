/** Our hints name `-- godwit:` lines, so they must have an effect, or be refused, wherever SQL is run. */
import { expect, test } from "vitest";
import { readOwnHeader } from "./own-header.ts";

const read = (text: string) => readOwnHeader(text, { file: "a.sql", layout: "supabase" });

test("what is about the run of the file counts", () => {
  expect(
    read(
      "-- godwit: statement-timeout=5min lock-timeout=none row-security=on\n-- godwit: transaction=off\nselect 1;",
    ),
  ).toMatchObject({
    settings: { statementTimeoutMs: 300_000, lockTimeoutMs: 0, rowSecurity: true, transaction: false },
    problems: [],
  });
});

test.for([
  ["phase=complex", "phase"],
  ["depends=0001_a", "depends"],
  ["revises=none", "revises"],
  ["backfill table=shops", "backfill"],
])("what the tool decides is refused: %s", ([words, named]) => {
  expect(read(`-- a remark\n-- godwit: ${words}\nselect 1;`).problems).toMatchObject([
    {
      code: "SOURCE_DIRECTIVE_INVALID",
      message: expect.stringContaining(`\`${named}\``),
      place: { file: "a.sql", line: 2 },
    },
  ]);
});

test("a misspelt word, and a line behind the first statement, are said", () => {
  expect(read("-- godwit: lock-timeuot=1s\nselect 1;").problems).toMatchObject([
    { code: "SOURCE_DIRECTIVE_UNKNOWN" },
  ]);
  expect(read("select 1;\n-- godwit: lock-timeout=1s\n").problems).toHaveLength(1);
});

test("the markers of the tools are theirs, and prose is prose", () => {
  expect(read("-- no-transaction\nselect 1;")).toEqual({ settings: {}, problems: [] });
  expect(read("-- no-transaction\n-- godwit: lock-timeout=1s\nselect 1;").settings).toEqual({
    lockTimeoutMs: 1000,
  });
  expect(read("-- godwit runs this file\nselect 1;")).toEqual({ settings: {}, problems: [] });
});
