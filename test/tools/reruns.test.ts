/** Whatever the folder is called and whatever has happened before: what another tool has applied is not run again. */
import { createHash } from "node:crypto";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import {
  down,
  type Files,
  folderOf,
  recorder,
  type TargetOptions,
  targetOf,
  up,
  writeFiles,
} from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const targetFor = async (layout: string, options: TargetOptions): Promise<Target> =>
  layout === "plain" ? targetOf(options) : targetIn(layout, options);

const ADOPT = { assume: false, dryRun: false };
const N = "create table if not exists n (id int);\ninsert into n values (1);\n";
const hex = (algorithm: string) => createHash(algorithm).update(N).digest("hex");

describe("a folder that by its files is nobody's, where a tool has applied its files", () => {
  const cases: readonly [tool: string, layout: string, files: Files, history: string][] = [
    [
      "sqlx",
      "plain",
      { "20240101000000_n.sql": N },
      `create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);
insert into _sqlx_migrations values (20240101000000, 'n', now(), true, decode('${hex("sha384")}', 'hex'), 1)`,
    ],
    [
      "golang-migrate",
      "updown",
      { "0001_n.up.sql": N },
      "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (1, false)",
    ],
    [
      "diesel",
      "updir",
      { "2024-01-01-000000_n/up.sql": N },
      "create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp default now()); insert into __diesel_schema_migrations values ('20240101000000')",
    ],
    [
      "drizzle",
      "plain",
      { "0000_n.sql": N },
      `create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint); insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hex("sha256")}', 1704067200000)`,
    ],
    [
      "supabase",
      "plain",
      { "20240101000000_n.sql": N },
      "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text); insert into supabase_migrations.schema_migrations values ('20240101000000')",
    ],
  ];
  test.for(cases)("%s", async ([tool, layout, files, history], { db }) => {
    await db.sql(N);
    await db.sql(history);
    const folder = folderOf(files);
    const { codes, error } = await refusalOf(up(await targetFor(layout, { url: db.url, folder })));
    expect(codes).toEqual(["ADOPT_NEEDED"]);
    expect(await db.sql("select count(*)::int as n from n")).toEqual([{ n: 1 }]);
    // Pairs of files are golang-migrate's own form: there is nothing to say about the layout.
    if (layout === "updown") return;
    expect(error.hint).toContain(`--layout ${tool}`);
    // A person knows better.
    const told = await targetFor(layout, { url: db.url, folder, settings: { mirror: "none" } });
    expect((await up(told)).steps).toHaveLength(1);
  });
});

const MARKED = (table: string) =>
  `-- migrate:up\ncreate table ${table} ();\n-- migrate:down\ndrop table ${table};\n`;
const DBMATE = "create table schema_migrations (version varchar primary key);";

test("a run that failed before leaves the question open", async ({ db }) => {
  await db.sql(`${DBMATE} insert into schema_migrations values ('01'); create table a ()`);
  const folder = folderOf({ "01_a.sql": MARKED("a") });
  const blind = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "none" } });
  expect((await refusalOf(up(blind))).codes).toEqual(["ADOPT_NEEDED"]);
  const plain = await targetFor("plain", { url: db.url, folder, settings: { mirror: "none" } });
  expect((await refusalOf(up(plain))).codes).toEqual(["STEP_FAILED"]);
  expect((await refusalOf(up(await targetIn("dbmate", { url: db.url, folder })))).codes).toEqual([
    "ADOPT_NEEDED",
  ]);
});

test("what the tool would keep for applied is not taken back behind its back", async ({ db }) => {
  await db.sql(DBMATE);
  const folder = folderOf({ "01_a.sql": MARKED("a"), "02_b.sql": MARKED("b") });
  const kept = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  await up(kept);
  const untold = await targetIn("dbmate", { url: db.url, folder });
  const { codes, error } = await refusalOf(migrate(untold, down("-1"), recorder()));
  expect(codes).toEqual(["ADOPT_CONFLICT"]);
  expect(error.hint).toContain("--mirror dbmate");
  expect(await appliedIn(db)).toEqual(["01_a", "02_b"]);
  await migrate(kept, down("-1"), recorder());
  expect(await db.sql("select version from schema_migrations")).toEqual([{ version: "01" }]);
});

test("adopting files of SQL from a folder that is not there is a question, not a history without files", async ({
  db,
}) => {
  await db.sql(`${DBMATE} insert into schema_migrations values ('01')`);
  const elsewhere = folderOf({});
  const target = await targetFor("plain", { url: db.url, folder: elsewhere });
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["SOURCE_FOLDER_EMPTY"]);
  writeFiles(elsewhere, { "01_a.sql": MARKED("a") });
  expect(
    await adopt(await targetIn("dbmate", { url: db.url, folder: elsewhere }), ADOPT, recorder()),
  ).toMatchObject({
    applied: [{ revision: "01_a", file: true }],
  });
});
