/** A table that does not count any more, as somebody has said, is not missed. */
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;

test.for([
  ["none:public.schema_migrations", null],
  ["dbmate:public.other", ["0001", "0002"]],
] as const)("dropped, and then --mirror %s: nothing is gone", async ([keep, told], { db }) => {
  const folder = folderOf({ "0001_a.sql": file("a") });
  const settings = { mirror: "dbmate" };
  await up(await targetIn("dbmate", { url: db.url, folder, settings }));
  await db.sql("drop table schema_migrations");
  writeFiles(folder, { "0002_b.sql": file("b") });
  expect(
    (await refusalOf(up(await targetIn("dbmate", { url: db.url, folder, settings })))).error.message,
  ).toContain("The history of dbmate, public.schema_migrations, is gone");
  const { steps, warnings } = await up(
    await targetIn("dbmate", { url: db.url, folder, settings: { mirror: keep } }),
  );
  expect(steps).toHaveLength(1);
  expect(warnings.map(({ message }) => message).filter((one) => one.includes("is gone"))).toEqual([]);
  if (told !== null)
    expect(
      (await db.sql("select version from public.other order by 1")).map(({ version }) => version),
    ).toEqual(told);
});
