/** What a tool runs again when its text changed: not a second time where the tool has run it, once where it has not. */
import { crc32 } from "node:zlib";
import { adopt } from "../../src/run/adopt.ts";
import { checksumsOf } from "../../src/source/layouts/liquibase-checksums.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT = { assume: false, dryRun: false };
const sum = (text: string) => crc32(text.replaceAll("\n", "")) | 0;
const V1 = "create table runs (text text);";
const view = (text: string) => `insert into runs values ('${text}');\n`;
const TABLE = `create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
 type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
 installed_on timestamp not null default now(), execution_time int not null, success boolean not null);`;
const row = (rank: number, version: string | null, description: string, text: string) =>
  `insert into flyway_schema_history values (${rank}, ${version === null ? "null" : `'${version}'`}, '${description}', 'SQL', '${description}.sql', ${sum(text)}, 'me', now(), 1, true);`;
const runs = async (db: TestDatabase) => (await db.sql("select text from runs")).map(({ text }) => text);

test("a repeatable that Flyway ran with this text is not run again, before and after it was adopted", async ({
  db,
}) => {
  const folder = folderOf({ "V1__a.sql": V1, "R__v.sql": view("one") });
  const target = await targetIn("flyway", { url: db.url, folder });
  await db.sql(`${V1}${view("one")}${TABLE}${row(1, "1", "a", V1)}${row(2, null, "v", view("one"))}`);
  await adopt(target, ADOPT, recorder());
  expect((await up(target)).steps).toEqual([]);
  // Flyway runs another text of it, and our checkout has that too.
  writeFiles(folder, { "R__v.sql": view("two") });
  await db.sql(`${view("two")}${row(3, null, "v", view("two"))}`);
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["ADOPT_NEEDED"]);
  expect(error.message).toContain("R__v");
  const { applied } = await adopt(target, ADOPT, recorder());
  expect(applied).toMatchObject([{ already: true }, { revision: "R__v", already: false }]);
  expect((await up(target)).steps).toEqual([]);
  expect(await runs(db)).toEqual(["one", "two"]);
  // A text that nobody has run is run once.
  writeFiles(folder, { "R__v.sql": view("three") });
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["R__v"]);
  expect((await up(target)).steps).toEqual([]);
  // Back to what the tool's row says: what we have run stands in between.
  writeFiles(folder, { "R__v.sql": view("two") });
  expect((await up(target)).steps).toHaveLength(1);
  expect(await runs(db)).toEqual(["one", "two", "three", "two"]);
});

test("a repeatable that Flyway ran with another text is run once", async ({ db }) => {
  const folder = folderOf({ "V1__a.sql": V1, "R__v.sql": view("two") });
  const target = await targetIn("flyway", { url: db.url, folder });
  await db.sql(`${V1}${view("one")}${TABLE}${row(1, "1", "a", V1)}${row(2, null, "v", view("one"))}`);
  await adopt(target, ADOPT, recorder());
  expect((await up(target)).steps).toHaveLength(1);
  expect((await up(target)).steps).toEqual([]);
  expect(await runs(db)).toEqual(["one", "two"]);
});

test("the same for a changeset of Liquibase with runOnChange", async ({ db }) => {
  const file = (text: string) =>
    `--liquibase formatted sql\n--changeset me:1\n${V1}\n--changeset me:2 runOnChange:true\n${view(text)}`;
  const liquibase = (id: number, order: number, text: string, type: string) =>
    `delete from databasechangelog where id = '${id}'; insert into databasechangelog values ('${id}', 'me', 'a.sql', now(), ${order}, '${type}', '${checksumsOf(text, new Map())[0]}');`;
  await db.sql(
    `create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null, dateexecuted timestamp not null, orderexecuted int not null, exectype varchar(10) not null, md5sum varchar(35));
     ${V1}${view("one")}${liquibase(1, 1, V1, "EXECUTED")}${liquibase(2, 2, view("one"), "EXECUTED")}`,
  );
  const folder = folderOf({ "a.sql": file("two") });
  const target = await targetIn("liquibase", { url: db.url, folder });
  await adopt(target, ADOPT, recorder());
  // The tool would run it again too.
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["a.sql::2::me"]);
  expect(await runs(db)).toEqual(["one", "two"]);
  expect((await up(target)).steps).toEqual([]);
});
