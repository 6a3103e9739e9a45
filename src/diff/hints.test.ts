import { expect, test } from "vitest";
import { renameHints } from "./hints.ts";
import { turned } from "./renames.ts";

const hintsIn = (text: string) => renameHints([{ name: "schema.sql", text }]);

test("a hint above a table is of the table, and one in the line of a column of the column", () => {
  const text = `create table a (id integer);

-- renamed from posts
create table app.articles (
  id integer,
  "Head Line" text, -- renamed from title
  body text not null -- Renamed from "Body"
);
create view v as select 1; -- renamed from w
`;
  expect(hintsIn(text)).toEqual([
    { table: "app.articles", column: null, from: "posts" },
    { table: "app.articles", column: '"Head Line"', from: "title" },
    { table: "app.articles", column: "body", from: '"Body"' },
  ]);
});

test("a name is folded as the server folds it, and a table without a schema is in public", () => {
  expect(hintsIn('-- renamed from Old\ncreate table "posts" (id integer);')).toEqual([
    { table: "public.posts", column: null, from: "old" },
  ]);
});

test("the way back has the same renames the other way round", () => {
  const hints = [
    { table: "public.articles", column: null, from: "posts" },
    { table: "public.articles", column: "headline", from: "title" },
  ];
  expect(turned(hints)).toEqual([
    { table: "public.posts", column: null, from: "articles" },
    { table: "public.posts", column: "title", from: "headline" },
  ]);
  expect(turned(turned(hints))).toEqual(hints);
});
