/** `godwit test`: up, down and up again on a scratch server, with rows in between. */
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { stateOf } from "../support/state.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

// Each call makes a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const SHOPS = `-- migrate:up
create table shops (id int primary key, name text not null);
-- migrate:down
drop table shops;`;

function godwitIn(files: Files, url?: string) {
  const folder = folderOf(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])),
  );
  return commandIn({ folder, ...(url === undefined ? {} : { url }) });
}

const of = (report: Json, revision: string) =>
  report.migrations.find((one: Json) => one.revision === revision);

test("what does not come back equal, or not twice, is named; what has no way back is said", async () => {
  const godwit = godwitIn({
    "0001_shops.sql": SHOPS,
    "0001_z_pairs.sql":
      "-- migrate:up\ncreate table pairs (a int, b int);\n-- migrate:down\ndrop table pairs;",
    "0002_index.sql": `-- migrate:up
create index shops_name on shops (name);
alter table shops alter name drop not null;
-- migrate:down
drop index shops_name;`,
    "0003_left.sql": `-- migrate:up
create table if not exists left_over (id int);
create table if not exists made as select 1 as a;
-- migrate:down
drop table made;`,
    "0004_once.sql": `-- migrate:up
alter table shops add note text;
-- migrate:down
alter table shops drop note; alter table shops drop missing;`,
    "0005_moved.sql": `-- migrate:up
alter table pairs drop a;
-- migrate:down
alter table pairs add a int;`,
    "0006_one_way.sql": "drop table left_over;",
    "repeatable/view.sql": "create or replace view names as select id from shops;",
    "repeatable/twice.sql": "create table twice (id int);",
  });
  const { json } = await godwit.fails(1, "test", "--json");
  expect(json.migrations.map(({ revision, state }: Json) => [revision, state])).toEqual([
    ["0001_shops", "passed"],
    ["0001_z_pairs", "passed"],
    ["0002_index", "failed"],
    ["0003_left", "failed"],
    ["0004_once", "failed"],
    ["0005_moved", "passed"],
    ["0006_one_way", "passed"],
    ["twice", "failed"],
    ["view", "passed"],
  ]);
  expect(json.counts).toEqual({ passed: 5, failed: 4, notTested: 0, irreversible: 1 });
  expect(of(json, "0002_index").problems).toMatchObject([
    {
      code: "TEST_DIFFERS",
      message: expect.stringContaining("column public.shops.name: not null was set, is not set"),
    },
  ]);
  expect(of(json, "0003_left").problems[0].message).toContain("table public.left_over: added");
  expect(of(json, "0004_once").problems[0]).toMatchObject({
    message: expect.stringContaining("missing"),
    place: { file: expect.stringContaining("0004_once.sql"), line: 4 },
  });
  expect(of(json, "twice").problems[0].message).toContain("already exists");
  expect(of(json, "0005_moved").notes).toEqual([expect.stringContaining("public.pairs")]);
  expect(of(json, "0006_one_way")).toMatchObject({ reversible: false });
  // The command of the hint lists what the message leaves out.
  const [, hinted = ""] = /`godwit ([^`]+)`/.exec(of(json, "0002_index").problems[0].hint) ?? [];
  const followed = await godwit.fails(1, ...hinted.split(" "));
  expect(followed.json.migrations).toMatchObject([
    { problems: [{ details: { differences: [{ name: "public.shops.name" }] } }] },
  ]);
});

const TESTED = {
  "0001_shops.sql": SHOPS,
  "0001_shops.test.sql": `-- after
insert into shops values (1, 'left by the test of 0001');`,
  "0002_slugs.sql": `-- migrate:up
alter table shops add column slug text;
update shops set slug = lower(name);
alter table shops alter slug set not null;
-- migrate:down
alter table shops drop column slug;`,
  "0002_slugs.test.sql": `-- Ada's shop has one slug.
-- before
insert into shops values (1, 'Ada');

-- after
insert into shops values (2, 'Bob', 'bob');
select slug = 'ada', slug from shops where id = 1;
select id, slug from shops order by id; -- no boolean: it only needs a row

-- reverted
select count(*) = 2 from shops;`,
};

test("rows are put before and after, expectations hold or are named, and no test sees the rows of another", async ({
  db,
}) => {
  const before = await stateOf(db.admin);
  const { stdout } = await godwitIn(TESTED, db.url)("test");
  expect(stdout).toMatch(/✓ 0002_slugs {2}up, down, up; 3 expectations hold/);
  expect(stdout).toMatch(/\n2 passed, 0 failed, 0 not tested\. PostgreSQL \d+\.\d+\.\n/);
  const broken = godwitIn({
    ...TESTED,
    "0002_slugs.test.sql": `${TESTED["0002_slugs.test.sql"]}\nselect name = 'Eve', name = 'Ada', name from shops where id = 1;`,
  });
  const { json } = await broken.fails(1, "test", "0002_slugs", "--json");
  expect(of(json, "0002_slugs").problems).toMatchObject([
    {
      code: "TEST_FAILED",
      message: "0002_slugs.test.sql:12: the statement returned false, true, 'Ada'.",
      place: { file: "0002_slugs.test.sql", line: 12, column: 1 },
    },
  ]);
  expect(await stateOf(db.admin)).toEqual(before);
});

test("data that a migration does not survive is found by the rows of its test alone", async () => {
  const risky =
    "-- migrate:up\nalter table shops add code text not null;\n-- migrate:down\nalter table shops drop code;";
  const files = { "0001_shops.sql": SHOPS, "0002_code.sql": risky };
  expect((await godwitIn(files)("test", "--json")).json.counts).toMatchObject({ passed: 2, failed: 0 });
  const rows = "-- before\ninsert into shops values (1, 'Ada');";
  const { json } = await godwitIn({ ...files, "0002_code.test.sql": rows }).fails(1, "test", "--json");
  expect(of(json, "0002_code")).toMatchObject({
    state: "failed",
    test: "0002_code.test.sql",
    problems: [{ message: expect.stringContaining("contains null values") }],
  });
});

test("what the scratch server lacks, and what runs behind a failure, is not tested, by name", async () => {
  const files = {
    "0001_vector.sql": "-- migrate:up\ncreate extension vector;\n-- migrate:down\ndrop extension vector;",
    "0002_table.sql": "-- migrate:up\ncreate table t (v vector(3));\n-- migrate:down\ndrop table t;",
    "0003_role.ts":
      "export const up = async ({ sql }) => { await sql`create table r (id int)`; await sql`grant select on r to reader`; };\nexport const down = async ({ sql }) => { await sql`drop table r`; };",
    "0004_broken.sql": "select nonsense from nowhere_at_all where;",
    "0005_behind.sql": "create table behind (id int);",
  };
  const { json } = await godwitIn(files).fails(1, "test", "--json");
  expect(json.migrations.map(({ state, because }: Json) => [state, because])).toEqual([
    ["not tested", "the scratch server has no extension vector"],
    ["not tested", expect.stringContaining("extension vector")],
    ["passed", null],
    ["failed", null],
    ["not tested", "0004_broken failed before it"],
  ]);
});

const LEGACY = {
  "migrations/0001_legacy.sql": "alter table from_before_us add note text;",
  "migrations/0002_slugs.sql":
    "-- migrate:up\nalter table from_before_us add slug text;\n-- migrate:down\nalter table from_before_us drop slug;",
};
/** As `pg_dump --schema-only` writes it, of a database that has 0001. */
const DUMP = `\\restrict x
select pg_catalog.set_config('search_path', '', false);
create table public.from_before_us (id integer, note text);
create schema "${ledgerSchema}"; create table "${ledgerSchema}".migration_history (revision text);
\\unrestrict x
`;

test("a folder that does not begin at an empty database begins at its baseline, also for diff and drift", async ({
  db,
}) => {
  const folder = folderOf(LEGACY);
  const godwit = commandIn({ folder, url: db.url });
  const failed = await godwit.fails(1, "test");
  expect(failed.stdout).toMatch(
    /✗ 0001_legacy {2}failed on its way up\n {4}If these migrations do not begin at/,
  );
  expect(failed.stdout).toContain("baselineSchema and baselineRevision");
  expect(failed.stdout).toContain("0001_legacy failed before it");
  const baseline = { baselineSchema: "dump.sql", baselineRevision: "0001" };
  writeFiles(folder, { "dump.sql": DUMP, "godwit.config.json": JSON.stringify(baseline) });
  const { json } = await godwit("test", "--json");
  expect(json.migrations.map(({ state, because }: Json) => [state, because])).toEqual([
    ["not tested", "it is part of the baseline"],
    ["passed", null],
  ]);
  const desired = "create table from_before_us (id integer, note text, slug text, more text);";
  writeFiles(folder, { "desired.sql": desired });
  expect((await godwit("diff", "--to", "desired.sql", "--json")).json.statements).toMatchObject([
    { text: expect.stringMatching(/^ALTER TABLE .*from_before_us.* ADD COLUMN .*more/) },
  ]);
  await db.sql("create table from_before_us (id integer, note text)");
  await godwit("baseline", "0001");
  await godwit("up");
  expect((await godwit("drift", "--files", "--json")).json).toMatchObject({ differences: [] });
  writeFiles(folder, { "dump.sql": "create table public.broken (id nonsense);" });
  const broken = await godwit.fails(1, "test", "--json");
  expect(broken.json.problems).toMatchObject([
    {
      code: "SCHEMA_FILE_FAILED",
      message: expect.stringMatching(/^The baseline schema cannot be made: /),
      place: { file: "dump.sql", line: 1 },
    },
  ]);
});

test("baselines of Prisma and Flyway are migrations, and every failure names its step", async () => {
  const second = "alter table t add b text;";
  const prisma = folderOf({
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"',
    "prisma/migrations/0_init/migration.sql": "create table t (a int);",
    "prisma/migrations/20240102000000_b/migration.sql": second,
    "godwit.config.json": JSON.stringify({ dir: "prisma/migrations" }),
  });
  const flyway = folderOf({
    "sql/B5__base.sql": "create table t (a int);",
    "sql/V6__b.sql": second,
    "godwit.config.json": JSON.stringify({ layout: "flyway", dir: "sql" }),
  });
  for (const folder of [prisma, flyway])
    expect((await commandIn({ folder })("test", "--json")).json.counts).toMatchObject({
      passed: 2,
      failed: 0,
    });
  const table = (name: string) =>
    `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\ndrop table ${name};`;
  const godwit = godwitIn({
    "0001_before.sql": table("a"),
    "0001_before.test.sql": "-- before\nselect false;",
    "0002_after.sql": table("b"),
    "0002_after.test.sql": "-- after\nselect false;",
    "0003_down.sql": "-- migrate:up\ncreate table c ();\n-- migrate:down\ndrop table nowhere;",
    "0004_reverted.sql": table("d"),
    "0004_reverted.test.sql": "-- reverted\nselect false;",
    "0005_again.sql": "-- migrate:up\ncreate table e ();\n-- migrate:down\ndrop table e; create table f ();",
    // A large object is no part of a schema, so it is left behind unseen.
    "0006_once.sql":
      "-- migrate:up\ncreate table g ();\nselect lo_create(7);\n-- migrate:down\ndrop table g;",
    "0007_up.sql": "select 1 / 0;",
    "0008_behind.sql": table("h"),
  });
  const { json } = await godwit.fails(1, "test", "--json");
  expect(json.migrations.map(({ failedAt }: Json) => failedAt)).toEqual([
    ...["before", "after", "down", "reverted", "down", "up again", "up", null],
  ]);
});

test("a mistyped section is refused, and an unknown revision too", async () => {
  const files = { "0001_shops.sql": SHOPS, "0001_shops.test.sql": "-- befor\nselect true;" };
  const { json } = await godwitIn(files).fails(1, "test", "--json");
  expect(json.migrations[0].problems).toMatchObject([
    { code: "TEST_FAILED", hint: expect.stringContaining("`-- before`"), place: { line: 1 } },
  ]);
  const { json: refused } = await godwitIn(files).fails(1, "test", "0009", "--json");
  expect(refused.problems).toMatchObject([{ code: "REVISION_UNKNOWN" }]);
});

test.for<[string, Files]>([
  [
    "dbmate",
    {
      "20240101000000_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
      "20240101000000_a.test.sql": "select count(*) = 0 from a;",
    },
  ],
  [
    "golang-migrate",
    {
      "000001_a.up.sql": "create table a (id int);",
      "000001_a.down.sql": "drop table a;",
      "000001_a.test.sql": "select count(*) = 0 from a;",
    },
  ],
  [
    "prisma",
    {
      "migration_lock.toml": 'provider = "postgresql"\n',
      "20240101000000_a/migration.sql": "create table a (id int);",
      "20240101000000_a/down.sql": "drop table a;",
      "20240101000000_a/migration.test.sql": "select count(*) = 0 from a;",
    },
  ],
  ["flyway", { "V1__a.sql": "create table a (id int);", "V1__a.test.sql": "select count(*) = 0 from a;" }],
])(
  "a test lies beside a migration of %s, and is no migration of its own",
  async ([layout, files], { db }) => {
    const godwit = godwitIn(files, db.url).with({ GODWIT_LAYOUT: layout });
    const { json } = await godwit("test", "--json");
    expect(json.migrations).toMatchObject([{ state: "passed", expectations: 1 }]);
    const { stderr } = await godwit("up");
    expect(stderr).not.toContain("test.sql");
  },
);

test("the library answers the same", async ({ db }) => {
  const folder = folderOf(
    Object.fromEntries(Object.entries(TESTED).map(([name, text]) => [`migrations/${name}`, text])),
  );
  const { json } = await commandIn({ folder, url: db.url })("test", "--json");
  await using migrator = createMigrator({
    ...{ dir: join(folder, "migrations"), databaseUrl: db.url, ledgerSchema },
  });
  const { ok: _, command: __, ...said } = json;
  expect(await migrator.test()).toEqual(said);
});

test("a test beside no migration fails, because nothing in it was asked", async () => {
  const godwit = godwitIn({
    "0001_shops.sql": SHOPS,
    "0001_shops.test.sql":
      "-- after:\nselect count(*) = 0 from shops;\n-- Reverted:\nselect to_regclass('shops') is null;",
    "0001_shop.test.sql": "select false;",
  });
  const { json, stderr } = await godwit.fails(1, "test", "--json");
  expect(stderr).toBe("");
  expect(json.counts).toEqual({ passed: 1, failed: 0, notTested: 0, irreversible: 0 });
  // A colon behind the name of a section is no other name.
  expect(of(json, "0001_shops").expectations).toBe(2);
  expect(json.problems).toMatchObject([{ code: "TEST_FAILED", place: { file: "0001_shop.test.sql" } }]);
  expect((await godwit.fails(1, "test")).stdout).toContain(
    "error: 0001_shop.test.sql is the test of no migration, so it was not run. [TEST_FAILED]",
  );
  expect((await godwit("test", "0001_shops", "--json")).json.problems).toEqual([]);
});

test("a target that is one schema of a database is tested in a schema of its name", async ({ db }) => {
  await db.sql('create schema "shop 1"');
  const url = { variable: "DATABASE_URL" };
  const godwit = godwitIn(
    {
      "0001_shops.sql": SHOPS,
      "0001_shops.test.sql": "select current_schema = 'shop 1' from (select current_schema()) as it;",
      "../godwit.config.json": JSON.stringify({
        targets: { shops: { url, dir: "migrations", schemas: ["shop 1"] } },
      }),
    },
    db.url,
  );
  const { json } = await godwit("test", "--target", "shops/shop 1", "--json");
  expect(json.migrations).toMatchObject([{ revision: "0001_shops", state: "passed", expectations: 1 }]);
});
