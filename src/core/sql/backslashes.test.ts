import { expect, test } from "vitest";
import { ambiguousBackslash } from "./backslashes.ts";

test.for([
  ["set standard_conforming_strings = off; select 'a\\b'", "'a"],
  ["SET LOCAL standard_conforming_strings TO 'false'; select 'x', 'it\\'s'", "'it"],
] as const)("%s is read in two ways", ([text, at]) => {
  expect(text.slice(ambiguousBackslash(text) ?? 0)).toMatch(new RegExp(`^${at}`));
});

test.for([
  "set standard_conforming_strings = on; select 'a\\b'",
  "select 'a\\b'; set standard_conforming_strings = off",
  "set standard_conforming_strings = off; select E'a\\b', $$a\\b$$, 'plain' -- 'a\\b'",
  "set standard_conforming_strings = off; set standard_conforming_strings = on; select 'a\\b'",
])("%s is read in one way", (text) => {
  expect(ambiguousBackslash(text)).toBeNull();
});
