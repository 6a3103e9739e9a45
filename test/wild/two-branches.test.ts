/** 31: two branches make two heads, and production stops. */
import { describe } from "vitest";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, UP, up, writeFiles } from "../support/target.ts";

const toHead = { goal: { ...UP.goal, to: "head" } };

describe("31: work on two branches", () => {
  test("of a line makes no second head: after the merge all of it is applied", async ({ db }) => {
    const folder = folderOf({ "0001_base.sql": "create table base ();" });
    const target = targetOf({ url: db.url, folder });
    await up(target, undefined, toHead);
    writeFiles(folder, {
      "0002_mine.sql": "create table mine ();",
      "0003_yours.sql": "create table yours ();",
    });
    await up(target, undefined, toHead);
    expect(await appliedIn(db)).toEqual(["0001_base", "0002_mine", "0003_yours"]);
  });

  test("of a graph is refused with the command that joins it, and each side stays independent", async ({
    db,
  }) => {
    const folder = folderOf({
      "base.sql": "-- godwit: revises=none\ncreate table base ();",
      "mine.sql": "-- godwit: revises=base\ncreate table mine ();",
      "yours.sql": "-- godwit: revises=base\ncreate table yours ();",
    });
    const target = targetOf({ url: db.url, folder });
    const { problems } = await refusalOf(up(target, undefined, toHead));
    expect(problems).toMatchObject([{ code: "GRAPH_SEVERAL_HEADS", details: { heads: ["mine", "yours"] } }]);
    expect(problems[0]?.hint).toContain("godwit merge mine yours");

    await up(target, undefined, { goal: { ...UP.goal, to: "yours" } });
    expect(await appliedIn(db)).toEqual(["base", "yours"]);
    writeFiles(folder, { "join.sql": "-- godwit: revises=mine,yours\nselect 1;" });
    await up(target, undefined, toHead);
    expect(await appliedIn(db)).toEqual(["base", "yours", "mine", "join"]);
  });
});
