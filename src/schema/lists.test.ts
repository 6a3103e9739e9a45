import { expect, test } from "vitest";
import { asReadAgain } from "./lists.ts";

test("a cast of a list becomes a list of casts", () => {
  const first =
    "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y''s, ]'::character varying(3)])::text[])) OR (b <> ALL ((ARRAY[E'\\\\'::bpchar])::text[])))";
  const again =
    "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y''s, ]'::character varying(3))::text])) OR (b <> ALL (ARRAY[(E'\\\\'::bpchar)::text])))";
  expect(asReadAgain(first)).toBe(again);
  expect(asReadAgain(again)).toBe(again);
});

test.each(["(ARRAY[a, b])::text[]", "(ARRAY['x'::text", "ANY (ARRAY['x'::text])", "", "(ARRAY[])::text[]"])(
  "everything else stays: %s",
  (text) => {
    expect(asReadAgain(text)).toBe(text);
  },
);
