/** What happens to another tool's history behind our back has a name, and nothing is told or run by guess. */
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import type { Repair } from "../../src/run/corrections.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT = { assume: false, dryRun: false };

/** A file of dbmate whose second run would be seen. */
const dbmateFile = (table: string) =>
  `-- migrate:up\ncreate table ${table} ();\n-- migrate:down\ndrop table ${table};\n`;
const DBMATE: Files = { "01_a.sql": dbmateFile("a"), "02_b.sql": dbmateFile("b") };
const DBMATE_TABLE = "create table schema_migrations (version varchar primary key);";
const GOLANG_TABLE = "create table schema_migrations (version bigint primary key, dirty boolean not null);";
const golangFiles = (...numbers: readonly number[]): Files =>
  Object.fromEntries(
    numbers.flatMap((n) => [
      [`${n}_n.up.sql`, `create table n${n} ();`],
      [`${n}_n.down.sql`, `drop table n${n};`],
    ]),
  );

async function settle(target: Target, db: TestDatabase, kind: "forget" | "mark-done", revision: string) {
  const request = { kind, revision, position: null } as Repair;
  return repair(target, request, { confirm: db.name }, recorder());
}

const revisions = ({ steps }: { steps: readonly { revision: string }[] }) =>
  steps.map((step) => step.revision);

describe("what the tool takes back", () => {
  test("is never told again: forgotten it is pending, marked as done its row is written", async ({ db }) => {
    const target = await targetIn("dbmate", {
      url: db.url,
      folder: folderOf(DBMATE),
      settings: { mirror: "dbmate" },
    });
    await up(target);
    await db.sql("drop table b; delete from schema_migrations where version = '02'");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.hint).toContain("godwit repair --forget 02_b");
    expect(await db.sql("select version from schema_migrations")).toEqual([{ version: "01" }]);
    await settle(target, db, "forget", "02_b");
    expect(revisions(await up(target))).toEqual(["02_b"]);
    expect(await db.sql("select version from schema_migrations order by 1")).toHaveLength(2);

    await db.sql("delete from schema_migrations where version = '02'");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
    await settle(target, db, "mark-done", "02_b");
    expect(revisions(await up(target))).toEqual([]);
    expect(await db.sql("select version from schema_migrations order by 1")).toHaveLength(2);
  });

  test("is noticed without keep too, after it was adopted", async ({ db }) => {
    await db.sql(
      `${DBMATE_TABLE} insert into schema_migrations values ('01'), ('02'); create table a (); create table b ()`,
    );
    const target = await targetIn("dbmate", { url: db.url, folder: folderOf(DBMATE) });
    await adopt(target, ADOPT, recorder());
    await db.sql("delete from schema_migrations where version = '02'");
    for (const run of [
      () => up(target),
      () => adopt(target, ADOPT, recorder()),
      () => migrate(target, down("base"), recorder()),
    ])
      expect((await refusalOf(run())).codes).toEqual(["ADOPT_TAKEN_BACK"]);
    await settle(target, db, "mark-done", "02_b");
    expect(revisions(await up(target))).toEqual([]);
    await db.sql("delete from schema_migrations where version = '01'; drop table a");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
    await settle(target, db, "forget", "01_a");
    expect(revisions(await up(target, recorder(), { outOfOrder: true }))).toEqual(["01_a"]);
  });

  test("with a number: each revision that the lower number takes away", async ({ db }) => {
    const folder = folderOf(golangFiles(1, 2, 3));
    const target = await targetIn("golang-migrate", {
      url: db.url,
      folder,
      settings: { mirror: "golang-migrate" },
    });
    await up(target);
    await db.sql("update schema_migrations set version = 1; drop table n2, n3");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.message).toContain("2_n, 3_n");
    await settle(target, db, "forget", "2_n");
    await settle(target, db, "forget", "3_n");
    expect(revisions(await up(target))).toEqual(["2_n", "3_n"]);
    await db.sql("update schema_migrations set version = 1");
    await baseline(target, "3_n", recorder());
    expect(await db.sql("select version::int from schema_migrations")).toEqual([{ version: 3 }]);
    expect(revisions(await up(target))).toEqual([]);
  });

  test("with heads: alembic downgrade", async ({ db }) => {
    const revision = (id: string, below: string) =>
      `-- godwit: revises=${below}\n-- migrate:up\ncreate table ${id} ();\n-- migrate:down\ndrop table ${id};\n`;
    const folder = folderOf({
      "a1.sql": revision("a1", "none"),
      "b2.sql": revision("b2", "a1"),
      "c3.sql": revision("c3", "b2"),
    });
    const target = targetOf({ url: db.url, folder, settings: { mirror: "alembic" } });
    await up(target);
    await db.sql("update alembic_version set version_num = 'b2'; drop table c3");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
    await settle(target, db, "forget", "c3");
    expect(revisions(await up(target))).toEqual(["c3"]);
    expect(await db.sql("select version_num from alembic_version")).toEqual([{ version_num: "c3" }]);
  });

  test("of a program: a row that was adopted as a revision without a file", async ({ db }) => {
    await db.sql(`create table knex_migrations (id serial, name varchar, batch int, migration_time timestamptz default now());
      insert into knex_migrations (name, batch) values ('01_a.js', 1), ('02_b.js', 1)`);
    const folder = folderOf({ "0100_next.sql": "create table next ();" });
    const target = targetOf({ url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await up(target);
    await db.sql("delete from knex_migrations where name = '02_b.js'");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
    await settle(target, db, "forget", "02_b.js");
    expect(revisions(await up(target))).toEqual([]);
  });
});

describe("a history that is not where it was", () => {
  test("in another schema it is followed, and nothing is run or told", async ({ db }) => {
    const target = await targetIn("dbmate", {
      url: db.url,
      folder: folderOf(DBMATE),
      settings: { mirror: "dbmate" },
    });
    await up(target);
    await db.sql("create schema elsewhere; alter table schema_migrations set schema elsewhere");
    const { steps, warnings } = await up(target);
    expect(steps).toEqual([]);
    expect(warnings.map(({ message }) => message).join()).toContain("elsewhere.schema_migrations");
    expect((await up(target)).warnings).toEqual([]);
  });

  test("one that is gone is made again by a person, not by a guess", async ({ db }) => {
    const folder = folderOf(DBMATE);
    const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
    await up(target);
    await db.sql("drop table schema_migrations");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.hint).toContain("godwit baseline 02_b");
    await baseline(target, "02_b", recorder());
    expect(await db.sql("select version from schema_migrations order by 1")).toEqual([
      { version: "01" },
      { version: "02" },
    ]);
    expect(revisions(await up(target))).toEqual([]);
    // Who has left the tool is told once.
    await db.sql("drop table schema_migrations");
    const left = await targetIn("dbmate", { url: db.url, folder });
    expect((await up(left)).warnings.map(({ code }) => code)).toEqual(["ADOPT_TAKEN_BACK"]);
    expect((await up(left)).warnings).toEqual([]);
  });
});

describe("a number implies what is below it only where the tool itself has come to it", () => {
  test("a file that is late, below a number of ours, was not applied", async ({ db }) => {
    const folder = folderOf(golangFiles(1, 3));
    const target = await targetIn("golang-migrate", {
      url: db.url,
      folder,
      settings: { mirror: "golang-migrate" },
    });
    await up(target);
    writeFiles(folder, golangFiles(2));
    expect((await refusalOf(up(target))).codes).toEqual(["PLAN_LATE"]);
    expect((await adopt(target, ADOPT, recorder())).pending).toEqual(["2_n"]);
    expect(revisions(await up(target, recorder(), { outOfOrder: true }))).toEqual(["2_n"]);
    await settle(target, db, "forget", "2_n");
    expect((await refusalOf(up(target))).codes).toEqual(["PLAN_LATE"]);
    expect(await db.sql("select version::int from schema_migrations")).toEqual([{ version: 3 }]);
  });

  test("what the tool has gone on to is asked about, also where its last file is not here", async ({
    db,
  }) => {
    await db.sql(`${GOLANG_TABLE} insert into schema_migrations values (1, false); create table n1 ()`);
    const folder = folderOf(golangFiles(1));
    const target = await targetIn("golang-migrate", { url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await db.sql(
      "update schema_migrations set version = 4; create table n2 (); create table n3 (); create table n4 ()",
    );
    writeFiles(folder, golangFiles(2, 3));
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect(await appliedIn(db)).toEqual(["1_n", "2_n", "3_n"]);
    writeFiles(folder, golangFiles(4, 5));
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect(revisions(await up(target))).toEqual(["5_n"]);
  });
});

test("what we took back and the tool has applied since is not run again", async ({ db }) => {
  await db.sql(`${DBMATE_TABLE} insert into schema_migrations values ('01'); create table a ()`);
  const target = await targetIn("dbmate", { url: db.url, folder: folderOf(DBMATE) });
  await adopt(target, ADOPT, recorder());
  await up(target);
  await migrate(target, down("-1"), recorder());
  await up(target, recorder(), { goal: { direction: "up", to: "01", phases: ["startup"] } });
  await db.sql("create table b (); insert into schema_migrations values ('02')");
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  await adopt(target, ADOPT, recorder());
  expect(revisions(await up(target))).toEqual([]);
});

test("what we applied and the tool applies too is named", async ({ db }) => {
  await db.sql(DBMATE_TABLE);
  const target = await targetIn("dbmate", { url: db.url, folder: folderOf(DBMATE) });
  await up(target);
  await db.sql("insert into schema_migrations values ('01')");
  const { warnings } = await up(target);
  expect(warnings.map(({ message }) => message).join()).toContain(
    "01_a was applied here, and since then dbmate",
  );
  expect((await up(target)).warnings).toEqual([]);
});

test("a history that has failed since it was adopted stops every run", async ({ db }) => {
  const file = "create table p ();";
  await db.sql(`create table _prisma_migrations (id varchar primary key, checksum varchar, finished_at timestamptz,
    migration_name varchar, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count int default 0);
    insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', 'x', now(), '01_p'); create table p ()`);
  const folder = folderOf({
    "migration_lock.toml": 'provider = "postgresql"\n',
    "01_p/migration.sql": file,
    "02_q/migration.sql": "create table q ();",
  });
  const target = await targetIn("prisma", { url: db.url, folder });
  await adopt(target, ADOPT, recorder());
  await db.sql("insert into _prisma_migrations (id, checksum, migration_name) values ('2', 'x', '02_q')");
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_FAILED_HISTORY"]);
  expect(await appliedIn(db)).toEqual(["01_p"]);
});

test("a plain folder is asked about names in the history of programs", async ({ db }) => {
  await db.sql(`create table knex_migrations (id serial, name varchar, batch int, migration_time timestamptz default now());
    insert into knex_migrations (name, batch) values ('0001_a.js', 1); create table a ()`);
  const target = targetOf({
    url: db.url,
    folder: folderOf({ "0001_a.sql": "create table a ();", "0002_b.sql": "create table b ();" }),
  });
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  await adopt(target, ADOPT, recorder());
  expect(revisions(await up(target))).toEqual(["0002_b"]);
});

test("a row without a file and a pending file of the same name are a question", async ({ db }) => {
  const text = "create table p ();";
  const { createHash } = await import("node:crypto");
  const sha = createHash("sha256").update(text).digest("hex");
  await db.sql(`create table _prisma_migrations (id varchar primary key, checksum varchar, finished_at timestamptz,
    migration_name varchar, logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count int default 0);
    insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', '${sha}', now(), '20240101000000_p'); create table p ()`);
  const folder = folderOf({
    "migration_lock.toml": 'provider = "postgresql"\n',
    "20240102000000_p/migration.sql": text,
  });
  const target = await targetIn("prisma", { url: db.url, folder });
  for (const run of [() => adopt(target, ADOPT, recorder()), () => up(target)])
    expect((await refusalOf(run())).codes).toEqual(["ADOPT_CONFLICT"]);
  await settle(target, db, "mark-done", "20240102000000_p");
  expect(revisions(await up(target))).toEqual([]);
});
