/**
 * A statement outside a transaction took effect, and its runner was killed before it could say so. The next run asks for
 * the very objects that the statement meant, not for whatever has their names by then.
 */
import { describe } from "vitest";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { forgetDone } from "../support/forgetful.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const TWO_SCHEMAS = `create schema a; create schema b;
create table a.shops (id int, name text); create index ix on a.shops (id);
create table b.shops (id int, name text); create index ix on b.shops (id);`;

/** Everything up to the statement's effect; `since` is what others do before the next run. */
async function interrupted(
  db: TestDatabase,
  {
    setup,
    statement,
    since,
    url = db.url,
  }: { setup: string; statement: string; since: string[]; url?: string },
) {
  const folder = folderOf({ "0001_setup.sql": setup });
  const target = targetOf({ url, folder });
  await up(target);
  const ledger = await forgetDone(db);
  writeFiles(folder, { "0002_outside.sql": statement });
  const failed = await up(target).catch((error) => error);
  expect(failed.report.failures).toMatchObject([{ revision: "0002_outside", committed: "unknown" }]);
  await ledger.heal();
  for (const text of since) await db.admin(text);
  return { next: () => up(target), folder };
}

const indexes = (db: TestDatabase) =>
  db.sql(
    `select i.indexrelid::regclass::text as index, i.indisvalid as valid from pg_index i join pg_class c on c.oid = indexrelid
     where c.relname = 'ix' order by 1`,
  );

describe("after its effect, and before it was called done", () => {
  test("DROP INDEX CONCURRENTLY does not drop the index of that name in the next schema", async ({ db }) => {
    const { next } = await interrupted(db, {
      setup: TWO_SCHEMAS,
      statement: "set search_path = a, b;\ndrop index concurrently ix;",
      since: [],
    });
    expect((await next()).steps).toHaveLength(1);
    expect(await indexes(db)).toEqual([{ index: "b.ix", valid: true }]);
  });

  test("DROP INDEX CONCURRENTLY does not drop what somebody has made under that name since", async ({
    db,
  }) => {
    const { next } = await interrupted(db, {
      setup: "create table shops (id int); create index ix on shops (id);",
      statement: "drop index concurrently if exists ix;",
      since: ["create index ix on public.shops (id)"],
    });
    expect((await next()).steps).toHaveLength(1);
    expect(await indexes(db)).toEqual([{ index: "ix", valid: true }]);
  });

  test("CREATE INDEX CONCURRENTLY is done by its own index, and by one that is equal to it", async ({
    db,
  }) => {
    const { next } = await interrupted(db, {
      setup: "create table shops (id int, name text);",
      statement: "create unique index concurrently ix on shops using btree (lower(name) desc) where id > 1;",
      since: ["drop index ix", "create unique index ix on shops (lower(name) desc) where id > 1"],
    });
    expect((await next()).steps).toHaveLength(1);
    expect(await indexes(db)).toEqual([{ index: "ix", valid: true }]);
    expect(await db.sql("select from pg_class where relname like 'godwit_probe%'")).toEqual([]);
  });

  test("CREATE INDEX CONCURRENTLY is not done by another index of that name: a person must look", async ({
    db,
  }) => {
    const { next } = await interrupted(db, {
      setup: "create table shops (id int, name text);",
      statement: "create index concurrently if not exists ix on shops (id);",
      since: ["drop index ix", "create index ix on shops (name)"],
    });
    await expect(next()).rejects.toMatchObject({
      code: "PLAN_PARTIAL",
      hint: expect.stringContaining("godwit repair --retry 0002_outside:1"),
    });
  });

  test("CREATE INDEX CONCURRENTLY is not sent to a table that only has the name of the one that it meant", async ({
    db,
  }) => {
    const { next } = await interrupted(db, {
      setup: TWO_SCHEMAS,
      statement: "set search_path = a, b;\ncreate index concurrently ix2 on shops (name);",
      since: ["drop index a.ix2", "alter table a.shops rename to old_shops"],
    });
    await expect(next()).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
    expect(await db.sql("select from pg_class where relname = 'ix2'")).toEqual([]);
  });

  test("DETACH PARTITION CONCURRENTLY leaves the table of that name in the next schema alone", async ({
    db,
    skip,
  }) => {
    const [server] = await db.sql<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    if ((server?.version ?? 0) < 140_000) skip("PostgreSQL 13 cannot detach concurrently.");
    const both = ["a", "b"].map(
      (schema) => `create schema ${schema}; create table ${schema}.orders (day int) partition by list (day);
      create table ${schema}.orders_1 partition of ${schema}.orders for values in (1);`,
    );
    const { next } = await interrupted(db, {
      setup: both.join("\n"),
      statement: "set search_path = a, b;\nalter table orders detach partition orders_1 concurrently;",
      since: ["drop table a.orders, a.orders_1"],
    });
    expect((await next()).steps).toHaveLength(1);
    expect(await db.sql("select inhrelid::regclass::text as part from pg_inherits")).toEqual([
      { part: "b.orders_1" },
    ]);
  });

  test("DROP DATABASE does not drop what somebody has made under that name since", async ({ db }) => {
    const name = `${db.name}_old`;
    await db.admin(`create database ${name}`);
    try {
      const { next } = await interrupted(db, {
        url: db.adminUrl,
        setup: "create table shops (id int);",
        statement: `drop database ${name};`,
        since: [`create database ${name}`],
      });
      expect((await next()).steps).toHaveLength(1);
      expect(await db.admin(`select from pg_database where datname = '${name}'`)).toHaveLength(1);
    } finally {
      await db.admin(`drop database if exists ${name}`);
    }
  });
});

test("an intent of an older Godwit, which holds no identity, is judged by names as before", async ({
  db,
}) => {
  const { next } = await interrupted(db, {
    setup: "create table shops (id int); create index ix on shops (id);",
    statement: "drop index concurrently ix;",
    since: [`update "${ledgerSchema}".migration_statements set before = 'null'`],
  });
  expect((await next()).steps).toHaveLength(1);
  expect(await indexes(db)).toEqual([]);
});
