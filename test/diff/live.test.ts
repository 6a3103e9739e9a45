/** A diff with a live database: it is read in place, and made of the other state. Where that is impossible it is copied. */
import { vi } from "vitest";
import { openScratch } from "../../src/database/embedded/scratch.ts";
import { diffStates } from "../../src/run/schema-diff.ts";
import type { SchemaState } from "../../src/run/schema-state.ts";
import { connectionTo, snapshotOf } from "../schema/snapshots.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";

// Each diff makes a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const HOSTILE = `
create table "Ta.b""le" (id bigint generated always as identity primary key, "se lect" text default 'it''s', "ü" text);
create table "order" (id serial primary key, "from" bigint references "Ta.b""le", note varchar(20));
create index "in.dex" on "Ta.b""le" ("se lect");
create view "vi.ew" as select "se lect" from "Ta.b""le";
create function "f."(x "order") returns bigint language sql as 'select $1."from"';
grant select on "order" to role_of_this_test;
`;
/** A column in the middle, so that the database has another order than what the files make. */
const BEFORE = HOSTILE.replace("note varchar(20)", "gone text, note varchar(20)");
const LEDGER = `
create schema ledger;
create table ledger.migration_history (id serial primary key, name text not null);
create index on ledger.migration_history (name);
`;

async function diffed(db: TestDatabase, text: string, turn = false) {
  const databases: string[] = [];
  const live: SchemaState = { kind: "database", name: "the database", open: () => connectionTo(db.url) };
  const files: SchemaState = { kind: "files", name: "a.sql", files: [{ name: "a.sql", text }] };
  const before = await snapshotOf(db.url);
  const report = await diffStates({
    ...(turn ? { from: files, to: live } : { from: live, to: files }),
    async openScratch(major) {
      const scratch = await openScratch({ major, environment: process.env });
      return {
        ...scratch,
        create(name, options) {
          databases.push(name);
          return scratch.create(name, options);
        },
      };
    },
    ...{ major: undefined, exclude: ["spatial_*"], ledgerSchema: "ledger", renames: [] },
  });
  expect(await snapshotOf(db.url)).toEqual(before);
  const texts = (statements: typeof report.statements) => statements.map((one) => one.text);
  return { ...report, databases, there: texts(report.statements), back: texts(report.back) };
}

test("names, roles, the ledger and tables that are left out need no copy", async ({ db }) => {
  await db.admin("create role role_of_this_test");
  try {
    await db.sql(BEFORE);
    await db.sql(LEDGER);
    await db.sql("create table spatial_one (id serial primary key); create index on spatial_one (id)");
    const gone = `ALTER TABLE "public"."order" DROP COLUMN "gone"`;
    const added = `ALTER TABLE "public"."order" ADD COLUMN "gone" text`;
    const there = await diffed(db, HOSTILE);
    expect(there).toMatchObject({ there: [gone], back: [added], databases: ["desired"], notes: [] });
    expect(there).toMatchObject({ losses: [gone], backLosses: [], transaction: true });
    const turned = await diffed(db, HOSTILE, true);
    // What files make belongs to the superuser of the scratch server here.
    const others = (texts: readonly string[]) => texts.filter((text) => !text.includes(" OWNER TO "));
    expect(others(turned.there)).toEqual([added]);
    expect(others(turned.back)).toEqual([gone]);
    expect(turned).toMatchObject({ databases: ["present"], transaction: true });
    expect(turned.notes).toEqual([
      'The columns of public."order" are in another order: PostgreSQL adds a column at the end, and moves none.',
    ]);
  } finally {
    await db.admin("drop owned by role_of_this_test; drop role role_of_this_test");
  }
});

test("rows that files insert decide nothing", async ({ db }) => {
  await db.sql("create table t (id integer)");
  const found = await diffed(
    db,
    `create table t (id integer, "na""me" text not null);
    create function f() returns trigger language plpgsql as 'begin raise exception ''seen''; end';
    create trigger seen before truncate on t execute function f();
    insert into t values (1, 'one');`,
  );
  expect(found.there).toContain(`ALTER TABLE "public"."t" ADD COLUMN "na""me" text NOT NULL`);
  expect(found.databases).toEqual(["desired"]);
});

test("what needs the ledger is left out with it, by a copy", async ({ db }) => {
  await db.sql("create table t (id integer, name text)");
  await db.sql(LEDGER);
  await db.sql("create view names as select name from ledger.migration_history");
  const found = await diffed(db, "create table t (id integer);");
  expect(found).toMatchObject({
    there: [`ALTER TABLE "public"."t" DROP COLUMN "name"`],
    back: [`ALTER TABLE "public"."t" ADD COLUMN "name" text`],
  });
  expect(found.databases).toEqual(["desired", "present"]);
});

test("a value of an enum that is used at once is proven in copies", async ({ db }) => {
  await db.sql("create type mood as enum ('bad'); create table t (mood mood)");
  const found = await diffed(
    db,
    "create type mood as enum ('bad', 'good'); create table t (mood mood default 'good');",
  );
  expect(found).toMatchObject({ transaction: false, databases: ["desired", "present", "copy", "replay"] });
  expect(found.there).toEqual([
    "ALTER TYPE public.mood ADD VALUE 'good' AFTER 'bad'",
    `ALTER TABLE "public"."t" ALTER COLUMN "mood" SET DEFAULT 'good'::public.mood`,
  ]);
});
