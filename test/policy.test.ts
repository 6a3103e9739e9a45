/** What a person may decide: how failures are met, which phases run, what the ledger is told. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { baseline } from "../src/run/baseline.ts";
import type { Repair } from "../src/run/corrections.ts";
import { dryRun } from "../src/run/dry-run.ts";
import { migrate } from "../src/run/migrate.ts";
import { repair } from "../src/run/repair.ts";
import type { Target } from "../src/run/session/target.ts";
import { renderScript } from "../src/run/sql-script.ts";
import { preview } from "../src/run/status.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { appliedIn, refusalOf } from "./support/refusal.ts";
import { stateOf } from "./support/state.ts";
import { down, type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "./support/target.ts";

const targetWith = (db: TestDatabase, files: Files) => targetOf({ url: db.url, folder: folderOf(files) });
const revisions = (steps: readonly { revision: string }[]) => steps.map(({ revision }) => revision);

describe("after a failure", () => {
  const FILES: Files = {
    "0001_a.sql": "create table a (id int);",
    "0002_bad.sql": "create table bad (id int);\nselect oops;",
    "0003_needs_bad.sql": "-- godwit: depends=0002_bad\nselect 1;",
    "0004_needs_that.sql": "-- godwit: depends=0003_needs_bad\nselect 1;",
    "0005_alone.sql": "create table alone (id int);",
    "0006_broken.sql": "-- godwit: phase=none\nselect 1;",
    "0007_last.ts": "export async function up({ sql }: any) { await sql`create table last ()`; }",
  };

  test("stop: nothing behind it is begun", async ({ db }) => {
    const { "0006_broken.sql": _, ...files } = FILES;
    const { error } = await refusalOf(up(targetWith(db, files)));
    expect(error.report).toMatchObject({
      outcome: "failed",
      failures: [{ revision: "0002_bad", committed: "none" }],
      remaining: ["0003_needs_bad", "0004_needs_that", "0005_alone", "0007_last"],
    });
    expect(await appliedIn(db)).toEqual(["0001_a"]);
  });

  test("continue: all that does not depend on it runs, the rest is named, and it is a failure all the same", async ({
    db,
  }) => {
    const target = targetWith(db, FILES);
    const { error } = await refusalOf(up(target, undefined, { failure: "continue" }));
    expect(error.code).toBe("STEP_FAILED");
    expect(await appliedIn(db)).toEqual(["0001_a", "0005_alone", "0007_last"]);
    const failures = error.report?.failures ?? [];
    expect(revisions(failures)).toEqual(["0002_bad", "0003_needs_bad", "0004_needs_that", "0006_broken"]);
    expect(failures[2]?.problem.message).toContain("depends on 0003_needs_bad");

    writeFiles(target.source.folder, { "0002_bad.sql": "select 1;", "0006_broken.sql": "select 1;" });
    const report = await up(target, undefined, { failure: "continue", outOfOrder: true });
    expect(revisions(report.steps)).toEqual(["0002_bad", "0003_needs_bad", "0004_needs_that", "0006_broken"]);
  });
});

test("phases: only those asked for run, in their order; the rest is held, with all that stands on it", async ({
  db,
}) => {
  const target = targetWith(db, {
    "0001_drop.sql": "-- godwit: phase=contract\nselect 1;",
    "0002_fill.sql": "-- godwit: phase=complex\nselect 1;",
    "0003_table.sql": "create table shops ();",
    "0004_after_drop.sql": "-- godwit: depends=0001_drop phase=contract\nselect 1;",
  });
  const goal = (...phases: (typeof UP.goal.phases)[number][]) => ({ goal: { ...UP.goal, phases } });
  const first = await up(target, undefined, goal("startup"));
  expect(revisions(first.steps)).toEqual(["0003_table"]);
  expect(first.held).toEqual([
    { revision: "0001_drop", phase: "contract" },
    { revision: "0002_fill", phase: "complex" },
    { revision: "0004_after_drop", phase: "contract" },
  ]);
  const second = await up(target, undefined, goal("startup", "import", "complex"));
  expect(revisions(second.steps)).toEqual(["0002_fill"]);
  const third = await up(target, undefined, goal("contract"));
  expect(revisions(third.steps)).toEqual(["0001_drop", "0004_after_drop"]);
  expect(third.held).toEqual([]);
});

test("repeatables run when their text changed, after everything else, and only then", async ({ db }) => {
  const target = targetWith(db, {
    "0001_a.sql": "create table a (id int);",
    "repeatable/v.sql": "create or replace view v as select id from a;",
    "repeatable/w.sql": "create or replace view w as select id from v;",
  });
  await up(target);
  writeFiles(target.source.folder, {
    "repeatable/v.sql": "create or replace view v as select id, name from a;",
    "0002_name.sql": "alter table a add name text;",
  });
  expect(revisions((await up(target)).steps)).toEqual(["0002_name", "v"]);
  expect((await up(target)).steps).toEqual([]);
  writeFiles(target.source.folder, { "repeatable/v.sql": "create or replace view v as select oops from a;" });
  const before = await stateOf(db.admin);
  await refusalOf(up(target));
  const { ledger, ...after } = await stateOf(db.admin);
  expect(after).toEqual({ schema: before.schema, rows: before.rows });
  expect(ledger.filter((line) => line.startsWith("history"))).toEqual(
    before.ledger.filter((line) => line.startsWith("history")),
  );
});

test("baseline declares what is there, up to a revision, and up does the rest", async ({ db }) => {
  await db.sql("create table a (id int)");
  const target = targetWith(db, {
    "0001_a.sql": "create table a (id int);",
    "0002_b.sql": "create table b (id int);",
    "0003_c.sql": "create table c (id int);",
    "repeatable/v.sql": "create or replace view v as select 1 as n;",
  });
  expect(await baseline(target, "0002_b", recorder())).toMatchObject({ declared: ["0001_a", "0002_b"] });
  expect(await db.sql("select to_regclass('b') as b")).toEqual([{ b: null }]);
  expect(await baseline(target, "0002", recorder())).toMatchObject({
    declared: [],
    already: ["0001_a", "0002_b"],
  });
  expect(revisions((await up(target)).steps)).toEqual(["0003_c", "v"]);
});

describe("repair", () => {
  const fix = (db: TestDatabase, target: Target, request: Repair, confirm = db.name) =>
    repair(target, request, { confirm }, recorder());
  /** Its second statement was begun by a run that was killed, and no catalog can tell whether it took effect. */
  const cutOff = async (db: TestDatabase) => {
    const files = {
      "0001_a.sql":
        "-- godwit: transaction=off\ncreate table a (n int);\ncall tick();\ninsert into a values (2);",
    };
    await db.sql(`create procedure tick() language plpgsql as $$ begin
      if to_regclass('ticks') is null then create table ticks (n int); commit; raise exception 'killed'; end if;
      insert into ticks values (1); commit; end $$`);
    const target = targetWith(db, files);
    await refusalOf(up(target));
    await db.sql(`insert into "${ledgerSchema}".migration_statements (revision, direction, position, hash, state, run_id)
      values ('0001_a', 'up', 2, 'sha256:' || encode(sha256('call tick()'), 'hex'), 'started', gen_random_uuid())
      on conflict do nothing`);
    return target;
  };

  test("accept, and forget, change the ledger only, and only in the database that was named", async ({
    db,
  }) => {
    const target = targetWith(db, { "0001_a.sql": "create table a (id int);" });
    await up(target);
    const before = await stateOf(db.admin);
    const { codes } = await refusalOf(fix(db, target, { kind: "forget", revision: "0001_a" }, "other"));
    expect(codes).toEqual(["CONFIG_INVALID"]);
    expect(await stateOf(db.admin)).toEqual(before);

    await fix(db, target, { kind: "forget", revision: "0001" });
    expect(await appliedIn(db)).toEqual([]);
    expect((await stateOf(db.admin)).schema).toEqual(before.schema);
    await fix(db, target, { kind: "mark-done", revision: "0001_a", position: null });
    expect((await up(target)).steps).toEqual([]);
  });

  test("is refused for files of another project", async ({ db }) => {
    await up(targetWith(db, { "0001_a.sql": "select 1;", "0002_b.sql": "select 2;" }));
    const foreign = targetWith(db, { "0001_posts.sql": "select 3;" });
    const { codes } = await refusalOf(fix(db, foreign, { kind: "forget", revision: "0001_a" }));
    expect(codes).toEqual(["LEDGER_FOREIGN"]);
    expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
  });

  test("mark-done of a statement: the next run goes on behind it", async ({ db }) => {
    const target = await cutOff(db);
    await fix(db, target, { kind: "mark-done", revision: "0001_a", position: 2 });
    await up(target);
    expect(await db.sql("select n from a")).toEqual([{ n: 2 }]);
    expect(await db.sql("select n from ticks")).toEqual([]);
  });

  test("retry of a statement: the next run begins with it", async ({ db }) => {
    const target = await cutOff(db);
    await fix(db, target, { kind: "retry", revision: "0001_a", position: 2 });
    await up(target);
    expect(await db.sql("select n from a")).toEqual([{ n: 2 }]);
    expect(await db.sql("select n from ticks")).toEqual([{ n: 1 }]);
  });
});

describe("dry run", () => {
  test("tries all of it, changes nothing, and says what it could not try", async ({ db }) => {
    const target = targetWith(db, {
      "0001_a.sql": "create table a (id int);",
      "0002_index.sql": "create index concurrently i on a (id);",
      "0003_b.ts": "export async function up({ sql }: any) { await sql`insert into a values (1)`; }",
    });
    const before = await stateOf(db.admin);
    const report = await dryRun(target, { ...UP, imports: async () => [] }, recorder());
    expect(report).toMatchObject({
      tried: ["0001_a", "0003_b"],
      notTried: [{ revision: "0002_index", because: expect.stringContaining("line 1") }],
      failed: null,
    });
    expect(await stateOf(db.admin)).toEqual(before);
  });

  test("finds what would fail, also at the end of a transaction", async ({ db }) => {
    const target = targetWith(db, {
      "0001_a.sql": "create table a (id int primary key);",
      "0002_b.sql":
        "create table b (a int references a deferrable initially deferred);\ninsert into b values (7);",
    });
    const before = await stateOf(db.admin);
    const report = await dryRun(target, { ...UP, imports: async () => [] }, recorder());
    expect(report).toMatchObject({
      tried: ["0001_a"],
      failed: { revision: "0002_b", problem: { place: { file: "0002_b.sql" } }, uncertain: false },
    });
    expect(await stateOf(db.admin)).toEqual(before);
  });
});

describe("the offline script", () => {
  const FILES: Files = {
    "0001_a.sql":
      "-- migrate:up\ncreate table a (id int, name text) -- no semicolon\n-- migrate:down\ndrop table a;",
    "0002_b.ts": `export async function up({ sql, schema }: any) {
  await schema.createTable("b").addColumn("id", "integer").execute();
  await sql\`insert into b values (\${1})\`;
  await sql\`insert into a values (\${1}, \${"It's $1 \\\\ ä"})\`;
}`,
    "0003_index.sql": "create index concurrently i on a (id);\ninsert into a values (2, $$x;y$$);",
    "repeatable/v.sql": "create or replace view v as select count(*) from a;",
  };

  test("run by psql does what up does, ledger rows included, and leaves up nothing to do", async ({ db }) => {
    const target = targetWith(db, FILES);
    psql(db, await renderScript(target, { ...UP, from: "base" }, recorder()));
    const byScript = await stateOf(db.admin);
    expect(await up(target)).toMatchObject({ outcome: "done", steps: [], warnings: [] });

    await db.sql(`drop schema "${ledgerSchema}" cascade; drop table a, b cascade`);
    await up(target);
    const byRun = await stateOf(db.admin);
    const rest = (state: typeof byRun) => state.ledger.filter((line) => /^(?:history|log)/.test(line));
    expect({ schema: byScript.schema, rows: byScript.rows }).toEqual({
      schema: byRun.schema,
      rows: byRun.rows,
    });
    expect(rest(byScript)).toEqual(rest(byRun));
  });

  test("from a revision on holds the rest only, and down takes it back", async ({ db }) => {
    const target = targetWith(db, {
      "0001_a.up.sql": "create table a ();",
      "0001_a.down.sql": "drop table a;",
      "0002_b.up.sql": "create table b ();",
      "0002_b.down.sql": "drop table b;",
    });
    await up(target, undefined, { goal: { ...UP.goal, to: "0001_a" } });
    psql(db, await renderScript(target, { ...UP, from: "0001_a" }, recorder()));
    expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
    psql(db, await renderScript(target, { ...down("base"), from: "0002_b" }, recorder()));
    expect(await appliedIn(db)).toEqual([]);
    expect(await db.sql("select to_regclass('a') as a, to_regclass('b') as b")).toEqual([
      { a: null, b: null },
    ]);
  });

  test.for([
    "const [row] = await sql`select 1 as n`; void row;",
    "if ((await sql`select 1`).count === 0) await sql`select 2`;",
    "for (const row of await sql`select 1`) void row;",
    "try { (await query('select 1')).rows.length } catch {}",
    "throw new Error('no shop');",
  ])("refuses a module that cannot be written down: %s", async (body, { db }: { db: TestDatabase }) => {
    const target = targetWith(db, {
      "0001_a.ts": `export async function up({ sql, query }: any) { ${body} }`,
    });
    const { codes } = await refusalOf(renderScript(target, { ...UP, from: "base" }, recorder()));
    expect(codes).toEqual(["SOURCE_NOT_RENDERABLE"]);
  });
});

test("down runs the text that the ledger kept, when the file is gone", async ({ db }) => {
  const target = targetWith(db, {
    "0001_a.sql": "create table a (id int);",
    "0002_b.up.sql": "create table b (id int);",
    "0002_b.down.sql": "drop table b;\ninsert into a values (2);",
  });
  await up(target);
  for (const file of ["0002_b.up.sql", "0002_b.down.sql"]) rmSync(join(target.source.folder, file));
  const plan = await preview(target, down("-1"), recorder());
  expect(plan.warnings).toHaveLength(1);
  await migrate(target, down("-1"), recorder());
  expect(await appliedIn(db)).toEqual(["0001_a"]);
  expect(await db.sql("select id, to_regclass('b') as b from a")).toEqual([{ id: 2, b: null }]);
});

function psql(db: TestDatabase, script: string): void {
  const file = join(folderOf({}), "script.sql");
  writeFileSync(file, script);
  execFileSync("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", file, db.url], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
}
