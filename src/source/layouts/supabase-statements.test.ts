import { expect, test } from "vitest";
import { supabaseStatements } from "./supabase-statements.ts";

test.each<readonly [what: string, text: string, statements: readonly string[]]>([
  [
    "comments belong to what follows them, also at the end",
    "CREATE TABLE a (id int);\n-- note\nINSERT INTO a VALUES (1);\n-- trailing\n",
    ["CREATE TABLE a (id int)", "-- note\nINSERT INTO a VALUES (1)", "-- trailing"],
  ],
  ["empty ones count for nothing", "select 1;;\n;select 2", ["select 1", "select 2"]],
  ["space is cut off", "  \n select 1 ; ;\n", ["select 1"]],
  ["a backslash in E'…' hides a quote", "select E'a\\';b';select 2", ["select E'a\\';b'", "select 2"]],
  ["elsewhere it does not", "select 'a\\';select 2", ["select 'a\\'", "select 2"]],
  ["a semicolon in a comment", "select 1 -- x;y\n;select 2", ["select 1 -- x;y", "select 2"]],
  ["a comment ends with either line end", "select 1 -- x\r;select 2", ["select 1 -- x", "select 2"]],
  [
    "bodies in dollars",
    "do $$ begin; end $$;select $t$;$t$;select 1",
    ["do $$ begin; end $$", "select $t$;$t$", "select 1"],
  ],
  ["a dollar in a name opens nothing", "select a$$;select b$$", ["select a$$", "select b$$"]],
  ["comments nest", "/* a /* b; */ c; */ select 1;select 2", ["/* a /* b; */ c; */ select 1", "select 2"]],
  [
    "an atomic body ends with an END that begins a statement",
    "create function f() returns int language sql begin atomic select 1; select case when true then 1 else 2 end; end;select 2",
    [
      "create function f() returns int language sql begin atomic select 1; select case when true then 1 else 2 end; end",
      "select 2",
    ],
  ],
  [
    "the first closing parenthesis closes all",
    "create rule r as on insert to t do also (insert into u values (1); insert into u values (2));select 2",
    [
      "create rule r as on insert to t do also (insert into u values (1)",
      "insert into u values (2))",
      "select 2",
    ],
  ],
  [
    "a quote in parentheses",
    "insert into t values (';', \"a;b\");select 2",
    ["insert into t values (';', \"a;b\")", "select 2"],
  ],
  ["doubled quotes", "select 'it''s;';select \"a\"\";\";", ["select 'it''s;'", 'select "a"";"']],
  ["a backslash hides what follows it", "select 1\\;2;select 3", ["select 1\\;2", "select 3"]],
  ["a byte order mark", "\ufeffselect 1;", ["select 1"]],
  ["what never ends", "select 1; select 'a;", ["select 1", "select 'a"]],
  ["nothing", " \n", []],
])("%s", (_, text, statements) => {
  expect(supabaseStatements(text)).toEqual(statements);
});
