/** A mistake in the options of a backfill: every command that looks says the same as `up`, before a row is changed. */
import { describe } from "vitest";
import { commandIn, type Finished } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, sku text unique, name text, hits int not null default 0);
create table others (id int primary key, n int);
create view shown as select * from products;
insert into products (id, name) select n, 'Name ' || n from generate_series(1, 50) n;`;
const UPDATE = "update products set hits = hits + 1 where :window;";
const sql = (options: string, statement = UPDATE, table = "products"): Files => ({
  "0002_b.sql": `-- godwit: backfill table=${table} ${options}\n${statement}\n`,
});
const ts = (options: string, set = 'set: { hits: "hits + 1" }'): Files => ({
  "0002_b.ts": `import { backfill } from "godwit";\nexport default backfill({ table: "products", ${set}, ${options} });\n`,
});
const rows = 'columns: ["name"], rows: (all) => all.map(() => null)';

type Row = readonly [code: string, message: string, files: Files];

/** What the files alone show. */
const IN_FILES: Readonly<Record<string, readonly [message: string, files: Files]>> = {
  "a limit without a probe": ["`probe-limit` means nothing without a probe", sql("probe-limit=50ms")],
  "a limit without a probe, in a module": ["`probeLimit`", ts('probeLimit: "50ms"')],
  "a limit where the throttle is off": [
    "`max-lag` means nothing where the throttle is off",
    sql("throttle=off max-lag=2s"),
  ],
  "a probe where the throttle is off": [
    "`probe` means nothing where the throttle is off",
    sql("throttle=off\n-- godwit: probe select 1"),
  ],
  "a limit where the throttle is off, in a module": ["`maxWal`", ts('throttle: "off", maxWal: "50MB"')],
  "a probe of two statements": [
    "`probe` is not one query",
    sql("\n-- godwit: probe select 1; commit; delete from products"),
  ],
  "a probe of two statements, in a module": ["`probe`", ts('probe: "commit; delete from products"')],
  "a first window of more rows than any may have": [
    "`min-rows` is more than `max-rows`",
    sql("min-rows=20 max-rows=10"),
  ],
  "a share with zeros before it": ["`share` cannot be `007%`", sql("share=007%")],
  "a share in a list, in a module": ["declares `share`", ts('share: ["5%"]')],
  "the same in a module": ["`minRows`", ts("minRows: 20, maxRows: 10")],
  "a statement without its window": [
    "does not say where its window goes",
    sql("", "update products set hits = 1;"),
  ],
  "old values of a statement that deletes": [
    "keeps old values (undo)",
    sql("undo=yes", "delete from products where :window;"),
  ],
};

/** What only a database shows. */
const IN_DATABASE: Readonly<Record<string, Row>> = {
  "no such table": ["BACKFILL_TABLE", "which does not exist", sql("", UPDATE, "nope")],
  "a view": ["BACKFILL_TABLE", "which is a view", sql("", UPDATE, "shown")],
  "no such key": ["BACKFILL_KEY", "pages public.products by (nope)", sql("key=nope")],
  "no such key, in a module": ["BACKFILL_KEY", "pages public.products by (nope)", ts('key: "nope"')],
  "a key that may be NULL": ["BACKFILL_KEY", "sku may be NULL", sql("key=sku")],
  "a condition on no column": [
    "BACKFILL_STATEMENT",
    'column "nope" does not exist',
    sql("\n-- godwit: where nope is null"),
  ],
  "a probe of no table": [
    "BACKFILL_PROBE",
    'relation "nope" does not exist',
    sql("\n-- godwit: probe select 1 from nope"),
  ],
  "a probe that changes something": [
    "BACKFILL_PROBE",
    "cannot execute DELETE in a read-only transaction",
    sql("\n-- godwit: probe delete from others"),
  ],
  "a column that `rows` asks for": [
    "BACKFILL_TABLE",
    "asks for the column nmae",
    ts("", rows.replace("name", "nmae")),
  ],
  "a column that `rows` writes": ["BACKFILL_TABLE", "writes the column nope", ts('writes: ["nope"]', rows)],
  "old values of the key": [
    "BACKFILL_UNDO",
    "sets id, by which its rows are found again",
    sql("undo=yes", "update products set id = id where :window;"),
  ],
  "old values of no column": [
    "BACKFILL_UNDO",
    "sets nope, which is no column",
    sql("undo=yes", "update products set nope = 1 where :window;"),
  ],
  "a statement that changes another table": [
    "BACKFILL_TABLE",
    "its statement changes public.others",
    sql("", "update others set n = 1 where :window;"),
  ],
  "a statement of which nobody sees what it changes": [
    "BACKFILL_STATEMENT",
    "PostgreSQL cannot say",
    sql(
      "",
      "with w as (update products set hits = 1 where id in (select id from products where :window) returning id) select 1 from w;",
    ),
  ],
};

const problemsOf = ({ json }: Finished) => json.problems;

async function commandsOf(db: TestDatabase, files: Files) {
  const folder = folderOf({ "0001_a.sql": TABLE, ...files });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  return { folder, godwit };
}

describe("what the files alone show", () => {
  test.for(Object.entries(IN_FILES))("%s", async ([, [message, files]], { db }) => {
    const { godwit } = await commandsOf(db, files);
    const said = { message: expect.stringContaining(message) };
    for (const command of ["plan", "up"])
      expect(problemsOf(await godwit.fails(1, command, "--json")), command).toMatchObject([said]);
    const { findings } = (await godwit.fails(1, "lint", "--json")).json;
    expect(findings.at(-1)).toMatchObject({ rule: "broken-file", ...said });
    expect(problemsOf(await godwit.fails(1, "up", "--dry-run", "--json"))).toMatchObject([said]);
    expect(await db.sql("select to_regclass('products') as made")).toEqual([{ made: null }]);
  });
});

describe("what only a database shows", () => {
  test.for(Object.entries(IN_DATABASE))("%s", async ([, [code, message, files]], { db }) => {
    const { folder, godwit } = await commandsOf(db, files);
    const said = { code, message: expect.stringContaining(message) };
    // Its table is not there yet, and a dry run makes it.
    await godwit("plan");
    await godwit("lint");
    const failed = [{ revision: "0002_b", problem: said, uncertain: false }];
    expect((await godwit.fails(1, "up", "--dry-run", "--json")).json.report.failures).toMatchObject(failed);
    await godwit("up", "0001");
    for (const command of [["plan"], ["plan", "--sample"], ["up"]])
      expect(problemsOf(await godwit.fails(1, ...command, "--json")), command.join(" ")).toMatchObject([
        said,
      ]);
    expect((await godwit.fails(1, "up", "--dry-run", "--json")).json.report.failures).toMatchObject(failed);
    await using migrator = createMigrator({ databaseUrl: db.url, dir: folder, environment: {} });
    await expect(migrator.plan()).rejects.toMatchObject(said);
    expect(await db.sql("select distinct hits from products")).toEqual([{ hits: 0 }]);
  });
});

test("a role that may not skip triggers is told so by a plan", async ({ db }) => {
  const role = `${db.name}_small`;
  await db.admin(`create role ${role} login; grant all on schema public to ${role}`);
  await db.admin(`grant create on database ${db.name} to ${role}`);
  try {
    const folder = folderOf({ "0001_a.sql": TABLE, ...sql("triggers=skip") });
    const url = new URL(db.url);
    url.username = role;
    const godwit = commandIn({ folder, url: url.href, env: { GODWIT_DIR: folder } });
    await godwit("up", "0001");
    for (const command of ["plan", "up"])
      expect(problemsOf(await godwit.fails(1, command, "--json"))).toMatchObject([
        { code: "BACKFILL_TRIGGERS" },
      ]);
  } finally {
    await db.admin(`drop owned by ${role}; drop role ${role}`).catch(() => {});
  }
});

test("a largest window of few rows is no mistake, and the first has no more", async ({ db }) => {
  const { godwit } = await commandsOf(db, sql("max-rows=20"));
  await godwit("up");
  expect((await godwit("backfill", "--json")).json.backfills).toMatchObject([{ rows: 50, windows: 3 }]);
});

test("a plan that goes on after a failure has it among its warnings", async ({ db }) => {
  const { godwit } = await commandsOf(db, { ...sql("key=nope"), "0003_c.sql": "create table c (id int);" });
  await godwit("up", "0001");
  const { plan } = (await godwit("plan", "--on-failure", "continue", "--json")).json;
  expect(plan.steps).toHaveLength(2);
  expect(plan.warnings).toMatchObject([{ code: "BACKFILL_KEY" }]);
  await godwit.fails(1, "up", "--on-failure", "continue");
  expect(await db.sql("select to_regclass('c') is not null as made")).toEqual([{ made: true }]);
});

test("a plan warns of rows that nobody sees, as `up` does", async ({ db }) => {
  const statement = "update others o set n = 1 where o.id in (select id from products where :window);";
  const { godwit } = await commandsOf(db, sql("", statement));
  await godwit("up", "0001");
  const warned = [{ code: "BACKFILL_UNASKED" }];
  expect((await godwit("plan", "--json")).json.plan.warnings).toMatchObject(warned);
  expect((await godwit("up", "--dry-run", "--json")).json.report.warnings).toMatchObject(warned);
  expect((await godwit("up", "--json")).json.report.warnings).toMatchObject(warned);
});

test("a plan waits for nobody who has locked the table", async ({ db }) => {
  const { godwit } = await commandsOf(db, sql("\n-- godwit: where hits = 0"));
  await godwit("up", "0001");
  const holder = await db.connect();
  await holder.query("begin; lock table others, products");
  expect((await godwit("plan", "--json")).json.plan.steps).toHaveLength(1);
  await holder.query("rollback");
});
