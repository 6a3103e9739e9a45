import { expect, test } from "vitest";
import { assignedColumns } from "./assigned.ts";

test.each([
  ['update a set b = 1, "C d" = f(x, y), (e, F) = (select 1, 2) where g = 3', ["b", "C d", "e", "f"]],
  ["update only a x set b = case when c = 1 then d end from e where :window(x)", ["b"]],
  ["with a as (select 1) update b set c = 1", []],
  ["delete from a where b = 1", []],
])("%s", (statement, columns) => {
  expect(assignedColumns(statement)).toEqual(columns);
});
