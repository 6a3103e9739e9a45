/** Both ways in one transaction, beside the ways in a copy: the same statements, for each kind of change of anything but a table. */
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { expect, test } from "../support/database.ts";
import { waysOf } from "./both-ways.ts";
import { portions } from "./kinds.ts";

test.for(portions(OBJECT_CHANGES))(
  "one transaction finds what is found in a copy, and leaves nothing: %s",
  async ([, changes], { db }) => {
    const { found, wanted } = await waysOf(db, changes);
    expect(found).toEqual(wanted);
  },
);
