/** A history that was emptied or dropped after its adoption: what is said of it holds, and each hint can be followed. */
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;

async function adopted(db: TestDatabase, mirror: string | null) {
  const folder = folderOf({ "01_a.sql": file("a"), "02_b.sql": file("b") });
  await db.sql(`create table schema_migrations (version varchar primary key); insert into schema_migrations values ('01'), ('02');
    create table a (); create table b ()`);
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror } });
  await adopt(target, ADOPT, recorder());
  return target;
}

const versions = async (db: TestDatabase) =>
  (await db.sql("select version from schema_migrations order by 1")).map(({ version }) => version);

test.for([[null], ["dbmate"]] as const)(
  "emptied, mirrored: %s: adopt says what up says, not that there is nothing",
  async ([mirror], { db }) => {
    const target = await adopted(db, mirror);
    await db.sql("truncate schema_migrations");
    for (const run of [() => up(target), () => adopt(target, ADOPT, recorder())]) {
      const { codes, error } = await refusalOf(run());
      expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
      expect(error.message).toContain("01_a, 02_b were in the history of dbmate");
    }
    await baseline(target, "02_b", recorder());
    expect((await up(target)).steps).toEqual([]);
  },
);

test("emptied, and our ledger has lost what it remembered: adopt refuses as up does", async ({ db }) => {
  const folder = folderOf({ "01_a.sql": file("a") });
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  await up(target);
  await db.sql(`truncate schema_migrations; truncate "${ledgerSchema}".migration_tool_rows`);
  for (const run of [() => up(target), () => adopt(target, ADOPT, recorder())])
    expect((await refusalOf(run())).codes).toEqual(["ADOPT_TAKEN_BACK"]);
});

test("empty, and nothing of ours is missed in it: there is nothing to adopt", async ({ db }) => {
  const target = await targetIn("dbmate", { url: db.url, folder: folderOf({ "01_a.sql": file("a") }) });
  await db.sql("create table schema_migrations (version varchar primary key)");
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
  await up(target);
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
});

test("dropped, mirrored: the hint's command creates it again", async ({ db }) => {
  const target = await adopted(db, "dbmate");
  await db.sql("drop table schema_migrations");
  const { error } = await refusalOf(up(target));
  expect(error.hint).toContain("`godwit baseline 02_b` creates it again");
  await baseline(target, "02_b", recorder());
  expect(await versions(db)).toEqual(["01", "02"]);
});

test("dropped with all that it told of, as by an older backup: the hint's command, and all runs again", async ({
  db,
}) => {
  const target = await adopted(db, "dbmate");
  await db.sql("drop table schema_migrations, a, b");
  for (const revision of ["02_b", "01_a"]) {
    const { error } = await refusalOf(up(target));
    expect(error.hint).toContain(`\`godwit repair --forget ${revision}\``);
    await repair(target, { kind: "forget", revision }, { confirm: db.name }, recorder());
  }
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["01_a", "02_b"]);
  expect(await versions(db)).toEqual(["01", "02"]);
});

test("dropped, not mirrored: the hint's command creates it again", async ({ db }) => {
  const target = await adopted(db, null);
  await db.sql("drop table schema_migrations");
  const { warnings } = await up(target);
  expect(warnings[0]?.hint).toContain("`godwit baseline 02_b --mirror dbmate` creates it again");
  const mirrored = { ...target, settings: { ...target.settings, mirror: "dbmate" } };
  await baseline(mirrored, "02_b", recorder());
  expect(await versions(db)).toEqual(["01", "02"]);
  expect((await up(mirrored)).steps).toEqual([]);
});

test("dropped, of a tool that cannot be mirrored: no command is named that would create it", async ({
  db,
}) => {
  await db.sql(`create table knex_migrations (id serial primary key, name varchar, batch int, migration_time timestamptz);
    insert into knex_migrations (name, batch, migration_time) values ('0001_a.js', 1, now()); create table a ()`);
  const target = targetOf({ url: db.url, folder: folderOf({ "0002_b.sql": "select 1;" }) });
  await adopt(target, ADOPT, recorder());
  await db.sql("drop table knex_migrations");
  const { warnings } = await up(target);
  expect(warnings[0]?.message).toContain("knex_migrations, is gone");
  expect(warnings[0]?.hint).toContain("restore it from a backup");
  expect(warnings[0]?.hint).not.toContain("baseline");
});
