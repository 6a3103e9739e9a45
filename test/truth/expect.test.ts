/** What a migration expects of its own work is asked before the commit, in every form and through every door. */
import { spawnSync } from "node:child_process";
import { PGlite } from "@electric-sql/pglite";
import { describe } from "vitest";
import { openPglite } from "../../src/database/pglite.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { dryRun } from "../../src/run/dry-run.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { psql } from "../support/psql.ts";
import { folderOf, recorder, SETTINGS, sourceOf, targetOf, UP, up, writeFiles } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const TABLE = `create table shops (id int primary key, slug text, done boolean not null default false);
insert into shops select n, case when n % 10 = 0 then 'slug' end from generate_series(1, 100) n;`;
const fill = (...expected: string[]) =>
  `${expected.map((one) => `-- godwit: expect ${one}\n`).join("")}update shops set slug = 'x' where slug is null;\n`;
const filled = async (db: TestDatabase) =>
  (await db.sql("select count(*)::int as n from shops where slug = 'x'"))[0]?.n;
const states = (db: TestDatabase) =>
  db.sql(`select revision, state from "${ledgerSchema}".migration_history order by sequence`);

describe("rows", () => {
  test.for([
    ["rows=90", true],
    ["rows=1..90", true],
    ["rows=90..", true],
    ["rows=..90", true],
    ["rows=91..", false],
    ["rows=1..89", false],
    ["rows=0", false],
  ] as const)("%s of 90: %s", async ([expected, good], { db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill(expected) });
    const run = up(targetOf({ url: db.url, folder }));
    if (good) await run;
    else
      await expect(run).rejects.toMatchObject({
        code: "EXPECTATION_FAILED",
        message: `0002_fill.sql expects ${expected}, and its transaction changes 90 rows.`,
        report: { failures: [{ revision: "0002_fill", committed: "none" }] },
      });
    expect(await filled(db)).toBe(good ? 90 : 0);
    expect(await states(db)).toHaveLength(good ? 2 : 1);
  });

  test("of cascades count; those before it, temporary ones and the ledger's do not", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} create table orders (shop int references shops on delete cascade);
insert into orders select 1 from generate_series(1, 500);`,
      "0002_gone.sql": `-- godwit: expect rows=1
create temporary table mine as select * from shops; delete from shops where id = 1;`,
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "EXPECTATION_FAILED",
      message: "0002_gone.sql expects rows=1, and its transaction changes 501 rows.",
    });
    expect(await db.sql("select count(*)::int as n from orders")).toEqual([{ n: 500 }]);
    writeFiles(folder, {
      "0002_gone.sql": "-- godwit: expect rows=501\ndelete from shops where id = 1;",
    });
    await up(targetOf({ url: db.url, folder }));
  });

  test("of a module, and of a file that changes its search_path", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_path.sql": `-- godwit: expect rows=90\n-- godwit: expect "select count(*) = 0 from public.shops where slug is null"
set search_path = nowhere; update public.shops set slug = 'x' where slug is null;`,
      "0003_module.ts": `export const expect = ["rows=1..9", "select bool_and(done) from shops"];
export async function up({ sql }) { await sql\`update shops set done = true\`; }`,
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "EXPECTATION_FAILED",
      message: "0003_module.ts expects rows=1..9, and its transaction changes 100 rows.",
    });
    expect(await states(db)).toHaveLength(2);
    expect(await db.sql("select count(*)::int as n from shops where done")).toEqual([{ n: 0 }]);
  });

  test("outside a transaction they are refused before anything runs", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_fill.sql": `-- godwit: transaction=off\n${fill("rows=90")}`,
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "SOURCE_DIRECTIVE_INVALID",
      message: expect.stringContaining("it does not run in one transaction"),
    });
    expect(await db.sql("select to_regclass('shops') as t")).toEqual([{ t: null }]);
    // PostgreSQL alone knows that this one runs in no transaction.
    writeFiles(folder, {
      "0002_fill.sql": `-- godwit: expect rows=1
create procedure p() language plpgsql as $$ begin commit; end $$;`,
      "0003_call.sql": "-- godwit: expect rows=0\ncall p();",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "EXPECTATION_FAILED" });
    writeFiles(folder, {
      "0002_fill.sql": "create procedure p() language plpgsql as $$ begin commit; end $$;",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "SOURCE_DIRECTIVE_INVALID",
      place: { file: "0003_call.sql" },
    });
    expect(await states(db)).toHaveLength(2);
  });

  test("of a backfill are those of all its windows", async ({ db }) => {
    const backfill = (rows: string) => `-- godwit: backfill table=shops min-rows=10 max-rows=20
-- godwit: where slug is null
-- godwit: expect rows=${rows}
-- godwit: expect "select count(*) = 0 from shops where slug is null"
update shops set slug = 'x' where :window and slug is null;`;
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": backfill("1..9") });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "EXPECTATION_FAILED",
      message: "0002_fill.sql expects rows=1..9, and its windows have changed 90 rows.",
    });
    expect(await filled(db)).toBe(90);
    writeFiles(folder, { "0002_fill.sql": backfill("90") });
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
  });
});

describe("a query", () => {
  test.for([
    ["select count(*) = 0 from shops where slug is null", null],
    ["select count(*) = 1 from shops where slug is null -- so it is", "the answer is false."],
    ["select null::boolean", "the answer is null."],
    ["select id = 1 from shops", "PostgreSQL cannot answer that with true or false: more than one row"],
    ["select nothing from shops", 'PostgreSQL cannot answer that with true or false: column "nothing"'],
    ["select 'Ж\\' = 'Ж\\'", null],
  ] as const)("%s", async ([query, said], { db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill(`"${query}"`) });
    const run = up(targetOf({ url: db.url, folder }));
    if (said === null) await run;
    else
      await expect(run).rejects.toMatchObject({
        code: "EXPECTATION_FAILED",
        message: expect.stringContaining(said),
      });
    expect(await filled(db)).toBe(said === null ? 90 : 0);
  });

  test("outside a transaction it is asked at the end, until it is true", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_fill.sql": `-- godwit: transaction=off\n${fill('"select count(*) = 0 from shops where id > 99"')}`,
    });
    for (const _ of [1, 2])
      await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
        code: "EXPECTATION_FAILED",
        report: { failures: [{ revision: "0002_fill", committed: "some" }] },
      });
    await db.sql("delete from shops where id > 99");
    expect((await up(targetOf({ url: db.url, folder }))).steps).toMatchObject([{ revision: "0002_fill" }]);
  });
});

describe("every door", () => {
  const files = (expected: string) => ({
    "migrations/0001_table.sql": TABLE,
    "migrations/0002_fill.sql": fill(expected, '"select true"'),
  });

  test.skipIf(withoutPsql)("a script asks the same and keeps nothing", async ({ db }) => {
    const folder = folderOf(files("rows=1..5"));
    const godwit = commandIn({ folder, url: db.url });
    const { stdout } = await godwit("up", "--sql");
    expect(psql(db.url, stdout)).toContain("expects rows=1..5, and its transaction changes 90 rows.");
    expect(await filled(db)).toBe(0);
    writeFiles(folder, files("rows=90"));
    expect(psql(db.url, (await godwit("up", "--sql", "--from", "0001_table")).stdout)).toBeNull();
    expect(await filled(db)).toBe(90);
  });

  test("a dry run", async ({ db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill("rows=1..5") });
    const options = { ...UP, imports: async () => [] };
    const bad = await dryRun(targetOf({ url: db.url, folder }), options, recorder());
    expect(bad).toMatchObject({
      tried: ["0001_table"],
      failures: [{ revision: "0002_fill", problem: { code: "EXPECTATION_FAILED" } }],
    });
    writeFiles(folder, { "0002_fill.sql": fill("rows=90") });
    const good = await dryRun(targetOf({ url: db.url, folder }), options, recorder());
    expect(good.tried).toEqual(["0001_table", "0002_fill"]);
  });

  test("PGlite", async () => {
    const instance = await PGlite.create();
    try {
      const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill("rows=1..5") });
      const target = {
        name: "pglite",
        source: sourceOf(folder),
        ledger: openLedger(ledgerSchema),
        open: () => openPglite(instance),
        settings: SETTINGS,
      };
      await expect(up(target)).rejects.toMatchObject({
        code: "EXPECTATION_FAILED",
        message: expect.stringContaining("changes 90 rows."),
      });
    } finally {
      await instance.close();
    }
  });

  test.skipIf(withoutPgbouncer)("PgBouncer in transaction mode", async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction" });
    try {
      const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill("rows=1..5") });
      const target = targetOf({ url: pooler.url, folder, pooling: "transaction" });
      await expect(up(target)).rejects.toMatchObject({
        code: "EXPECTATION_FAILED",
        message: expect.stringContaining("changes 90 rows."),
      });
      writeFiles(folder, { "0002_fill.sql": fill("rows=90") });
      expect((await up(target)).outcome).toBe("done");
    } finally {
      await pooler.stop();
    }
  });
});

test("what cannot be read is refused with the line, and a down file has none", async ({ db }) => {
  for (const [name, text] of [
    ["0001_a.up.sql", "-- godwit: expect rows=many\nselect 1;"],
    ["0001_a.up.sql", "-- godwit: expect select 1\nselect 1;"],
    ["0001_a.up.sql", "-- godwit: expect\nselect 1;"],
    ["0001_a.down.sql", "-- godwit: expect rows=1\nselect 1;"],
  ] as const) {
    const folder = folderOf({ "0001_a.up.sql": "select 1;", "0001_a.down.sql": "select 1;", [name]: text });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "PLAN_BROKEN_FILE",
      message: expect.stringMatching(/has a directive that cannot be read: `expect`|belongs to the way up/),
      place: { line: 1 },
    });
  }
});
