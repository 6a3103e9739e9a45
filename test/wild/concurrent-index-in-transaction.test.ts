import { expect, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

test("19: CREATE INDEX CONCURRENTLY is sent in a transaction, or together with other statements", async ({
  db,
}) => {
  const folder = folderOf({
    "0001_shops.sql": "create table shops (id int, slug text);",
    // No directive says that it needs one: the statements do.
    "0002_index.sql": `set lock_timeout = '2s'; create index concurrently shops_slug
  on shops (slug); /* ; */ create index concurrently if not exists shops_id on shops (id);
insert into shops values (1, 'a;b');`,
    // Hidden where no parser sees it: the file says so.
    "0003_hidden.sql": "create procedure p() language plpgsql as $$ begin commit; end $$;",
    "0004_call.sql": "-- godwit: transaction=off\ncall p();",
  });
  const report = await up(targetOf({ url: db.url, folder }));
  expect(report.steps.map((step) => [step.revision, step.transactional])).toEqual([
    ["0001_shops", true],
    ["0002_index", false],
    ["0003_hidden", true],
    ["0004_call", false],
  ]);
  expect(
    await db.sql(
      "select indexrelid::regclass::text as name, indisvalid as valid from pg_index where indrelid = 'shops'::regclass order by 1",
    ),
  ).toEqual([
    { name: "shops_id", valid: true },
    { name: "shops_slug", valid: true },
  ]);
  expect(await db.sql("select * from shops")).toEqual([{ id: 1, slug: "a;b" }]);
});
