/** A rehearsal begins with the schema that the target has, whatever its files say, and what it lacks is never called safe. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, onTestFinished, vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startServer } from "../support/server.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const BASE = { "0001_base.sql": "create table orders (id int primary key, customer text, total int);" };

async function worldOf(db: Pick<TestDatabase, "url">, applied: Files = BASE) {
  const below = (files: Files) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
  const folder = folderOf(below(applied));
  const godwit = commandIn({ folder, url: db.url });
  if (Object.keys(applied).length > 0) await godwit("up");
  return {
    godwit,
    folder,
    add: (files: Files) => writeFiles(folder, below(files)),
    remove: (name: string) => rmSync(join(folder, "migrations", name)),
    rehearse: async (exit = 0, ...words: readonly string[]): Promise<Json> =>
      (await godwit.start("rehearse", ...words, "--json").exits(exit)).json,
  };
}

const ofStep = (report: Json, revision: string) =>
  report.steps.find((step: Json) => step.revision === revision);

describe("what was changed by hand is there", () => {
  test("an index that somebody has made is in the way of a migration that makes it", async ({ db }) => {
    const world = await worldOf(db);
    await db.admin("create index orders_customer on orders (customer)");
    world.add({ "0002_index.sql": "create index orders_customer on orders (customer);" });
    const report = await world.rehearse(1);
    expect(report).toMatchObject({ from: "catalog", notFromCatalog: null, gaps: [] });
    expect(ofStep(report, "0002_index").statements).toMatchObject([
      { state: "failed", why: expect.stringContaining('relation "orders_customer" already exists') },
    ]);
  });

  test("a column, a check and a partition that somebody has made are locked and read", async ({ db }) => {
    const world = await worldOf(db, {
      "0001_base.sql": `create table parts (id int) partition by range (id);
create table part_1 partition of parts for values from (0) to (10);`,
    });
    await db.admin("alter table parts add column note text");
    await db.admin("create table part_2 partition of parts for values from (10) to (20)");
    world.add({ "0002_note.sql": "alter table parts alter column note set not null;" });
    const report = await world.rehearse();
    const [statement] = ofStep(report, "0002_note").statements;
    expect(statement).toMatchObject({ state: "rehearsed", risk: "blocks reads" });
    expect(statement.scans).toEqual(["public.part_1", "public.part_2"]);
  });
});

describe("old files do not matter", () => {
  test("the first file cannot run from empty", async ({ db }) => {
    const world = await worldOf(db, {});
    await db.admin("create table orders (id int primary key, customer text)");
    world.add({ "0001_base.sql": "alter table made_by_nobody add column x int;" });
    await world.godwit("baseline", "0001_base");
    world.add({ "0002_index.sql": "create index on orders (customer);" });
    const report = await world.rehearse();
    expect(report).toMatchObject({ from: "catalog", gaps: [] });
    expect(ofStep(report, "0002_index")).toMatchObject({ risk: "blocks writes" });
  });

  test("what is applied has no file any more", async ({ db }) => {
    const world = await worldOf(db, { ...BASE, "0009_gone.sql": "create table gone (id int);" });
    world.remove("0009_gone.sql");
    world.add({ "0003_needs.sql": "create index on gone (id);" });
    const report = await world.rehearse(0, "--out-of-order");
    expect(report).toMatchObject({ from: "catalog", gaps: [] });
    expect(ofStep(report, "0003_needs")).toMatchObject({ risk: "blocks writes" });
  });

  test("a way back of the newest", async ({ db }) => {
    const world = await worldOf(db, {
      ...BASE,
      "0002_note.sql":
        "-- migrate:up\nalter table orders add column note text;\n-- migrate:down\nalter table orders drop column note;",
    });
    const report = await world.rehearse(0, "-1");
    expect(report).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 1, failed: 0 } });
  });

  test("a contract step runs behind the expand step that is applied", async ({ db }) => {
    const world = await worldOf(db, {
      ...BASE,
      "0002_new.sql": "alter table orders add column client text;",
    });
    world.add({ "0003_old.sql": "-- godwit: phase=contract\nalter table orders drop column customer;" });
    const report = await world.rehearse(0, "--contract");
    expect(ofStep(report, "0003_old")).toMatchObject({ phase: "contract", risk: "brief lock" });
  });

  test("a history of another tool is there too", async ({ db }) => {
    const world = await worldOf(db, {});
    writeFiles(world.folder, {
      "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n',
      "prisma/migrations/20240101000000_one/migration.sql": "create table users (id int primary key);",
      "prisma/migrations/20240102000000_two/migration.sql": "create index on users (id);",
    });
    await db.admin("create table users (id int primary key)");
    await db.admin(`create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null,
      finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
      started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`);
    await db.admin("grant all on _prisma_migrations to public");
    await db.admin(`insert into _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
      values ('a', encode(sha256('create table users (id int primary key);'), 'hex'), now(), '20240101000000_one', 1)`);
    await world.godwit("adopt", "--dir", "prisma/migrations");
    const report = await world.rehearse(0, "--dir", "prisma/migrations");
    expect(report).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 1, failed: 0 } });
    expect(report.steps).toMatchObject([{ risk: "blocks writes" }]);
  });
});

describe("what the copy lacks", () => {
  test("a foreign table is not copied, and what touches it is not rehearsed", async ({ db }) => {
    const world = await worldOf(db);
    await db.admin("create foreign data wrapper far_away");
    await db.admin("create server far foreign data wrapper far_away");
    await db.admin(
      "create domain amount as int; create foreign table far_orders (id int, due amount) server far",
    );
    world.add({
      "0003_far.sql": "alter foreign table far_orders add column total int;",
      "0004_near.sql": "create index on orders (customer);",
      "0005_domain.sql": "alter domain amount add check (value < 100);",
    });
    const report = await world.rehearse();
    expect(report).toMatchObject({
      from: "catalog",
      gaps: ["foreign table public.far_orders could not be copied", "server far could not be copied"],
    });
    expect(ofStep(report, "0003_far")).toMatchObject({
      risk: null,
      statements: [{ state: "not rehearsed" }],
    });
    expect(ofStep(report, "0004_near")).toMatchObject({ risk: "blocks writes" });
    // Which tables use it is not seen on any of them.
    expect(ofStep(report, "0005_domain").statements).toMatchObject([{ state: "not understood", risk: null }]);
  });
});

test("on an older server, an extension that the scratch server lacks, and who reads the view that needs it", async () => {
  const server = await startServer({ major: 15 });
  onTestFinished(() => server.stop());
  const world = await worldOf(
    { url: `postgres://postgres@127.0.0.1:${server.port}/postgres?sslmode=disable` },
    {
      "0001_base.sql": `create extension adminpack;
create table orders (id int primary key, note text);
create table apart (id int primary key, note text);
create view logs as select id, pg_file_unlink('x') from orders;`,
    },
  );
  world.add({
    "0002_view.sql": "drop view logs;",
    "0003_type.sql": "alter table orders alter column note type varchar(9);",
    "0004_apart.sql": "alter table apart alter column note type varchar(9);",
  });
  const report = await world.rehearse();
  expect(report).toMatchObject({
    ...{ from: "catalog", version: 15, otherVersion: true },
    gaps: ["extension adminpack could not be copied", "view public.logs could not be copied"],
    counts: { rehearsed: 1, notRehearsed: 1, notUnderstood: 1, failed: 0 },
  });
  expect(ofStep(report, "0003_type").statements).toMatchObject([{ state: "not understood", risk: null }]);
  expect(ofStep(report, "0004_apart")).toMatchObject({ risk: "rewrites" });
});

describe("where no copy can be made", () => {
  test("the files make the schema, and it is compared with the one of the target", async ({ db }) => {
    const world = await worldOf(db);
    await db.admin("alter table orders add column note text");
    await db.admin(
      "do $$ begin for i in 1..1000 loop execute format('create table by_hand_%s (id int)', i); end loop; end $$",
    );
    world.add({
      "0002_index.sql": "create index on orders (customer);",
      "0003_hand.sql": "alter table by_hand_7 add column x int;",
    });
    const report = await world.rehearse();
    expect(report).toMatchObject({
      from: "files",
      notFromCatalog: expect.stringMatching(/^a copy of 1,00\d tables would take too long$/),
      gaps: expect.arrayContaining([
        "column public.orders.note could not be copied",
        "table public.by_hand_1000 could not be copied",
      ]),
    });
    expect(ofStep(report, "0002_index")).toMatchObject({
      risk: null,
      statements: [
        {
          state: "not understood",
          why: "the copy of public.orders lacks something that the target has",
          locks: expect.arrayContaining([expect.objectContaining({ mode: "SHARE" })]),
        },
      ],
    });
    expect(ofStep(report, "0003_hand")).toMatchObject({ statements: [{ state: "not rehearsed" }] });
    const { stdout } = await world.godwit("rehearse");
    expect(stdout).toContain("on the schema that the files make (a copy of");
    expect(stdout).toMatch(/and 99\d more, which --json lists/);
  });
});

test("a catalog that can neither be copied nor compared is said, and nothing on the copy is called safe", async ({
  db,
}) => {
  const [reader, password] = [`${db.name}_reader`, "reader-4711"];
  await db.admin(`create role ${reader} login password '${password}'`);
  await db.admin(`grant all on database ${db.name} to ${reader}; grant all on schema public to ${reader}`);
  const world = await worldOf({ url: db.url.replace(/\/\/[^@]+@/, `//${reader}:${password}@`) });
  await db.admin("revoke select on pg_catalog.pg_policy from public");
  world.add({ "0002_index.sql": "create index on orders (customer);" });
  const report = await world.rehearse();
  expect(report).toMatchObject({
    from: "files",
    notFromCatalog: expect.stringContaining("permission denied for table pg_policy"),
    gaps: ["how it differs from the target could not be read: permission denied for table pg_policy"],
  });
  expect(ofStep(report, "0002_index").statements).toMatchObject([
    { state: "not understood", why: "the copy could not be compared with the target" },
  ]);
});

test("names of any kind, several schemas and tables of ours in public", async ({ db }) => {
  const long = "ü".repeat(31);
  const world = await worldOf(db, {
    "0001_names.sql": `create schema "a ""b"" .c"; create schema other;
create table "a ""b"" .c"."select" (id int primary key, "Größe; drop" text);
create table other."${long}" (id int references "a ""b"" .c"."select");
create table public.migration_things (id int);
create view other.seen as select * from "a ""b"" .c"."select";
create type other.mood as enum ('a''b', 'c"d');
create function other.f(x other.mood) returns int language sql as 'select 1';`,
  });
  world.add({
    "0002_more.sql": `alter table "a ""b"" .c"."select" add column more int;
create index on other."${long}" (id);
create index on migration_things (id);
alter type other.mood add value 'e';`,
  });
  const report = await world.rehearse();
  expect(report).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 4, failed: 0 } });
  expect(ofStep(report, "0002_more").statements[0].locks).toMatchObject([
    { relation: 'a "b" .c.select', mode: "ACCESS EXCLUSIVE" },
  ]);
});

test("the ledger of the target says what is applied", async ({ db }) => {
  const world = await worldOf(db, { ...BASE, "0002_two.sql": "create table two (id int);" });
  world.add({ "0003_three.sql": "-- godwit: depends=0002_two\ncreate index on two (id);" });
  const report = await world.rehearse();
  expect(report.steps.map(({ revision }: Json) => revision)).toEqual(["0003_three"]);
  expect(report).toMatchObject({ gaps: [], counts: { rehearsed: 1, notRehearsed: 0 } });
  const rows = await db.admin(`select revision from "${ledgerSchema}".migration_history order by 1`);
  expect(rows).toHaveLength(2);
});
