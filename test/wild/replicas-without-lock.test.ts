import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

test("10: Without a lock, replicas that start together fail on each other's tables", async ({ db }) => {
  const folder = folderOf({
    "0001_shops.sql": "create table shops (id int primary key); insert into shops values (1);",
    "0002_outside.sql": "-- godwit: transaction=off\ninsert into shops values (2);\nanalyze shops;",
    "0003_index.sql": "create index concurrently shops_id on shops (id);",
  });
  // Nothing is set that could be forgotten: this is how a target is made.
  const reports = await Promise.all(Array.from({ length: 6 }, () => up(targetOf({ url: db.url, folder }))));
  const revisions = reports.flatMap((report) => report.steps.map((step) => step.revision));
  expect(revisions.toSorted()).toEqual(["0001_shops", "0002_outside", "0003_index"]);
  expect(await db.sql("select id from shops order by id")).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(3);
});
