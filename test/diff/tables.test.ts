/** Each kind of change of a table goes through diff, is applied, and is taken back. Our comparison judges both. */
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { expect, test } from "../support/database.ts";
import { allEqualBut, outcomesOf, portions } from "./kinds.ts";
import { LEFT_OF_TABLES } from "./outcomes.ts";

test.for(portions(TABLE_CHANGES))(
  "each change of a table is made and taken back, or what is left is named: %s",
  async ([, changes], { db }) => {
    expect(await outcomesOf(db, changes)).toEqual(allEqualBut(changes, LEFT_OF_TABLES));
  },
);
