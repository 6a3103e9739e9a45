/** A tool whose row stands for many, adopted beside a folder of other migrations: it goes its own way, and we go ours. */
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

async function golang(db: TestDatabase, files: Readonly<Record<string, string>>) {
  await db.sql("create table schema_migrations (version bigint primary key, dirty boolean not null)");
  const folder = folderOf(files);
  return {
    folder,
    target: targetOf({ url: db.url, folder }),
    at: (n: number | null) =>
      db.sql(
        `delete from schema_migrations; ${n === null ? "" : `insert into schema_migrations values (${n}, false)`}`,
      ),
  };
}

test("golang-migrate goes up: the number that was adopted is below it, and not missed", async ({ db }) => {
  const { folder, target, at } = await golang(db, { "0091_x.sql": "create table x1 ();" });
  await at(4);
  await adopt(target, ADOPT, recorder());
  await up(target);
  await at(5);
  writeFiles(folder, { "0092_y.sql": "create table y1 ();" });
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0092_y"]);
  expect((await adopt(target, ADOPT, recorder())).applied.map(({ revision }) => revision)).toEqual(["5"]);
});

test("golang-migrate goes down: the hint promises no file, and works", async ({ db }) => {
  const { target, at } = await golang(db, { "0091_x.sql": "create table x1 ();" });
  await at(4);
  await adopt(target, ADOPT, recorder());
  await up(target);
  await at(3);
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
  expect(error.hint).toContain(
    "`godwit repair --forget 4`. If it is still there: `godwit repair --mark-done 4`",
  );
  await repair(target, { kind: "forget", revision: "4" }, { confirm: db.name }, recorder());
  expect((await up(target)).steps).toEqual([]);
});

test("what we ran below its number is not called applied by golang-migrate, and not missed there", async ({
  db,
}) => {
  const { target, at } = await golang(db, { "0001_x.sql": "create table x1 ();" });
  await up(target);
  await at(4);
  const { applied } = await adopt(target, ADOPT, recorder());
  expect(applied.map(({ revision }) => revision)).toEqual(["4"]);
  await at(null);
  const { error } = await refusalOf(up(target));
  expect(error.message).toMatch(/^4 was in the history of golang-migrate/);
});
