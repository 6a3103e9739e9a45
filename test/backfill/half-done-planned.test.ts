/** What `plan`, `status` and a dry run say of a half-done backfill: what is left of it, and that it cannot go on. */
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, sku text not null unique, hits int not null default 0);
insert into products (id, sku) select n, 's' || n from generate_series(1, 2000) n;
analyze products;`;
const fill = (options: string) => `-- godwit: backfill table=products undo=yes max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const ANOTHER = "alter table products rename to was; create table products (like was including all);";

async function halfDone(db: TestDatabase, options: string) {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": fill(options) });
  const target = targetOf({ url: db.url, folder });
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 2)
      recorded.abort(new Error("ended by the test"));
  });
  await expect(up(target, recorded)).rejects.toThrow();
  const [{ done }] = (await db.sql(
    `select rows::int as done from "${ledgerSchema}".migration_backfills`,
  )) as [{ done: number }];
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  return { folder, target, done, godwit };
}

describe.for(["", "parallel=2", "background=yes"])("a half-done backfill (%s)", (options) => {
  test("is planned with the rows that are left, also in a sample, and has its figures in the status", async ({
    db,
  }) => {
    const { folder, done, godwit } = await halfDone(db, options);
    const left = 2000 - done;
    expect((await godwit("plan")).stdout).toContain(
      `0002_b goes on in public.products by id: ${done} rows are done, and about ${left.toLocaleString("en")} are left.`,
    );
    const [outlook] = (await godwit("plan", "--json", "--sample")).json.plan.backfills;
    expect(outlook).toMatchObject({ rows: 2000, done, left, refused: 0 });
    // It is one of rows that are not done, so all of them change.
    expect(outlook.sample.changed).toBe(outlook.sample.rows);
    expect(outlook.sample.durationMs).toBeCloseTo((left / outlook.sample.rowsPerSecond) * 1000);
    expect((await godwit("status")).stdout).toMatch(
      new RegExp(`partial +0002_b .* ${done} of about 2,000 rows done`),
    );
    const rows = (await godwit("status", "--json")).json.migrations;
    expect(rows.at(-1)).toMatchObject({ state: "partial", backfill: { rows: done, estimatedRows: 2000 } });
    await using migrator = createMigrator({
      databaseUrl: db.url,
      dir: folder,
      ledgerSchema,
      environment: {},
    });
    expect((await migrator.plan()).backfills).toMatchObject([{ done, left }]);
  });

  test.for([
    ["another table has its name", ANOTHER, "Another table has that name now"],
    ["its table is gone", "alter table products rename to was", "There is no such table any more"],
    [
      "its key has another type",
      "alter table products alter id type bigint",
      "It went by public.products (id integer), and would go on by public.products (id bigint)",
    ],
    ["its key is gone", "alter table products drop constraint products_pkey", "which no unique index has"],
  ] as const)("is refused before it begins where %s", async ([, change, why], { db }) => {
    const { folder, godwit } = await halfDone(db, options);
    await db.sql(change);
    const refused = [{ code: "BACKFILL_EDITED", message: expect.stringContaining(why) }];
    expect((await godwit.fails(1, "plan", "--json")).json.problems).toMatchObject(refused);
    expect((await godwit.fails(1, "status", "--json")).json.problems).toMatchObject(refused);
    expect((await godwit.fails(1, "up", "--dry-run", "--json")).json.report.failures).toMatchObject([
      { revision: "0002_b", problem: refused[0], uncertain: false },
    ]);
    expect((await godwit.fails(1, "up", "--json")).json.problems).toMatchObject(refused);
    await using migrator = createMigrator({
      databaseUrl: db.url,
      dir: folder,
      ledgerSchema,
      environment: {},
    });
    await expect(migrator.plan()).rejects.toMatchObject(refused[0] ?? {});
    expect((await migrator.status()).problems).toMatchObject(refused);
  });
});

test("a migration that runs before it may restore its table, so it is not refused", async ({ db }) => {
  const { folder, godwit } = await halfDone(db, "background=yes");
  await db.sql(ANOTHER);
  writeFiles(folder, { "0003_c.sql": "drop table products; alter table was rename to products;" });
  expect((await godwit("plan", "--json")).json.plan.steps).toHaveLength(2);
  await godwit("status");
  await godwit("up");
  expect(await db.sql("select distinct hits from products")).toEqual([{ hits: 1 }]);
});

test.for([
  ["another table has its name", ANOTHER, "another table has that name now"],
  ["its table is gone", "alter table products rename to was", "there is no such table any more"],
] as const)("a half-done way back is refused by a plan of it where %s", async ([, change, why], { db }) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": fill("") });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") recorded.abort(new Error("ended by the test"));
  });
  await expect(migrate(target, down("-1"), recorded)).rejects.toThrow();
  await db.sql(change);
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  const refused = [
    {
      code: "BACKFILL_EDITED",
      message: expect.stringContaining(why),
      hint: expect.stringContaining("`godwit repair --mark-done 0002_b`"),
    },
  ];
  expect((await godwit.fails(1, "plan", "-1", "--json")).json.problems).toMatchObject(refused);
  expect((await godwit.fails(1, "down", "-1", "--json")).json.problems).toMatchObject(refused);
});
