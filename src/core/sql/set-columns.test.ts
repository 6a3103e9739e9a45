import { expect, test } from "vitest";
import { setColumns } from "./set-columns.ts";

test.each([
  ["update t set a = 1 where :window", ["a"]],
  ['update t as x set A = f(1, 2), "B c" = array[1, 2], a = 3 from y where :window(x)', ["a", "B c"]],
  [
    "update t set (a, b) = (select 1, 2 from y), c = d is distinct from e, f = 'x, where' where :window",
    ["a", "b", "c", "f"],
  ],
  ["update t set tags[1] = 'x', place.town = y /* , z = 1 */ where :window", ["tags", "place"]],
  ["update t set a = case when b then 1 else 2 end, c = default where :window", ["a", "c"]],
  ["update t set a = extract(epoch from b), c = b at time zone 'utc' where :window", ["a", "c"]],
  ['update t set U&"d\\0061t" = 1 where :window', ["dat"]],
  ["delete from t where :window", null],
  ["update t set (a, 1) = (1, 2) where :window", null],
])("%s", (statement, columns) => {
  expect(setColumns(statement)).toEqual(columns);
});
