/** `plan --sample`: a window that is tried and rolled back, and what it says of a backfill that has not begun. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, slug text, hits int not null default 0);
insert into products (id, slug) select n, 'Name ' || n from generate_series(1, 20000) n;
analyze products;`;
const SQL = `-- godwit: backfill table=products
update products set slug = lower(slug), hits = hits + 1 where :window;
`;
const UNTOUCHED = "select count(*)::int as n from products where hits = 0 and slug like 'Name%'";

async function planned(url: string, text: string, name = "0002_b.sql") {
  const folder = folderOf({ "migrations/0001_a.sql": TABLE });
  const godwit = commandIn({ folder, url });
  await godwit("up");
  writeFiles(folder, { [`migrations/${name}`]: text });
  return { folder, godwit };
}

describe("plan --sample", () => {
  test("estimates duration and WAL from a window that is rolled back, and plan alone names the flag", async ({
    db,
  }) => {
    const { folder, godwit } = await planned(db.url, SQL);
    const alone = (await godwit("plan")).stdout;
    expect(alone).toContain("about 20,000 rows");
    expect(alone).toContain("`godwit plan --sample`");
    expect((await godwit("plan", "--json")).json.plan.backfills[0]).not.toHaveProperty("sample");
    const { stdout } = await godwit("plan", "--sample");
    expect(stdout).toMatch(
      /A sample of [\d,]+ rows was rolled back \([\d,]+ changed\): [\d,]+ rows\/s, about [\d.]+ (ms|s|min).* and [\d.,]+ [kM]B of WAL for all that is left\./,
    );
    expect(stdout).not.toContain("`godwit plan --sample`");
    const [outlook] = (await godwit("plan", "--sample", "--json")).json.plan.backfills;
    const { sample } = outlook;
    expect(sample).toMatchObject({ triggers: [], sequences: [], withoutOldValues: false });
    expect(sample.changed).toBe(sample.rows);
    expect(sample.rows).toBeGreaterThanOrEqual(100);
    // A row version and an entry in an index are more than a hundred bytes of WAL, and less than two pages.
    expect(sample.walBytes / sample.rows).toBeGreaterThan(50);
    expect(sample.walBytes / sample.rows).toBeLessThan(16_384);
    expect(sample.totalWalBytes).toBe(Math.round((20_000 / sample.rows) * sample.walBytes));
    expect(sample.durationMs).toBeCloseTo((20_000 / sample.rowsPerSecond) * 1000);
    expect(await db.sql(UNTOUCHED)).toEqual([{ n: 20_000 }]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(1);
    await using migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema });
    expect((await migrator.plan("heads", { sample: true })).backfills).toMatchObject([
      { table: "public.products", sample: { rowsPerSecond: expect.any(Number) }, unsampled: null },
    ]);
    await expect(migrator.plan("heads", { sample: "yes" as never })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    expect((await godwit.fails(2, "plan", "-1", "--sample")).stderr).toContain("--sample");
    await godwit("up");
    expect((await godwit("plan", "--sample")).stdout).toContain("Nothing to do");
  });

  test("names what a rollback leaves: triggers that ran, and sequences whose numbers are used", async ({
    db,
  }) => {
    const { godwit } = await planned(db.url, SQL.replace("table=products", "table=products undo=yes"));
    await db.sql(`create sequence stamps; create table stamped (n bigint);
create function stamp() returns trigger language plpgsql as $$ begin insert into stamped values (nextval('stamps')); return new; end $$;
create trigger stamps_each after update on products for each row execute function stamp();`);
    const { stdout } = await godwit("plan", "--sample");
    expect(stdout).toContain("Triggers ran in it (stamps_each)");
    expect(stdout).toContain("Numbers of stamps were used up");
    expect(stdout).toContain("It kept no old values");
    expect(await db.sql("select count(*)::int as n from stamped")).toEqual([{ n: 0 }]);
    expect(Number((await db.sql("select last_value from stamps"))[0]?.last_value)).toBeGreaterThanOrEqual(
      100,
    );
    await db.sql("drop trigger stamps_each on products");
  });

  test("goes on behind what is done, and says of the rest", async ({ db }) => {
    const text = SQL.replace("table=products", "table=products min-rows=4000 max-rows=4000");
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": text });
    const recorded = recorder((event) => {
      if (event.kind === "backfill-progress") recorded.abort(new Error("enough"));
    });
    await expect(up(targetOf({ url: db.url, folder }), recorded)).rejects.toThrow("are done and stay");
    const [{ rows } = { rows: 0 }] = await db.sql(`select rows from "${ledgerSchema}".migration_backfills`);
    await using migrator = createMigrator({
      databaseUrl: db.url,
      dir: folder,
      ledgerSchema,
      environment: {},
    });
    const [outlook] = (await migrator.plan("heads", { sample: true })).backfills ?? [];
    const { sample } = outlook ?? {};
    expect(sample?.durationMs).toBeCloseTo(((20_000 - Number(rows)) / (sample?.rowsPerSecond ?? 1)) * 1000);
    expect(await db.sql(`select rows from "${ledgerSchema}".migration_backfills`)).toEqual([{ rows }]);
  });

  test("waits for no lock, and says that", async ({ db }) => {
    const { godwit } = await planned(db.url, SQL);
    const holder = await db.connect();
    await holder.query("begin; update products set hits = hits where id = 7");
    const { stdout } = await godwit("plan", "--sample");
    expect(stdout).toContain(
      "There is no sample of it: a window of up to 100 rows failed, and was rolled back: PostgreSQL says: canceling statement due to lock timeout",
    );
    await holder.query("rollback");
    expect((await godwit("plan", "--sample")).stdout).toContain("A sample of");
  });

  test("gives the figures of the first window where a larger one takes too long", async ({ db }) => {
    // The row beyond the first window waits until its time is over.
    const text = SQL.replace(":window", ":window and (id < 150 or pg_sleep(60) is not null)");
    const { godwit } = await planned(db.url, text);
    const { stdout } = await godwit("plan", "--sample");
    expect(stdout).toMatch(/A sample of 100 rows was rolled back \(100 changed\)/);
    expect(stdout).toMatch(
      /A larger sample, of up to [\d,]+ rows, failed: PostgreSQL says: canceling statement due to statement timeout\./,
    );
  });

  test("names the sequences whose numbers a window used that failed", async ({ db }) => {
    const { godwit } = await planned(
      db.url,
      SQL.replace("hits = hits + 1", "hits = (nextval('stamps') * 0 + 1 / (id - 50))::int"),
    );
    await db.sql("create sequence stamps");
    expect((await godwit("plan", "--sample")).stdout).toContain(
      "There is no sample of it: a window of up to 100 rows failed, and was rolled back: PostgreSQL says: division by zero; numbers of stamps were used up.",
    );
    expect(Number((await db.sql("select last_value from stamps"))[0]?.last_value)).toBeGreaterThan(1);
  });

  test("a table that was never analysed has no number of rows, and its partitions neither", async ({
    db,
  }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": `create table parts (id int primary key, n int) partition by range (id);
create table parts_one partition of parts for values from (0) to (1000);
insert into parts select generate_series(1, 500);
create table bare (id int primary key, n int) with (autovacuum_enabled = off);
insert into bare select generate_series(1, 500);`,
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    // Before PostgreSQL 14 such a table counts 0 rows, as one that was empty when it was analysed does in any version.
    await db.sql("truncate bare; analyze bare; insert into bare select generate_series(1, 500)");
    writeFiles(folder, {
      "migrations/0002_b.sql": "-- godwit: backfill table=parts\nupdate parts set n = 1 where :window;",
      "migrations/0003_c.sql": "-- godwit: backfill table=bare\nupdate bare set n = 1 where :window;",
    });
    const rowsOf = async () =>
      (await godwit("plan", "--json")).json.plan.backfills.map(({ rows }: { rows: number }) => rows);
    expect(await rowsOf()).toEqual([null, null]);
    await db.sql("analyze parts; analyze bare");
    expect(await rowsOf()).toEqual([500, 500]);
  });

  test.for([
    [
      "a function for rows",
      "0002_b.ts",
      `import { backfill } from "godwit";
export default backfill({ table: "products", columns: ["slug"], rows: (rows) => rows.map(() => ({ hits: 1 })) });
`,
      "its rows are changed by a function",
    ],
    [
      "a column that is not there yet",
      "0002_b.sql",
      SQL.replace("hits = hits + 1", "later = 1"),
      'a window of up to 100 rows failed, and was rolled back: PostgreSQL says: column "later" of relation "products" does not exist.',
    ],
    [
      "a window that takes too long",
      "0002_b.sql",
      SQL.replace(":window", ":window and (select pg_sleep(0.1)) is not null and pg_sleep(0.1) is not null"),
      "a window of up to 100 rows failed, and was rolled back: PostgreSQL says: canceling statement due to statement timeout",
    ],
  ] as const)("says why there is none for %s", async ([, name, text, why], { db }) => {
    const { godwit } = await planned(db.url, text, name);
    const isOffered = (await godwit("plan")).stdout.includes("`godwit plan --sample`");
    expect(isOffered).toBe(!text.includes("rows:"));
    const { stdout } = await godwit("plan", "--sample");
    expect(stdout).toContain(`There is no sample of it: ${why}`);
    expect(await db.sql(UNTOUCHED)).toEqual([{ n: 20_000 }]);
  });
});
