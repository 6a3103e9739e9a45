/** Each kind of change of anything but a table goes through diff, is applied, and is taken back. Our comparison judges both. */
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { expect, test } from "../support/database.ts";
import { allEqualBut, outcomesOf, portions } from "./kinds.ts";
import { LEFT_OF_OBJECTS } from "./outcomes.ts";

test.for(portions(OBJECT_CHANGES))(
  "each change of anything but a table is made and taken back, or what is left is named: %s",
  async ([, changes], { db }) => {
    expect(await outcomesOf(db, changes)).toEqual(allEqualBut(changes, LEFT_OF_OBJECTS));
  },
);

const OWNABLE = {
  "function f(integer)": "create function f(x integer) returns integer language sql as 'select x'",
  "procedure p()": "create procedure p() language sql as 'select 1'",
  "aggregate g(integer)": "create aggregate g(integer) (sfunc = int4pl, stype = integer, initcond = '0')",
  "operator ===(integer, integer)":
    "create operator === (leftarg = integer, rightarg = integer, function = int4eq)",
  "operator family fam using btree": "create operator family fam using btree",
  "statistics st": "create table t (a integer, b integer); create statistics st on a, b from t",
  "collation c": `create collation c from "C"`,
  "text search dictionary d": "create text search dictionary d (template = simple)",
  "text search configuration k": "create text search configuration k (copy = simple)",
  "type mood": "create type mood as enum ('bad', 'good')",
};

test("whatever has an owner gets another one, and the former one back", async ({ db }) => {
  const changes = Object.entries(OWNABLE).map(([name, setup]) => ({
    ...{ name, setup, change: `alter ${name} owner to pg_read_all_stats`, expected: [] },
  }));
  expect(await outcomesOf(db, changes)).toEqual(allEqualBut(changes, {}));
});
