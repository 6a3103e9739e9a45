/** Both ways in one transaction, beside the ways in a copy: the same statements, for each kind of change of a table. */
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { expect, test } from "../support/database.ts";
import { waysOf } from "./both-ways.ts";
import { portions } from "./kinds.ts";

test.for(portions(TABLE_CHANGES))(
  "one transaction finds what is found in a copy, and leaves nothing: %s",
  async ([, changes], { db }) => {
    const { found, wanted } = await waysOf(db, changes);
    expect(found).toEqual(wanted);
  },
);
