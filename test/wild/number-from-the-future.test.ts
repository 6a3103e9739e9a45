/** 28: a timestamp in the future raises the ceiling, and everything written until then is skipped. */
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

test("28: a number from the future hides nobody: what comes after it is named, never skipped", async ({
  db,
}) => {
  const folder = folderOf({
    "20250101000000_shops.sql": "create table shops ();",
    "29990101000000_typo.sql": "create table typo ();",
  });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  writeFiles(folder, {
    "20250102000000_orders.sql": "create table orders ();",
    "20250103000000_items.sql": "-- godwit: out-of-order=allow\ncreate table items ();",
  });

  const { problems, codes } = await refusalOf(up(target));
  expect(codes).toEqual(["PLAN_LATE"]);
  expect(problems[0]?.details).toEqual({ revisions: ["20250102000000_orders"] });

  writeFiles(folder, {
    "20250102000000_orders.sql": "-- godwit: out-of-order=allow\ncreate table orders ();",
  });
  await up(target);
  expect(await appliedIn(db)).toEqual([
    "20250101000000_shops",
    "29990101000000_typo",
    "20250102000000_orders",
    "20250103000000_items",
  ]);
});
