import { expect, test } from "vitest";
import { staysInside } from "./stays-inside.ts";

const INSIDE = [
  "update a set b = 1 where :window",
  "update a set b = 1 where :window;",
  "update a as p set b = c || 'or' where :window(p) and (p.b is null or p.c = 1)",
  "update a set (b, c) = (select 1, id from x where x.id = a.id or true) from z where a.z = z.id and :window(a)",
  "update a set tags[1] = 'x' where lower(b) = 'or' and :window and b is distinct from c",
];
const MAYBE_OUTSIDE = [
  "update a set b = 1",
  "update a set b = 1 where :window or b is null",
  "update a set b = 1 where b is null or :window",
  "update a set b = 1 where not :window",
  "update a set b = 1 where (:window)",
  "update a set b = 1 where :window = false",
  "update a set b = 1 where :window is not true",
  "update a set b = 1 where b between false and :window",
  "update a set b = 1 where :window is distinct from true and c = 1",
  "update a set b = case when :window then 1 end where c = 1",
  "update a set b = (select 1 where :window)",
  "update a set b = 1, id = id + 1 where :window",
  "update a set (b, id) = (1, 2) where :window",
  'update a set "id" = 2 where :window',
  "update a set b = 1 where :window returning b",
  "delete from a where :window",
  "with x as (update a set b = 1 where :window returning 1) update a set c = 1 where b = 1",
];

test("the window holds for every row where it is a term of the condition, and the key stays", () => {
  expect(INSIDE.filter((text) => !staysInside(text, ["id"]))).toEqual([]);
  expect(MAYBE_OUTSIDE.filter((text) => staysInside(text, ["id"]))).toEqual([]);
});
