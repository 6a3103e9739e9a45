/** A tool that knows files by their names: who follows the hint for a renamed file leaves it a row of the new name, in its place. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { repair } from "../../src/run/repair.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

test.for([
  ["node-pg-migrate", (name: string) => `${name}.sql`, "select name from pgmigrations order by run_on, id"],
  [
    "prisma",
    (name: string) => `${name}/migration.sql`,
    "select migration_name as name from _prisma_migrations where rolled_back_at is null order by started_at",
  ],
] as const)("%s, kept in step", async ([layout, file, rows], { db }) => {
  const [one, two, now, three] = [
    "1700000000001_a",
    "1700000000002_b",
    "1700000000002_users",
    "1700000000003_c",
  ];
  const text = (name: string) => `create table ${name} ();\n`;
  const folder = folderOf({ [file(one)]: text("a"), [file(two)]: text("b"), [file(three)]: text("c") });
  const target = await targetIn(layout, { url: db.url, folder, settings: { mirror: layout } });
  const names = async () => (await db.sql(rows)).map(({ name }) => name);
  await up(target);
  expect(await names()).toEqual([one, two, three]);
  renameSync(join(folder, file(two).split("/")[0] ?? ""), join(folder, file(now).split("/")[0] ?? ""));
  expect((await refusalOf(up(target))).codes).toContain("PLAN_VANISHED");
  const fix = { confirm: db.name };
  await repair(target, { kind: "mark-done", revision: now, position: null }, fix, recorder());
  await repair(target, { kind: "forget", revision: two }, fix, recorder());
  expect(await names()).toEqual([one, now, three]);
  const { steps, warnings } = await up(target);
  expect(steps).toEqual([]);
  expect(warnings.filter(({ code }) => /ADOPT|VANISHED/.test(code))).toEqual([]);
  expect(await names()).toEqual([one, now, three]);
});
