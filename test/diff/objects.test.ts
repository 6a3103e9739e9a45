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
