/** After a run that ends with 0, no index that it names is invalid: leftovers are found, built again, or named. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

/** What a killed `CREATE INDEX CONCURRENTLY` leaves. */
async function invalid(db: TestDatabase, ...indexes: readonly string[]): Promise<void> {
  for (const index of indexes)
    await db.admin(`update pg_index set indisvalid = false where indexrelid = '${index}'::regclass`);
}

const indexes = (db: TestDatabase) =>
  db.sql(
    `select i.indexrelid::regclass::text as index, i.indrelid::regclass::text as "table", i.indisvalid as valid
     from pg_index i join pg_class c on c.oid = indexrelid where c.relname like 'ix%' order by 1`,
  );

describe("CREATE INDEX IF NOT EXISTS over an invalid leftover builds it", () => {
  test.for([
    ["in a transaction", "create index if not exists ix on shops (id);"],
    ["outside a transaction", "-- godwit: transaction=off\ncreate index if not exists ix on shops (id);"],
    ["concurrently", "create index concurrently if not exists ix on shops (id);"],
    [
      "concurrently and unique, where the leftover is not",
      "create unique index concurrently if not exists ix on shops (id);",
    ],
  ] as const)("%s", async ([, statement], { db }) => {
    await db.sql("create table shops (id int); create index ix on shops (id)");
    await invalid(db, "ix");
    await up(targetOf({ url: db.url, folder: folderOf({ "0001_ix.sql": statement }) }));
    expect(await indexes(db)).toEqual([{ index: "ix", table: "shops", valid: true }]);
  });

  test("and the report says what was dropped", async ({ db }) => {
    await db.sql("create table shops (id int); create index ix on shops (id)");
    await invalid(db, "ix");
    const folder = folderOf({ "migrations/0001_ix.sql": "create index if not exists ix on shops (id);" });
    const { json } = await commandIn({ folder, url: db.url })("up", "--json");
    expect(json.report.warnings).toContainEqual(
      expect.objectContaining({
        code: "STEP_INDEX_INVALID",
        message: "Index public.ix was invalid and has been dropped, because 0001_ix creates it.",
      }),
    );
  });

  test("of this tenant's schema, and leaves the other tenants' alone", async ({ db }) => {
    for (const schema of ["one", "two"])
      await db.sql(
        `create schema ${schema}; create table ${schema}.shops (id int); create index ix on ${schema}.shops (id)`,
      );
    await invalid(db, "one.ix", "two.ix");
    const folder = folderOf({ "0001_ix.sql": "create index if not exists ix on shops (id);" });
    await up(targetOf({ url: db.url, folder, settings: { searchPath: "two" } }));
    expect(await indexes(db)).toEqual([
      { index: "one.ix", table: "one.shops", valid: false },
      { index: "two.ix", table: "two.shops", valid: true },
    ]);
  });
});

test("an invalid index of that name on another table fails by name, and following the hint helps", async ({
  db,
}) => {
  await db.sql("create table shops (id int); create table orders (id int); create index ix on orders (id)");
  await invalid(db, "ix");
  const folder = folderOf({ "0001_ix.sql": "create index if not exists ix on shops (id);" });
  const failed = await up(targetOf({ url: db.url, folder })).catch((error) => error);
  expect(failed).toMatchObject({ code: "STEP_INDEX_INVALID", message: expect.stringContaining("on orders") });
  const [, command = ""] = /(DROP INDEX CONCURRENTLY [\w.]+);/.exec(failed.hint) ?? [];
  await db.sql(command);
  await up(targetOf({ url: db.url, folder }));
  expect(await indexes(db)).toEqual([{ index: "ix", table: "shops", valid: true }]);
});

test("CONCURRENTLY IF NOT EXISTS fails where a valid index of that name is on another table", async ({
  db,
}) => {
  await db.sql("create table shops (id int); create table orders (id int); create index ix on orders (id)");
  const folder = folderOf({ "0001_ix.sql": "create index concurrently if not exists ix on shops (id);" });
  await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
    code: "STEP_INDEX_INVALID",
    message: expect.stringContaining("The name ix belongs to an index on public.orders"),
    report: { failures: [{ committed: "none" }] },
  });
});

test("CONCURRENTLY IF NOT EXISTS warns where it has kept an index with another definition", async ({
  db,
}) => {
  await db.sql(
    "create table shops (id int, name text); create index ix on shops (id); create index ix2 on shops (lower(name))",
  );
  const statements = [
    "create index concurrently if not exists ix on shops (name);",
    "create index concurrently if not exists ix2 on shops (lower(name));",
  ];
  const report = await up(
    targetOf({ url: db.url, folder: folderOf({ "0001_ix.sql": statements.join("\n") }) }),
  );
  expect(report.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "STEP_INDEX_KEPT Index public.ix was there already with another definition, and IF NOT EXISTS has kept it.",
  ]);
});

test("a file that moves the search_path leaves an invalid index: the run fails, and its hint mends it", async ({
  db,
}) => {
  await db.sql("create schema app; create table app.shops (id int); create index ix on app.shops (id)");
  await invalid(db, "app.ix");
  const folder = folderOf({
    "0001_ix.sql": "set search_path = app; create index if not exists ix on shops (id);",
  });
  const failed = await up(targetOf({ url: db.url, folder })).catch((error) => error);
  expect(failed).toMatchObject({ code: "STEP_INDEX_INVALID" });
  const [, command = ""] = /(REINDEX INDEX CONCURRENTLY [\w.]+);/.exec(failed.hint) ?? [];
  await db.sql(command);
  await up(targetOf({ url: db.url, folder }));
  expect(await indexes(db)).toEqual([{ index: "app.ix", table: "app.shops", valid: true }]);
});

test("an index on the parent alone is invalid by design until its parts are attached", async ({ db }) => {
  const folder = folderOf({
    "0001_parts.sql": `create table orders (day int) partition by list (day);
create table orders_1 partition of orders for values in (1);
create index if not exists ix on only orders (day);`,
    "0002_part.sql":
      "create index concurrently if not exists ix_1 on orders_1 (day);\nalter index ix attach partition ix_1;",
  });
  const report = await up(targetOf({ url: db.url, folder }), recorder());
  expect(report.warnings).toEqual([]);
  expect(await indexes(db)).toMatchObject([{ valid: true }, { valid: true }]);
});

test("a unique index that fails leaves nothing, and the corrected rows are enough to go on", async ({
  db,
}) => {
  await db.sql("create table shops (id int); insert into shops values (1), (1)");
  const folder = folderOf({
    "0001_ix.sql": "create unique index concurrently if not exists ix on shops (id);",
  });
  await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "STEP_FAILED" });
  expect(await indexes(db)).toEqual([]);
  await db.sql("delete from shops");
  await up(targetOf({ url: db.url, folder }));
  expect(await indexes(db)).toEqual([{ index: "ix", table: "shops", valid: true }]);
});

describe("a gate is not green while an index is half-built", () => {
  test("and is, once it is built again as the warning says", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_ix.sql": "create table shops (id int); create index ix on shops (id);",
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    await godwit("status", "--check");
    await invalid(db, "ix");
    const { json } = await godwit.fails(1, "status", "--check", "--json");
    expect(json).toMatchObject({ ok: false, upToDate: false, pending: 0, problems: [] });
    const [, rebuild = ""] = /(REINDEX INDEX CONCURRENTLY \S+?);/.exec(json.warnings[0].hint) ?? [];
    await godwit("status");
    await db.sql(rebuild);
    await godwit("status", "--check");
  });

  test("and does not mind an index that waits for the partitions of its table", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_ix.sql":
        "create table shops (id int) partition by list (id); create table one partition of shops for values in (1); create index ix on only shops (id);",
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    await godwit("status", "--check");
  });
});
