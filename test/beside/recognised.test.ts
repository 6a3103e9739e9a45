/** What is a history of another tool, and whose: by what its columns mean, by its place, and by what its rows say. */
import { describe } from "vitest";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT: AdoptOptions = { assume: false, dryRun: false };
const FILES = {
  "001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
  "002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;\n",
};

const dbmateIn = (db: TestDatabase, settings = {}, files: Files = FILES) =>
  targetIn("dbmate", { url: db.url, folder: folderOf(files), settings });
const steps = async (...call: Parameters<typeof up>) =>
  (await up(...call)).steps.map(({ revision }) => revision);
const exists = async (db: TestDatabase, name: string) =>
  (await db.sql(`select to_regclass('${name}') is not null as there`))[0]?.there;

describe("a history in a schema or under a name that its tool would not choose", () => {
  const SHAPES: readonly [what: string, table: string, columns: string][] = [
    ["in a schema called auth", "auth.schema_migrations", "(version varchar primary key)"],
    ["in a schema called storage", "storage.schema_migrations", "(version text primary key)"],
    [
      "with a column more",
      "aside.schema_migrations",
      "(version text primary key, applied_at timestamptz default now())",
    ],
    ["with a name of its own", "public.versions", "(version varchar primary key)"],
    [
      "with both",
      "aside.done",
      "(version varchar primary key, applied_at timestamptz default now(), by text)",
    ],
  ];
  test.for(SHAPES)(
    "%s is asked about, never replayed and never written to",
    async ([, table, columns], { db }) => {
      const [schema] = table.split(".");
      await db.sql(`create schema if not exists ${schema}; create table ${table} ${columns};
      insert into ${table} (version) values ('001'); create table a (id int)`);
      for (const settings of [{}, { mirror: "dbmate" }, { mirror: "none" }]) {
        const { codes, error } = await refusalOf(up(await dbmateIn(db, settings)));
        expect(codes).toEqual(["ADOPT_AMBIGUOUS"]);
        expect(error.hint).toContain(`godwit adopt --table ${table}`);
        expect(error.hint).toContain(`--mirror none:${table}`);
      }
      expect((await refusalOf(adopt(await dbmateIn(db), ADOPT, recorder()))).codes).toEqual([
        "ADOPT_AMBIGUOUS",
      ]);
      expect(await db.sql(`select to_regnamespace('${ledgerSchema}') as made`)).toEqual([{ made: null }]);
      // Yes.
      await adopt(await dbmateIn(db), { ...ADOPT, table }, recorder());
      expect(await steps(await dbmateIn(db, { mirror: `dbmate:${table}` }))).toEqual(["002_b"]);
      expect(await db.sql(`select version from ${table} order by 1`)).toEqual([
        { version: "001" },
        { version: "002" },
      ]);
      expect(await steps(await dbmateIn(db, { mirror: "dbmate" }))).toEqual([]);
    },
  );

  test("that is another project's is left alone, once that was said", async ({ db }) => {
    await db.sql(`create schema auth; create table auth.schema_migrations (version varchar primary key);
      insert into auth.schema_migrations values ('001')`);
    expect(await steps(await dbmateIn(db, { mirror: "none:auth.schema_migrations" }))).toEqual([
      "001_a",
      "002_b",
    ]);
    expect(await steps(await dbmateIn(db))).toEqual([]);
    expect(await db.sql("select version from auth.schema_migrations")).toEqual([{ version: "001" }]);
  });

  test("beside one that was named for ours is left alone, where ours is there", async ({ db }) => {
    await db.sql(`create schema auth; create table auth.schema_migrations (version varchar primary key);
      insert into auth.schema_migrations values ('001')`);
    const settings = { mirror: "dbmate:public.schema_migrations" };
    await db.sql("create table public.schema_migrations (like auth.schema_migrations including all)");
    expect(await steps(await dbmateIn(db, settings))).toEqual(["001_a", "002_b"]);
    expect(await steps(await dbmateIn(db, settings))).toEqual([]);
    expect(await db.sql("select version from public.schema_migrations order by 1")).toHaveLength(2);
    expect(await db.sql("select version from auth.schema_migrations")).toEqual([{ version: "001" }]);
  });

  test("appearing later is none of our business", async ({ db }) => {
    expect(await steps(await dbmateIn(db, { mirror: "dbmate" }))).toHaveLength(2);
    await db.sql(`create schema auth; create table auth.schema_migrations (version varchar primary key);
      insert into auth.schema_migrations values ('003')`);
    const files = { ...FILES, "003_c.sql": "-- migrate:up\ncreate table c ();\n-- migrate:down\n" };
    expect(await steps(await dbmateIn(db, { mirror: "dbmate" }, files))).toEqual(["003_c"]);
    expect(await db.sql("select version from public.schema_migrations order by 1")).toHaveLength(3);
    expect(await db.sql("select version from auth.schema_migrations")).toHaveLength(1);
  });

  test("golang-migrate's number in another service's schema is not ours", async ({ db }) => {
    await db.sql(`create schema billing; create table billing.schema_migrations (version bigint primary key, dirty boolean not null);
      insert into billing.schema_migrations values (7, false)`);
    const files = { "1_a.up.sql": "create table a ();", "2_b.up.sql": "create table b ();" };
    const target = await targetIn("golang-migrate", {
      ...{ url: db.url, folder: folderOf(files) },
      settings: { mirror: "golang-migrate" },
    });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_AMBIGUOUS"]);
    expect(await exists(db, "a")).toBe(false);
    expect(await db.sql("select version::int from billing.schema_migrations")).toEqual([{ version: 7 }]);
  });

  test("a checksum of a file of ours proves whose it is", async ({ db }) => {
    const { createHash } = await import("node:crypto");
    const sql = "create table a (id int);";
    await db.sql(`${sql} create schema app; create table app._sqlx_migrations (version bigint primary key, description text not null,
      installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);
      insert into app._sqlx_migrations values (1, 'a', now(), true, '\\x${createHash("sha384").update(sql).digest("hex")}', 1)`);
    const target = await targetIn("sqlx", { url: db.url, folder: folderOf({ "1_a.sql": sql }) });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect(await appliedIn(db)).toEqual(["1_a"]);
  });

  test("in the schema that the connection's names go to it is made and found", async ({ db }) => {
    await db.sql("create schema b");
    const url = `${db.url}?options=-c%20search_path%3Db`;
    const target = async () =>
      targetIn("dbmate", { url, folder: folderOf(FILES), settings: { mirror: "dbmate" } });
    expect(await steps(await target())).toHaveLength(2);
    expect(await db.sql("select version from b.schema_migrations order by 1")).toHaveLength(2);
    await db.sql(`drop schema "${ledgerSchema}" cascade`);
    expect(await steps(await target())).toEqual([]);
  });
});

describe("in its own place, with columns more", () => {
  const SHAPES: readonly [tool: string, files: Files, sql: string, applied: string][] = [
    [
      "dbmate",
      FILES,
      "create table schema_migrations (version varchar primary key, applied_at timestamptz default now()); insert into schema_migrations values ('001')",
      "001_a",
    ],
    [
      "golang-migrate",
      { "1_a.up.sql": "select 1;", "2_b.up.sql": "select 1;" },
      "create table schema_migrations (version bigint primary key, dirty boolean not null, applied_at timestamptz default now()); insert into schema_migrations values (1, false)",
      "1_a",
    ],
    [
      "node-pg-migrate",
      { "1_a.sql": "-- Up Migration\nselect 1;", "2_b.sql": "-- Up Migration\nselect 1;" },
      "create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null, host text); insert into pgmigrations (name, run_on) values ('1_a', now())",
      "1_a",
    ],
    [
      "diesel",
      { "1_a/up.sql": "select 1;", "2_b/up.sql": "select 1;" },
      "create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp not null default now(), note text); insert into __diesel_schema_migrations (version) values ('1')",
      "1_a",
    ],
  ];
  test.for(SHAPES)("%s", async ([tool, files, sql, applied], { db }) => {
    await db.sql(sql);
    const folder = folderOf(files);
    expect((await refusalOf(up(await targetIn(tool, { url: db.url, folder })))).codes).toEqual([
      "ADOPT_NEEDED",
    ]);
    const kept = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
    expect(await steps(kept)).toHaveLength(1);
    expect(await appliedIn(db)).toContain(applied);
    expect(await steps(kept)).toEqual([]);
  });
});

describe("what only looks like one", () => {
  test.for([
    [
      "versions of an application",
      "create table versions (version text); insert into versions values ('1.0.3'), ('1.1.0')",
    ],
    [
      "a log of changes",
      "create table change_history (id serial, change text, project text, committed_at timestamp); insert into change_history (change) values ('001')",
    ],
    [
      "migrations of birds",
      "create table migrations (id serial primary key, name text); insert into migrations (name) values ('001_a')",
    ],
    [
      "versions of documents",
      "create table document_versions (id serial primary key, version text, body text); insert into document_versions (version) values ('v7')",
    ],
    [
      "tables of files",
      "create table files (id int, hash text, created_at bigint, path text); insert into files values (1, 'x', 1, '/')",
    ],
  ] as const)("%s", async ([, sql], { db }) => {
    await db.sql(sql);
    const plain = targetOf({ url: db.url, folder: folderOf({ "001_p.sql": "create table p ();" }) });
    expect((await refusalOf(adopt(plain, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
    expect(await steps(await dbmateIn(db))).toEqual(["001_a", "002_b"]);
  });
});

describe("--mirror with a table that is named", () => {
  test("is made where it is not there, and found again", async ({ db }) => {
    const settings = { mirror: "dbmate:my_versions" };
    const folder = folderOf(FILES);
    const target = await targetIn("dbmate", { url: db.url, folder, settings });
    expect(await steps(target)).toHaveLength(2);
    expect(await steps(target)).toEqual([]);
    writeFiles(folder, { "003_c.sql": "-- migrate:up\ncreate table c ();\n-- migrate:down\n" });
    expect(await steps(target)).toEqual(["003_c"]);
    expect(await db.sql("select version from public.my_versions order by 1")).toHaveLength(3);
  });

  test("and is no history is refused by name", async ({ db }) => {
    await db.sql(
      "create table birds (name text); create table numbers (version int); create table g (version text, checksum text)",
    );
    for (const [table, why] of [
      ["birds", /no column version/],
      ["public.numbers", /its column version is integer/],
      ["g", /its column checksum does not belong/],
    ] as const) {
      const { codes, error } = await refusalOf(up(await dbmateIn(db, { mirror: `dbmate:${table}` })));
      expect(codes).toEqual(["ADOPT_CONFLICT"]);
      expect(error.message).toMatch(why);
    }
    expect(await exists(db, "a")).toBe(false);
  });
});

test("a column that wants a value is refused by name, and with a default it is kept in step", async ({
  db,
}) => {
  await db.sql(`create table schema_migrations (version varchar primary key, tenant text not null);
    insert into schema_migrations values ('001', 'x')`);
  const target = () => dbmateIn(db, { mirror: "dbmate" });
  const { codes, error } = await refusalOf(up(await target()));
  expect(codes).toEqual(["ADOPT_CONFLICT"]);
  expect(error.hint).toContain('alter column "tenant" set default');
  await db.sql("alter table schema_migrations alter column tenant set default 'x'");
  expect(await steps(await target())).toEqual(["002_b"]);
});

test("tables of Supabase's services are no history, whose else they would be a question", async ({ db }) => {
  // Roles are the server's; no other test has one of this name.
  const role = `supabase_${db.name}_admin`;
  await db.admin(`create role ${role}; create schema auth authorization ${role};
    create table auth.schema_migrations (version varchar primary key); insert into auth.schema_migrations values ('001');
    grant usage on schema auth to public; grant select on auth.schema_migrations to public`);
  try {
    expect(await steps(await dbmateIn(db))).toEqual(["001_a", "002_b"]);
  } finally {
    await db.admin(`drop schema auth cascade; drop role ${role}`);
  }
});
