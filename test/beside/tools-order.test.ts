/** node-pg-migrate refuses a history whose order is not that of its files: rows are written in their places. */
import { runner } from "node-pg-migrate";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const name = (n: number) => `170000000000${n}_m${n}`;
const files = (...numbers: readonly number[]) =>
  Object.fromEntries(
    numbers.map((n) => [
      `${name(n)}.sql`,
      `-- Up Migration\ncreate table t${n} (id int);\n-- Down Migration\ndrop table t${n};\n`,
    ]),
  );

async function scene(db: TestDatabase, there: readonly number[], all: readonly number[]) {
  const dir = folderOf(files(...there));
  const tool = () =>
    runner({ databaseUrl: db.url, dir, migrationsTable: "pgmigrations", direction: "up", log: () => {} });
  await tool();
  writeFiles(dir, files(...all));
  const target = await targetIn("node-pg-migrate", {
    url: db.url,
    folder: dir,
    settings: { mirror: "node-pg-migrate" },
  });
  const say = (kind: "forget" | "mark-done", n: number) =>
    repair(
      target,
      kind === "forget" ? { kind, revision: name(n) } : { kind, revision: name(n), position: null },
      { confirm: db.name },
      recorder(),
    );
  return { dir, tool, target, say };
}

const rowsOf = async (db: TestDatabase) =>
  (await db.sql("select name from pgmigrations order by run_on, id")).map((row) => row.name);

test.for([
  ["the newest first", [4, 3]],
  ["the oldest first", [3, 4]],
] as const)("forgotten, and marked as done again, %s: the tool goes on", async ([, order], { db }) => {
  const { dir, tool, target, say } = await scene(db, [1, 2], [1, 2, 3, 4]);
  await up(target);
  for (const n of [4, 3]) await say("forget", n);
  for (const n of order) await say("mark-done", n);
  expect(await rowsOf(db)).toEqual([1, 2, 3, 4].map(name));
  writeFiles(dir, files(5));
  expect(await tool()).toHaveLength(1);
  expect((await up(target)).steps).toEqual([]);
});

test("rows that one run of the tool wrote share a time, and one between or before them finds its place", async ({
  db,
}) => {
  const { dir, tool, target, say } = await scene(db, [1, 2, 3, 4], [1, 2, 3, 4]);
  await up(target);
  await db.sql("update pgmigrations set run_on = (select min(run_on) from pgmigrations)");
  for (const n of [2, 1]) await say("forget", n);
  await say("mark-done", 2);
  await say("mark-done", 1);
  await say("forget", 3);
  await say("mark-done", 3);
  expect(await rowsOf(db)).toEqual([1, 2, 3, 4].map(name));
  writeFiles(dir, files(5));
  expect(await tool()).toHaveLength(1);
});

test("declared together before a row that is there", async ({ db }) => {
  const { tool, target, say } = await scene(db, [1, 2, 3, 4], [1, 2, 3, 4]);
  await up(target);
  for (const n of [3, 2, 1]) await say("forget", n);
  await baseline(target, name(3), recorder());
  expect(await rowsOf(db)).toEqual([1, 2, 3, 4].map(name));
  expect(await tool()).toEqual([]);
});

test("a late file that runs out of order, and the rows of a session in another time zone", async ({ db }) => {
  const { dir, tool, target } = await scene(db, [1, 2, 4], [1, 2, 3, 4]);
  await db.sql("update pgmigrations set run_on = run_on + interval '5 hours'");
  await up(target, recorder(), { outOfOrder: true });
  writeFiles(dir, files(5));
  await up(target);
  expect(await rowsOf(db)).toEqual([1, 2, 3, 4, 5].map(name));
  writeFiles(dir, files(6));
  expect(await tool()).toHaveLength(1);
});
