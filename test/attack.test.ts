/** What somebody would try who wants a run to lie: each of these once worked. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe } from "vitest";
import { splitStatements } from "../src/core/sql/statements.ts";
import { migrate } from "../src/run/migrate.ts";
import { BINARY, commandIn } from "./support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { refusalOf } from "./support/refusal.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "./support/target.ts";

const LEDGER = `"${ledgerSchema}"`;
const targetWith = (db: TestDatabase, files: Files) => targetOf({ url: db.url, folder: folderOf(files) });
const module = (body: string) =>
  `export async function up({ sql, execute, log, schema }: any) {\n${body}\n}\n`;

/** A ledger in which no statement can be called done, as if the server had failed at just that moment. */
async function refuseDone(db: TestDatabase, sqlState: string) {
  await db.sql(`create function ${LEDGER}.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'not now' using errcode = '${sqlState}'; end $$`);
  await db.sql(`create trigger refuse before insert or update on ${LEDGER}.migration_statements for each row
    when (new.state = 'done') execute function ${LEDGER}.refuse()`);
}

const TWICE = `create table effects (id int generated always as identity);
create procedure effect() language plpgsql as $$ begin insert into effects default values; commit; end $$;`;

describe("a statement outside a transaction", () => {
  for (const sqlState of ["P0001", "40001"])
    test(`that succeeded, but could not be called done (${sqlState}), is not run again`, async ({ db }) => {
      const folder = folderOf({ "0001_a.sql": TWICE });
      const target = targetOf({ url: db.url, folder, settings: { lockAttempts: 3 } });
      await up(target);
      await refuseDone(db, sqlState);
      writeFiles(folder, { "0002_call.sql": "call effect();" });
      const { error } = await refusalOf(up(target));
      expect(error.report).toMatchObject({ failures: [{ committed: "unknown" }] });
      await db.sql(`drop trigger refuse on ${LEDGER}.migration_statements`);
      await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
      expect(await db.sql("select id from effects")).toHaveLength(1);
    });

  for (const sqlState of ["40001", "P0001"])
    test(`that committed something of its own before it failed (${sqlState}) is not begun again`, async ({
      db,
    }) => {
      const folder = folderOf({
        "0001_a.sql": `create table effects (id int generated always as identity);
          create procedure effect() language plpgsql as $$ begin insert into effects default values; commit;
            raise exception 'half' using errcode = '${sqlState}'; end $$;`,
        "0002_call.sql": "call effect();",
      });
      const target = targetOf({ url: db.url, folder, settings: { lockAttempts: 3 } });
      const { error } = await refusalOf(up(target));
      expect(error.report).toMatchObject({ failures: [{ committed: "unknown" }] });
      await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
      expect(await db.sql("select id from effects")).toHaveLength(1);
    });
});

describe("a module", () => {
  test("that would commit for itself is stopped before that, and nothing of it stays", async ({ db }) => {
    const target = targetWith(db, {
      "0001_a.ts": module("await execute('create table a (); commit'); throw new Error('half-way');"),
    });
    for (const _again of [1, 2]) {
      const { error } = await refusalOf(up(target));
      expect(error).toMatchObject({
        code: "STEP_ENDED_TRANSACTION",
        report: { failures: [{ committed: "none" }] },
      });
    }
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  test.for([
    ["a generator", "export async function* up({ sql }: any) { yield await sql`create table a ()`; }"],
    ["a query that nobody executes", "export const up = ({ schema }: any) => schema.createTable('a');"],
  ] as const)("that is %s has done nothing, and is told so", async ([, text], { db }) => {
    const { error } = await refusalOf(up(targetWith(db, { "0001_a.ts": text })));
    expect(error.code).toBe("STEP_FAILED");
    expect(await db.sql(`select revision from ${LEDGER}.migration_history`)).toEqual([]);
  });

  test("may be silent for ever where the idle timeout is none", async ({ db }) => {
    const folder = folderOf({
      "0001_a.ts": module("await new Promise((go) => setTimeout(go, 100)); await sql`select 1`;"),
    });
    expect((await up(targetOf({ url: db.url, folder, settings: { idleTimeoutMs: 0 } }))).outcome).toBe(
      "done",
    );
  });

  test("whose error comes from nowhere ends the run with a report, and nothing of it stays", async ({
    db,
  }) => {
    const godwit = commandIn({
      folder: folderOf({
        "migrations/0001_a.ts": module(
          "await sql`create table a ()`; setTimeout(() => { throw new Error('from nowhere'); }); await sql`select pg_sleep(20)`;",
        ),
      }),
      url: db.url,
    });
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining("from nowhere") }],
    });
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  test("cannot write a password into log, report or ledger", async ({ db }) => {
    const url = "postgres://somebody:s3cret-word@elsewhere/db";
    const godwit = commandIn({
      folder: folderOf({
        "migrations/0001_a.ts": module(`log.warn("from ${url}"); throw new Error("no answer from ${url}");`),
      }),
      url: db.url,
    });
    const { stdout, stderr } = await godwit.fails(1, "up", "--json");
    expect(stdout).toContain("no answer from");
    expect(stdout + stderr).not.toContain("s3cret");
    const [row] = await db.sql(`select details from ${LEDGER}.migration_log`);
    expect(JSON.stringify(row)).toContain("no answer from");
    expect(JSON.stringify(row)).not.toContain("s3cret");
  });
});

test("under `continue`, files that are no migrations fail the run although nothing else does", async ({
  db,
}) => {
  const target = targetWith(db, { "0001_a.sql": "select 1;", "0002_b.down.sql": "select 1;" });
  const { error } = await refusalOf(up(target, undefined, { failure: "continue" }));
  expect(error).toMatchObject({
    code: "SOURCE_DOWN_WITHOUT_UP",
    report: { steps: [{ revision: "0001_a" }] },
  });
  const again = await refusalOf(up(target, undefined, { failure: "continue" }));
  expect(again.error.report).toMatchObject({ outcome: "failed" });
});

test("nobody listening to the log does not end a run half-way", async ({ db }) => {
  const files = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [
      `migrations/${String(index).padStart(4, "0")}_a.ts`,
      module("log.info('here'); await sql`select 1`;"),
    ]),
  );
  const child = spawn(process.execPath, [BINARY, "up"], {
    cwd: folderOf(files),
    env: { PATH: process.env.PATH ?? "", DATABASE_URL: db.url, GODWIT_LEDGER_SCHEMA: ledgerSchema },
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.destroy();
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
  expect(await db.sql(`select revision from ${LEDGER}.migration_history`)).toHaveLength(20);
});

test("dates are read right whatever style the database writes them in", async ({ db }) => {
  await db.admin(`alter database ${db.name} set datestyle = 'German, DMY'`);
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a (d date); insert into a values ('02/01/2003');",
    "migrations/0002_b.ts": module(
      "const [row] = await sql`select timestamptz '2003-01-02 03:04:05+00' as t`; if (row.t !== '2003-01-02 03:04:05+00') throw new Error(String(row.t));",
    ),
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  expect((await godwit("status", "--json")).json.migrations[0].executedAt).toMatch(/^20\d\d-/);
  await godwit("status");
  await godwit("history", "--log");
  expect(await db.sql("select d from a where d = date '2003-01-02'")).toHaveLength(1);
});

test("operators that somebody made do not get into our own queries", async ({ db }) => {
  await db.sql("create table traps (what text)");
  for (const [left, right] of [
    ["oid", "int4"],
    ["oid", "int8"],
    ["oid", "regclass"],
    ["int2", "int4"],
    ["name", "text"],
    ["text", "name"],
    ["regclass", "oid"],
    ["int4", "int8"],
    ["int8", "int4"],
    ["text", "varchar"],
    ["uuid", "text"],
  ]) {
    for (const [operator, comparison] of [
      ["=", "is not distinct from"],
      ["<>", "is distinct from"],
    ])
      await db.sql(`create function trap_${left}_${right}_${operator === "=" ? "eq" : "ne"}(a ${left}, b ${right}) returns boolean language plpgsql as
        $$ begin insert into traps values ('${left} ${operator} ${right}'); return a::text ${comparison} b::text; end $$;
        create operator ${operator} (leftarg = ${left}, rightarg = ${right}, function = trap_${left}_${right}_${operator === "=" ? "eq" : "ne"})`);
  }
  const folder = folderOf({
    "0001_a.sql": "create table a (id int);",
    "0002_i.sql": "create index concurrently i on a (id);\nreindex index concurrently i;",
    "0003_j.sql": "drop index concurrently i;",
    "0004_r.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;",
    "0005_p.sql":
      "create table p (id int) partition by list (id); create table p1 partition of p for values in (1);",
    "0006_d.sql": "alter table p detach partition p1 concurrently;",
  });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  await migrate(target, down("0005"), recorder()).catch(() => {});
  expect(await db.sql("select distinct what from traps")).toEqual([]);
});

test("a trigger that swallows the ledger's row keeps nothing of the migration", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "create table effects (id int);" });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  await db.sql(
    `create function ${LEDGER}.swallow() returns trigger language plpgsql as $$ begin return null; end $$`,
  );
  await db.sql(
    `create trigger swallow before insert on ${LEDGER}.migration_history for each row execute function ${LEDGER}.swallow()`,
  );
  writeFiles(folder, { "0002_b.sql": "insert into effects values (1);" });
  await refusalOf(up(target));
  await refusalOf(up(target));
  expect(await db.sql("select id from effects")).toEqual([]);
});

test("a lease whose second connection is refused is given back", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "select 1;" });
  const target = targetOf({ url: db.url, folder, pooling: "transaction", settings: { connectAttempts: 1 } });
  await db.admin(`alter database ${db.name} connection limit 2`); // the test's own is one
  await refusalOf(up(target));
  await db.admin(`alter database ${db.name} connection limit -1`);
  expect((await up({ ...target, settings: { ...target.settings, lockWaitMs: 1000 } })).outcome).toBe("done");
});

test("a long line with many statements is split in one pass", () => {
  const text = "select 1;".repeat(500_000);
  expect(splitStatements(text)).toHaveLength(500_000);
});
