import { expect, test } from "vitest";
import { dataChanges } from "./data-changes.ts";
import { staysInside } from "./stays-inside.ts";

const stays = (text: string, isOwn = true) => {
  const change = dataChanges(text)?.main ?? null;
  return change !== null && staysInside(change, { key: ["id"], isOwn });
};

const INSIDE = [
  "update a set b = 1 where :window",
  "update a set b = 1 where :window;",
  "update a as p set b = c || 'or' where :window(p) and (p.b is null or p.c = 1)",
  "update a set (b, c) = (select 1, id from x where x.id = a.id or true) from z where a.z = z.id and :window(a)",
  "update a set b = 1 where c = 1 and :window returning b",
  "update a set b = 1 from z where a.z = z.id and :window",
  "delete from a where :window",
  "delete from only a p using z where p.z = z.id and :window(p) and b = 1",
  "with x as (select 1 where false or true) update a set b = 1 from x where :window",
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
  "update a set b = 1 where case when b is null and :window and c = 1 then false else true end",
  "update a set b = 1 from a z where a.z = z.id and :window(z)",
  "delete from a using a z where a.z = z.id and :window(z)",
  "delete from a where :window or true",
  "delete from a where id in (select id from a where :window)",
  "with x as (select id from a where :window) update a set b = 1",
  "insert into a select b from z where :window",
  "with x as (update a set b = 1 where :window returning 1) update a set c = 1 where b = 1",
];

test("the window holds for every row where it is a term of the condition, and the key stays", () => {
  expect(INSIDE.filter((text) => !stays(text))).toEqual([]);
  expect(MAYBE_OUTSIDE.filter((text) => stays(text))).toEqual([]);
});

test("another table changes with the rows of the window that it is joined to", () => {
  expect(stays("update lines l set b = 1 from a where l.a = a.id and :window(a)", false)).toBe(true);
  expect(stays("update lines l set b = 1 from a where l.a = a.id or :window(a)", false)).toBe(false);
});
