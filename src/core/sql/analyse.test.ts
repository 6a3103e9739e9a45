import { expect, test } from "vitest";
import { type Analysis, analyse } from "./analyse.ts";

const QUIET = {
  transactionControl: null,
  copyFromStdin: null,
  psqlCommand: null,
  outside: null,
  usesNewEnumValue: null,
  unterminated: null,
};

/** The findings, each given as the text of its statement. */
function found(text: string): Record<string, unknown> {
  const { statements: _, empty: __, unterminated, ...findings } = analyse(text);
  const entries = Object.entries(findings as Omit<Analysis, "statements" | "empty" | "unterminated">);
  return { ...Object.fromEntries(entries.map(([key, value]) => [key, value?.text ?? null])), unterminated };
}

test("an ordinary migration has nothing to find, and its statements all the same", () => {
  const text =
    "create table t (a text default 'begin; commit');\n-- vacuum\ninsert into t values ($$copy$$);";
  expect(found(text)).toEqual(QUIET);
  expect(analyse(text).empty).toBe(false);
  expect(analyse(text).statements.map(({ line, kind }) => [line, kind.kind])).toEqual([
    [1, "ordinary"],
    [3, "ordinary"],
  ]);
});

test("statements of PostgreSQL 19 are split as they are, and what cannot be in a transaction is seen", () => {
  const statements = [
    "create property graph g vertex tables (p key (id) label person) edge tables (k source p destination p)",
    "select * from graph_table (g match (a is person where a.n = ';')-[e is k]->(b)<-[f]-(c) columns (a.id, b.id as b))",
    "alter table t split partition p into (partition a for values from (1) to (2), partition b default)",
    "alter table t merge partitions (a, b) into p",
    "wait for lsn '0/306EE20' with (mode 'standby_flush', timeout '1s', no_throw)",
    "repack (concurrently) t using index i",
  ];
  const text = statements.join(";\n");
  expect(analyse(text).statements.map((statement) => statement.text)).toEqual(statements);
  expect(found(text)).toEqual({ ...QUIET, outside: statements[5] });
});

test("emptiness", () => {
  for (const text of ["", " \n", "-- a\n/* b /* c */ */\n;;", "\ufeff"])
    expect(analyse(text).empty).toBe(true);
  for (const text of ["select 1", "\\q", "/* a", "'"]) expect(analyse(text).empty).toBe(false);
});

test("the first of each sort is named", () => {
  expect(
    found(
      "select 1; vacuum; BEGIN; create index concurrently i on t (a); commit; \\echo it's\ncopy t from stdin;",
    ),
  ).toEqual({
    ...QUIET,
    outside: "vacuum",
    transactionControl: "BEGIN",
    psqlCommand: "\\echo it's",
    copyFromStdin: "copy t from stdin",
  });
});

test.each([
  "begin",
  "start transaction",
  "commit",
  "end",
  "rollback",
  "abort",
  "prepare transaction 'x'",
  "commit prepared 'x'",
])("%s is seen on the fast path", (text) => {
  expect(found(`select 1; ${text.toUpperCase()}`)).toMatchObject({
    transactionControl: text.toUpperCase().replace("'X'", "'X'"),
  });
});

test.each([
  "vacuum",
  "cluster",
  "discard all",
  "alter system reset all",
  "create database a",
  "drop tablespace a",
  "drop subscription s",
  "reindex system",
  "reindex (concurrently) table t",
  "drop index concurrently i",
  "alter table t detach partition p concurrently",
  "alter database d set tablespace t",
  "alter subscription s refresh publication",
  "create unique index concurrently on t (a)",
])("%s is seen on the fast path", (text) => {
  expect(found(`select 1;/**/${text};`)).toMatchObject({ outside: text });
});

test("data behind COPY FROM STDIN is not read as SQL", () => {
  for (const data of ["1\tO'Brien\n\\.\n", "1; commit; vacuum;\n\\.\n"]) {
    expect(found(`select 1;\ncopy t (a) from stdin;\n${data}`)).toEqual({
      ...QUIET,
      copyFromStdin: "copy t (a) from stdin",
    });
  }
});

test("a new enum value and its use do not go together", () => {
  const add = "alter type mood add value 'it''s';";
  const used = (text: string) => analyse(text).usesNewEnumValue?.text ?? null;
  expect(used(`${add} update t set m = 'it''s'`)).toBe("update t set m = 'it''s'");
  expect(used(`${add} insert into t values (1), (E'it\\'s');`)).toBe("insert into t values (1), (E'it\\'s')");
  expect(used(`${add} do $$ begin update t set m = 'it''s'; end $$`)).not.toBeNull();
  expect(used(`${add} do $$ begin execute 'select ''it''''s'''; end $$`)).not.toBeNull();
  expect(used(`${add} create function f() returns mood language sql as $$ select 'it''s' $$`)).not.toBeNull();
  // The server does not parse a PL/pgSQL body until the function is called.
  expect(
    used(`${add} create function f() returns mood language plpgsql as $$ begin return 'it''s'; end $$`),
  ).toBeNull();
  expect(used(`${add} alter type mood add value 'b' after 'it''s'; select 'its'`)).toBeNull();
  expect(used(`update t set m = 'it''s'; ${add} -- 'it''s'`)).toBeNull();
});

test("what is cut off is told with its place", () => {
  expect(analyse("select 1; select 'a; commit;").unterminated).toEqual({ what: "string", offset: 17 });
  expect(analyse("do $x$ begin; end $$;").unterminated).toEqual({ what: "dollar-quoted string", offset: 3 });
  expect(analyse('drop table "a;').unterminated).toEqual({ what: "quoted name", offset: 11 });
  expect(analyse("vacuum; /* /* */").unterminated).toEqual({ what: "comment", offset: 8 });
});
