/** Each kind of change of anything but a table goes through diff, is applied, and is taken back. Our comparison judges both. */
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { expect, test } from "../support/database.ts";
import { allEqualBut, type Outcomes, outcomesOf } from "./kinds.ts";

const NOT_EQUAL: Outcomes = {
  "a cast": ["cast integer as s.mood: added"],
  "a conversion": ["conversion s.v: added"],
  "a default of a view's column": ["column s.v.a: added"],
  "a language": ["language mine: added"],
  "a server's option": ["server far: options"],
  "a shell type": ["type s.shell: added"],
  "a target of extended statistics": ["statistics s.x: target"],
  "a text search configuration": ["text search configuration s.c: mappings"],
  "a text search dictionary": ["text search dictionary s.dict: options"],
  "a user mapping": ["user mapping PUBLIC on far: options"],
  "an access method": ["access method heap2: added"],
  "an operator": ["operator s.===(integer,integer): restrict"],
  "an operator class": ["operator class s.oc using btree: added", "operator family s.oc using btree: added"],
  "an operator of a family": ["operator family s.fam using btree: operators"],
  "extended statistics": ["statistics s.x: added"],
};

test("each change of anything but a table is made and taken back, or what is left is named", async ({
  db,
}) => {
  expect(await outcomesOf(db, OBJECT_CHANGES)).toEqual(allEqualBut(OBJECT_CHANGES, NOT_EQUAL));
});
