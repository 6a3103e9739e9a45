/** golang-migrate keeps one number: what is said of a later file must not answer for an earlier one that is missed too. */
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

async function scene(db: TestDatabase) {
  const folder = folderOf(
    Object.fromEntries(["1_a", "2_b", "3_c"].map((name) => [`${name}.up.sql`, `create table t${name} ();`])),
  );
  const target = await targetIn("golang-migrate", {
    url: db.url,
    folder,
    settings: { mirror: "golang-migrate" },
  });
  await up(target);
  // As golang-migrate goes down to 1.
  await db.sql("drop table t2_b, t3_c; update schema_migrations set version = 1");
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  const done = (revision: string) =>
    repair(target, { kind: "mark-done", revision, position: null }, { confirm: db.name }, recorder());
  const number = async () => (await db.sql("select version::int as n from schema_migrations"))[0]?.n;
  return { target, done, number };
}

test("--mark-done 3 is refused until somebody has said what became of 2", async ({ db }) => {
  const { target, done, number } = await scene(db);
  const { codes, error } = await refusalOf(done("3_c"));
  expect(codes).toEqual(["REPAIR_REFUSED"]);
  expect(error.message).toContain("2_b");
  expect(error.hint).toContain("godwit repair --forget 2_b");
  expect(await number()).toBe(1);
  await repair(target, { kind: "forget", revision: "2_b" }, { confirm: db.name }, recorder());
  await done("3_c");
  expect(await number()).toBe(3);
  // It is pending, and nobody takes it for applied.
  expect(await appliedIn(db)).toEqual(["1_a", "3_c"]);
  expect((await refusalOf(up(target))).codes).toEqual(["PLAN_LATE"]);
});

test("one after the other, or all at once, they are marked", async ({ db }) => {
  const { target, done, number } = await scene(db);
  await done("2_b");
  expect(await number()).toBe(2);
  await done("3_c");
  expect(await number()).toBe(3);
  await db.sql("update schema_migrations set version = 1");
  await baseline(target, "3_c", recorder());
  expect(await number()).toBe(3);
  expect((await up(target)).steps).toEqual([]);
});

test("what is said to do goes by the files' order, in whatever order they were applied", async ({ db }) => {
  const file = (name: string) => ({ [`${name}.up.sql`]: `create table t${name} ();` });
  const folder = folderOf({ ...file("1_a"), ...file("3_c") });
  const target = await targetIn("golang-migrate", {
    url: db.url,
    folder,
    settings: { mirror: "golang-migrate" },
  });
  await up(target);
  writeFiles(folder, file("2_b"));
  await up(target, recorder(), { outOfOrder: true });
  await db.sql("update schema_migrations set version = 1");
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
  expect(error.hint).toContain("godwit baseline 3_c");
  expect(error.hint).toContain("godwit repair --mark-done 2_b");
  await baseline(target, "3_c", recorder());
  expect((await up(target)).steps).toEqual([]);
});

test("nor while only the number of the tool says that a file before it has run", async ({ db }) => {
  const folder = folderOf(
    Object.fromEntries(["10_a", "20_b"].map((name) => [`${name}.up.sql`, `create table t${name} ();`])),
  );
  const settings = { mirror: "golang-migrate" };
  const target = await targetIn("golang-migrate", { url: db.url, folder, settings });
  await up(target);
  writeFiles(folder, { "17_c.up.sql": "create table t17_c ();" });
  // As `migrate force 10` and `migrate up 1` leave it.
  await db.sql("create table t17_c (); update schema_migrations set version = 17");
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK", "ADOPT_CONFLICT"]);
  const done = (revision: string) =>
    repair(target, { kind: "mark-done", revision, position: null }, { confirm: db.name }, recorder());
  const { codes, error } = await refusalOf(done("20_b"));
  expect(codes).toEqual(["REPAIR_REFUSED"]);
  expect(error.hint).toContain(
    "`godwit repair --mark-done 17_c` if it is there, if it is not, set the number",
  );
  await done("17_c");
  await done("20_b");
  expect((await up(target)).steps).toEqual([]);
  expect(await db.sql("select version::int as n from schema_migrations")).toEqual([{ n: 20 }]);
});
