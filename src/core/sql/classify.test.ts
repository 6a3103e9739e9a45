import { describe, expect, test } from "vitest";
import { classify, isTransactional } from "./classify.ts";

// test/sql.test.ts proves that all kinds agree with PostgreSQL's parser.

describe("names are those of the catalog", () => {
  const table = (written: string) => {
    const kind = classify({ text: `create index concurrently on ${written} (a)` });
    return kind.kind === "create-index-concurrently" ? kind.table : null;
  };

  test.each([
    ["Users", { schema: null, name: "users" }],
    ['App."Users""s"', { schema: "app", name: 'Users"s' }],
    ['only ( "a.b" . c )', { schema: "a.b", name: "c" }],
    ["db.app.t *", { schema: "app", name: "t" }],
    ["U&\"d!0061t!+01f600!!\" uescape '!'", { schema: null, name: "dat😀!" }],
    ["ÄÖ", { schema: null, name: "ÄÖ" }],
    [`${"ä".repeat(40)}`, { schema: null, name: "ä".repeat(31) }],
    [`"${"A".repeat(70)}"`, { schema: null, name: "A".repeat(63) }],
  ])("%s", (written, name) => {
    expect(table(written)).toEqual(name);
  });
});

test("an index is in the schema of its table", () => {
  expect(classify({ text: "create index concurrently if not exists i on app.t (a)" })).toEqual({
    kind: "create-index-concurrently",
    index: { schema: "app", name: "i" },
    table: { schema: "app", name: "t" },
    unique: false,
    ifNotExists: true,
  });
});

test.each([
  ["'it''s'", "it's"],
  ["E'a\\'b\\n\\x41\\101\\u0042\\U0001F600\\q'", "a'b\nAAB😀q"],
  ["E'a' -- c\n'\\tb'", "a\tb"],
  ["E''''''", "''"],
  ["$x$a$$b$x$", "a$$b"],
  ["U&'\\0061\\\\'", "a\\"],
  ["U&'$0061\\' uescape '$'", "a\\"],
])("the value of %s", (literal, value) => {
  expect(classify({ text: `alter type t add value ${literal}` })).toMatchObject({
    kind: "add-enum-value",
    value,
  });
});

test("commands of psql, and what no server would take", () => {
  expect(classify({ text: "\\connect - app" })).toEqual({ kind: "psql-command", command: "\\connect" });
  for (const text of [
    "create index concurrently",
    "alter type",
    "begin atomic",
    "reindex (",
    "drop index concurrently",
    "",
  ])
    expect(classify({ text })).toEqual({ kind: "ordinary" });
});

test("the second half of a detachment may be inside a transaction, the first may not", () => {
  const detach = (how: string) =>
    isTransactional(classify({ text: `alter table t detach partition p ${how}` }));
  expect([detach(""), detach("finalize"), detach("concurrently")]).toEqual([true, true, false]);
});

test.for([
  ["do $$ begin insert into a values (1); commit; end $$", true],
  ["DO LANGUAGE plpgsql 'begin loop rollback and chain; end loop; end'", true],
  ["do $$ begin if x then /* now */ COMMIT ; end if; end $$ language plpgsql", true],
  ["do $$ begin raise notice 'then commit;'; -- commit;\nend $$", false],
  ["do $$ declare commit int := 1; begin perform commit; end $$", false],
  ["do $a$ begin execute $b$ begin; commit; $b$; end $a$", false],
] as const)("a block commits for itself where a statement of it says so: %s", ([text, commits]) => {
  expect(classify({ text }).kind).toBe(commits ? "commits-itself" : "ordinary");
});

test.each([
  ["repack (concurrently) t", { kind: "repeatable-outside", verb: "REPACK (CONCURRENTLY)" }],
  [
    "REPACK (VERBOSE, CONCURRENTLY true) app.t USING INDEX i",
    { kind: "repeatable-outside", verb: "REPACK (CONCURRENTLY)" },
  ],
  ["repack", { kind: "repeatable-outside", verb: "REPACK" }],
  ["repack (concurrently false) t", { kind: "ordinary" }],
  ["repack t using index i", { kind: "ordinary" }],
  ["alter table t merge partitions (a, b) into c", { kind: "ordinary" }],
  ["wait for lsn '0/306EE20' with (timeout '1s')", { kind: "ordinary" }],
  ["create property graph g vertex tables (t)", { kind: "ordinary" }],
])("what is new in PostgreSQL 19, from its release notes: %s", (text, kind) => {
  expect(classify({ text })).toEqual(kind);
});
