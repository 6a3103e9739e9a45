/** Drift by the files, and the SQL that undoes or adopts it: both are found on a scratch server. */
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_users.sql":
    "-- migrate:up\ncreate table users (id integer primary key, email text);\n-- migrate:down\ndrop table users;\n",
};

function project(db: TestDatabase, files: Files = {}) {
  const folder = folderOf({ ...FILES, ...files });
  return { folder, godwit: commandIn({ folder, url: db.url }) };
}

test("the SQL that undoes what was done by hand does it, and the SQL that adopts it does it again", async ({
  db,
}) => {
  const { folder, godwit } = project(db, {
    "migrations/0002_orders.sql":
      "create table orders (id integer primary key, of integer not null references users, total numeric(10, 2));\ncreate view totals as select of, sum(total) from orders group by of;\ncreate index by_of on orders (of);",
  });
  await godwit("up");
  expect((await godwit("drift", "--sql", "--json")).json.sql).toBeUndefined();
  writeFiles(folder, { "migrations/0003_pending.sql": "create table pending ();" });
  await db.sql(
    "drop index by_of; alter table orders alter total type numeric(12, 2) using total, alter of drop not null".replace(
      "alter table orders alter total",
      "drop view totals; alter table orders alter total",
    ),
  );
  await db.sql("create table by_hand (id integer primary key); comment on column users.email is 'private'");
  for (const way of [[], ["--files"]]) {
    const { json } = await godwit.fails(1, "drift", "--sql", "--json", ...way);
    expect(json.comparedWith).toBe(way.length === 0 ? "snapshot" : "files");
    expect(json.differences.map(({ name }: Json) => name).sort()).toEqual(
      [
        "public.orders.of",
        "public.orders.total",
        "public.by_of",
        "public.users.email",
        "public.by_hand",
        "public.totals",
      ].sort(),
    );
    expect(json.sql).toMatchObject({ unproven: [], provenOn: expect.stringMatching(/^\d+\./) });
    const sql = ({ text }: Json) => `${text};`;
    if (way.length === 0) {
      const { stdout } = await godwit.fails(1, "drift", "--sql");
      for (const statement of [...json.sql.undo, ...json.sql.adopt].map(sql))
        expect(stdout).toContain(statement);
      expect(stdout).toMatch(/-- table public\.by_hand: added\n-- This loses data:\nDROP TABLE .*by_hand/);
    }
    for (const { kind, name } of json.differences)
      for (const statements of [json.sql.undo, json.sql.adopt])
        expect(statements.flatMap((one: Json) => one.differences)).toContain(`${kind} ${name}`);
    const of = (name: string) =>
      json.sql.undo.filter((one: Json) => one.differences.includes(name)).map(({ text }: Json) => text);
    expect(of("table public.by_hand")).toEqual([expect.stringMatching(/^DROP TABLE .*by_hand/)]);
    expect(of("index public.by_of")).toEqual([expect.stringMatching(/^CREATE INDEX by_of/)]);
    expect(psql(db.url, json.sql.undo.map(sql).join("\n"))).toBeNull();
    await godwit("drift", ...way);
    expect(psql(db.url, json.sql.adopt.map(sql).join("\n"))).toBeNull();
    const again = await godwit.fails(1, "drift", "--json", ...way);
    expect(again.json.differences).toEqual(json.differences);
  }
});

test("the SQL says which statements fail on rows, of either way", async ({ db }) => {
  const { folder, godwit } = project(db, {
    "migrations/0002_more.sql": "create table more (a integer not null, b integer not null, c integer);",
  });
  await godwit("up");
  await db.sql("alter table more alter a drop not null, drop b, alter c set not null, add d text not null");
  const becomes = (name: string) =>
    `column public.more.${name} becomes NOT NULL: give each row a value there first`;
  const added = (name: string) =>
    `column public.more.${name} is added as NOT NULL without a default: give it one, or fill it first`;
  for (const way of [[], ["--files"]]) {
    const { json } = await godwit.fails(1, "drift", "--sql", "--json", ...way);
    expect(json.sql.unproven).toEqual([]);
    expect(json.sql.failsOnRows).toEqual([becomes("a"), added("b")]);
    expect(json.sql.adoptFailsOnRows).toEqual([becomes("c"), added("d")]);
  }
  const { stdout } = await godwit.fails(1, "drift", "--sql");
  const [undo = "", adopt = ""] = stdout.split("-- To adopt it");
  expect(undo.split("\n")).toContain(`-- Fails on rows: ${becomes("a")}`);
  expect(adopt.split("\n")).toContain(`-- Fails on rows: ${added("d")}`);
  await using migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema });
  const { sql } = await migrator.drift({ sql: true });
  expect(sql).toMatchObject({ failsOnRows: { length: 2 }, adoptFailsOnRows: { length: 2 } });
});

test("SQL that is not proven is not printed, and the reason is", async ({ db }) => {
  await db.sql("create table before_us (id integer)");
  const { folder, godwit } = project(db, {
    "godwit.config.json": JSON.stringify({ driftIgnore: ["*.ignored_*"] }),
  });
  await godwit("up");
  await db.sql("create table by_hand ()");
  const { json } = await godwit.fails(1, "drift", "--sql", "--json");
  expect(json.sql).toMatchObject({ undo: [], adopt: [], provenOn: null });
  expect(json.sql.unproven).toEqual([
    "What the files make is not what was kept: table public.before_us: removed",
  ]);
  expect((await godwit.fails(1, "drift", "--sql")).stdout).toContain(
    "There is no SQL that is proven:\n  What",
  );
  const byFiles = (await godwit.fails(1, "drift", "--files", "--json")).json;
  expect(byFiles.differences.map(({ name }: Json) => name)).toEqual(["public.before_us", "public.by_hand"]);
  await db.sql("create table ignored_too (); drop table before_us");
  const { stdout } = await godwit.fails(1, "drift", "--files", "--sql");
  expect(stdout).toMatch(/^CREATE TABLE .*by_hand/m);
  expect(stdout).not.toContain("ignored_too");
  await db.sql("create view by_hand_too as select from ignored_too");
  expect((await godwit.fails(1, "drift", "--files", "--sql")).stdout).toMatch(
    /There is no SQL that is proven:\n {2}Without what is ignored \(driftIgnore\), CREATE .*by_hand_too/,
  );
  await using migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema });
  expect(await migrator.drift({ files: true })).toMatchObject({ comparedWith: "files", takenAt: null });
});

test("who made an object is no drift where the files do not say whose it is, whoever looks", async ({
  db,
}) => {
  const role = `looks_${db.name}`;
  const other = `owns_${db.name}`;
  for (const name of [role, other]) await db.admin(`create role "${name}" login superuser`);
  try {
    const folder = folderOf({
      "migrations/0001_a.sql": `create schema app; create table app.users (id serial primary key, email text);
        create view app.emails as select email from app.users;
        create function app.one(x integer) returns integer language sql as 'select 1';
        create type app.mood as enum ('good'); create domain app.positive as integer check (value > 0);
        create sequence app.numbers; create materialized view app.kept as select 1 as one;
        alter default privileges in schema app grant select on tables to "${other}";
        grant select on app.users to "${other}";`,
      "migrations/0002_b.sql": `create table app.theirs (id integer); alter table app.theirs owner to "${other}";`,
    });
    const godwitAs = (name: string) => {
      const url = new URL(db.url);
      url.username = name;
      return commandIn({ folder, url: url.href });
    };
    await godwitAs(role)("up");
    for (const name of [role, other, "postgres"]) {
      const { json } = await godwitAs(name)("drift", "--files", "--json");
      expect(json.differences, name).toEqual([]);
    }
    // The files say whose this one is; of the other the snapshot knows it.
    await db.admin("alter table app.theirs owner to postgres; alter table app.users owner to postgres");
    const { json } = await godwitAs(other).fails(1, "drift", "--files", "--sql", "--json");
    const owned = (name: string) => ({ kind: "table", name, attributes: [{ attribute: "owner" }] });
    expect(json.differences).toMatchObject([owned("app.theirs")]);
    expect(json.sql).toMatchObject({ unproven: [], undo: [{ differences: ["table app.theirs"] }] });
    const kept = await godwitAs(other).fails(1, "drift", "--sql", "--json");
    expect(kept.json.differences.map(({ name }: Json) => name)).toEqual([
      "app.users_id_seq",
      "app.theirs",
      "app.users",
    ]);
    expect(kept.json.sql.unproven).toEqual([]);
    expect(psql(db.adminUrl, kept.json.sql.undo.map(({ text }: Json) => `${text};`).join("\n"))).toBeNull();
    await godwitAs(other)("drift");
  } finally {
    await db.admin("drop schema app cascade");
    for (const name of [role, other])
      await db.admin(`reassign owned by "${name}" to postgres; drop owned by "${name}"; drop role "${name}"`);
  }
});
