/** Each kind of change of a table goes through diff, is applied, and is taken back. Our comparison judges both. */
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { expect, test } from "../support/database.ts";
import { allEqualBut, type Outcomes, outcomesOf } from "./kinds.ts";

const NOT_EQUAL: Outcomes = {
  "a column dropped and added again": ["order of the columns of s.t"],
  "a dropped column": ["back: order of the columns of s.t"],
  "a foreign key that nothing enforces": ["constraint s.u.f: triggers enabled"],
  "an invalid index": ["index s.i: valid"],
};

test("each change of a table is made and taken back, or what is left is named", async ({ db }) => {
  expect(await outcomesOf(db, TABLE_CHANGES)).toEqual(allEqualBut(TABLE_CHANGES, NOT_EQUAL));
});
