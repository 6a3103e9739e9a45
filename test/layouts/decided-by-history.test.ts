/** Where the files of a folder fit several tools, the history in the database decides, if one of them has rows there. */
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const GO = "create table schema_migrations (version bigint primary key, dirty boolean not null)";
const SQLX = `create table _sqlx_migrations (version bigint primary key, description text not null, installed_on timestamptz not null default now(),
  success boolean not null, checksum bytea not null, execution_time bigint not null)`;

/** Pairs, in a project that is written in Go and in Rust. */
const PAIRS = {
  "go.mod": "module x",
  "Cargo.toml": "[package]",
  "migrations/1_a.up.sql": "create table a (id int);",
  "migrations/1_a.down.sql": "drop table a;",
  "migrations/2_b.up.sql": "create table b (id int);",
  "migrations/2_b.down.sql": "drop table b;",
};

function godwitIn(db: TestDatabase) {
  return commandIn({ folder: folderOf(PAIRS), url: db.url });
}

test("none, an empty one, and rows of both leave the question as it is", async ({ db }) => {
  const godwit = godwitIn(db);
  const asked = async () => (await godwit.fails(1, "up")).stderr;
  expect(await asked()).toContain("LAYOUT_UNKNOWN");
  await db.sql(`${GO}; ${SQLX}`);
  expect(await asked()).toContain("LAYOUT_UNKNOWN");
  await db.sql(`insert into schema_migrations values (1, false);
    insert into _sqlx_migrations values (1, 'a', now(), true, '\\x00', 1)`);
  expect(await asked()).toContain("LAYOUT_UNKNOWN");
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});

test("the one with rows decides, also after it was adopted; without it the question is back", async ({
  db,
}) => {
  const godwit = godwitIn(db);
  await db.sql(`${GO}; ${SQLX}; create table a (id int); insert into schema_migrations values (1, false)`);
  const { json } = await godwit.fails(1, "status", "--json");
  expect(json).toMatchObject({ layout: "golang-migrate", problems: [{ code: "ADOPT_NEEDED" }] });
  expect((await godwit.fails(1, "up")).stderr).toContain("ADOPT_NEEDED");
  await godwit("adopt");
  expect((await godwit("up", "--json")).json.report.steps).toMatchObject([{ revision: "2_b" }]);
  expect((await godwit("status", "--json")).json).toMatchObject({ layout: "golang-migrate", pending: 0 });
  await db.sql("drop table schema_migrations");
  expect((await godwit.fails(1, "up")).stderr).toContain("LAYOUT_UNKNOWN");
});

test("the history of one schema decides for all schemas of a target, for commands and for programs", async ({
  db,
}) => {
  const targets = { tenants: { url: db.url, schemas: ["t1", "t2"] } };
  const folder = folderOf({ ...PAIRS, "godwit.config.json": JSON.stringify({ targets }) });
  const godwit = commandIn({ folder });
  await db.sql("create schema t1; create schema t2");
  expect((await godwit.fails(1, "up")).stderr).toContain("LAYOUT_UNKNOWN");
  await db.sql(
    `set search_path = t2; ${GO}; create table a (id int); insert into schema_migrations values (1, false)`,
  );
  expect((await godwit.fails(1, "up")).stderr).toMatch(
    /tenants\/t2: golang-migrate has applied[\s\S]*\[ADOPT_NEEDED\]/,
  );
  await godwit("adopt", "--target", "tenants/t2");
  await using fleet = createFleet({ root: folder, targets });
  const { targets: reports } = await fleet.up();
  expect(reports[0]).toMatchObject({
    ok: true,
    schemas: [{ report: { steps: [] } }, { report: { steps: [{ revision: "2_b" }] } }],
  });
  expect((await godwit("up")).stdout).toContain("2 of 2 schemas are done");
});

test("two tools that have applied the same files are both named, and the one whose folder it is leads on", async ({
  db,
}) => {
  await db.sql(`create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20250101000000');
    create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations values ('20250101000000', null, 'a'); create table a (id int)`);
  const folder = folderOf({
    "migrations/20250101000000_a.sql": "create table a (id int);",
    "migrations/20250102000000_b.sql": "create table b (id int);",
  });
  const godwit = commandIn({ folder, url: db.url });
  const { json, stderr } = await godwit.fails(1, "up", "--json");
  expect(json.problems).toMatchObject([
    { code: "ADOPT_NEEDED", details: { tool: "dbmate" } },
    { code: "ADOPT_NEEDED", details: { tool: "supabase" } },
  ]);
  for (const tool of ["dbmate", "supabase"])
    expect(stderr).toMatch(new RegExp(`--layout ${tool}.*\`godwit adopt --tool ${tool}\``));
  await godwit("adopt", "--layout", "supabase", "--tool", "supabase");
  const { json: done } = await godwit("up", "--layout", "supabase", "--json");
  expect(done.report.steps).toMatchObject([{ revision: "20250102000000_b" }]);
});

test("a folder of Supabase with the history of another tool stays Supabase's", async ({ db }) => {
  await db.sql(
    "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('1')",
  );
  const folder = folderOf({ "supabase/migrations/1_a.sql": "-- Up Migration\nselect 1;" });
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit("status", "--json")).json).toMatchObject({ layout: "supabase", pending: 1 });
});
