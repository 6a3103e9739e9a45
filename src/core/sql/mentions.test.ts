import { expect, test } from "vitest";
import { mentionedNames } from "./mentions.ts";

const names = new Set(["ix", "Big One"]);

test.for([
  ["create index ix on t (a)", ["ix"]],
  ["create index IX on t (a)", ["ix"]],
  ['create index "Big One" on t (a)', ["Big One"]],
  ["do $$ begin execute format('create index %I on t (a)', 'Big One'); end $$", ["Big One"]],
  ["do $$ begin execute 'create index \"Big One\" on t (a)'; end $$", ["Big One"]],
  ["select make('shop.ix')", ["ix"]],
  ["create index ix_2 on t (a) -- ix", []],
  ["do $$ begin /* ix */ perform 1; end $$", []],
  ["select 'never closed ix", []],
] as const)("%s", ([text, expected]) => {
  expect([...mentionedNames(text, names)]).toEqual(expected);
});
