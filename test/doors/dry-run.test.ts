/** A dry run tries what it can, says what it could not, and never takes the one for the other. */
import { describe } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { stateOf } from "../support/state.ts";
import { type Files, folderOf } from "../support/target.ts";

async function dry(db: TestDatabase, files: Files, exit = 0) {
  const folder = folderOf(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])),
  );
  const godwit = commandIn({ folder, url: db.url });
  const before = await stateOf(db.admin);
  const text = await godwit.start("up", "--dry-run").exits(exit);
  const { json } = await godwit.start("up", "--dry-run", "--json").exits(exit);
  expect(await stateOf(db.admin)).toEqual(before);
  expect(json.ok).toBe(exit === 0);
  return { report: json.report as Json, problems: json.problems as Json, text: text.stdout, godwit };
}

const OUTSIDE = "-- godwit: transaction=off\ncreate table late (id int);";

describe("what fails only because an earlier one could not be tried", () => {
  test("is uncertain: not an error, not a success, and the others are tried", async ({ db }) => {
    const { report, problems, text } = await dry(db, {
      "0001_a.sql": "create table a (id int);",
      "0002_late.sql": OUTSIDE,
      "0003_fill.sql": "insert into late values (1);",
      "0004_b.sql": "create table b (id int);",
    });
    expect(report).toMatchObject({
      outcome: "uncertain",
      tried: ["0001_a", "0004_b"],
      notTried: [{ revision: "0002_late", because: "the file says transaction=off" }],
      failures: [{ revision: "0003_fill", uncertain: true }],
      failed: { revision: "0003_fill", uncertain: true },
    });
    expect(problems).toBeUndefined();
    expect(text).toContain("Uncertain: 0003_fill");
    expect(text).toContain("does not prove that `godwit up` succeeds");
    expect(text).not.toMatch(/error:|correct/);
  });

  test("is an error where the text itself is wrong", async ({ db }) => {
    const files = { "0001_late.sql": OUTSIDE, "0002_typo.sql": "create tabel b (id int);" };
    const { report, text } = await dry(db, files, 1);
    expect(report).toMatchObject({
      outcome: "failed",
      failures: [{ revision: "0002_typo", uncertain: false }],
    });
    expect(text).toContain("0002_typo.sql:1:8");
  });
});

describe("a failure", () => {
  test("stops only what depends on it, and every one is told", async ({ db }) => {
    const { report, problems } = await dry(
      db,
      {
        "0001_bad.sql": "select nonsense;",
        "0002_needs.sql": "-- godwit: depends=0001_bad\nselect 1;",
        "0003_needs.sql": "-- godwit: depends=0002_needs\nselect 1;",
        "0004_fine.sql": "create table fine (id int);",
        "0005_unsure.sql": "select missing;",
        "0006_broken.sql": "selec 1;",
      },
      1,
    );
    expect(report).toMatchObject({
      outcome: "failed",
      tried: ["0004_fine"],
      notTried: [
        { revision: "0002_needs", because: "it depends on 0001_bad" },
        { revision: "0003_needs", because: "it depends on 0002_needs" },
      ],
      failures: [
        { revision: "0001_bad", uncertain: false },
        { revision: "0005_unsure", uncertain: true },
        { revision: "0006_broken", uncertain: false },
      ],
      failed: { revision: "0001_bad" },
    });
    expect(problems.map(({ place }: Json) => place.file)).toEqual([
      expect.stringContaining("0001_bad.sql"),
      expect.stringContaining("0006_broken.sql"),
    ]);
  });

  test("of a module that caught its error is told as what it was", async ({ db }) => {
    const swallowed =
      "export async function up({ sql }: any) { try { await sql`select nonsense`; } catch {} }";
    const { problems } = await dry(db, { "0001_a.ts": swallowed }, 1);
    expect(problems[0].message).toContain("nonsense");
  });

  test("for a lock that somebody holds is uncertain, and says whose", async ({ db }) => {
    await db.sql("create table held (id int)");
    const other = await db.connect();
    await other.query("begin; lock table held");
    const folder = folderOf({
      "migrations/0001_a.sql": "-- godwit: lock-timeout=200ms\nalter table held add column n int;",
    });
    const { report } = (await commandIn({ folder, url: db.url })("up", "--dry-run", "--json")).json;
    await other.query("rollback");
    expect(report).toMatchObject({ outcome: "uncertain", failures: [{ uncertain: true }] });
  });
});

test("what it did to the session is gone for the next: temporary tables, settings and roles", async ({
  db,
}) => {
  const leaves =
    "create temporary table t (id int); set search_path = pg_catalog; create schema if not exists mine;";
  const { report } = await dry(db, {
    "0001_a.sql": "create schema mine; create temporary table t (id int); set search_path = mine;",
    "0002_b.sql": leaves,
    "0003_c.sql": "create table visible (id int); select 'public.visible'::regclass;",
  });
  expect(report).toMatchObject({ outcome: "worked", tried: ["0001_a", "0002_b", "0003_c"], failed: null });
});

test("a procedure or a block that commits is not tried", async ({ db }) => {
  const { report } = await dry(db, { "0001_a.sql": "do $$ begin create table a (id int); commit; end $$;" });
  expect(report).toMatchObject({ outcome: "worked", tried: [], notTried: [{ revision: "0001_a" }] });
});

test("a long list is a count and a few names, all of them with --verbose and in JSON", async ({ db }) => {
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`${String(n + 1).padStart(4, "0")}_step.sql`, "select 1;"]),
  );
  const { report, text, godwit } = await dry(db, files);
  expect(report.tried).toHaveLength(60);
  expect(text).toContain("60 migrations, 0001_step, 0002_step, 0003_step, … 0060_step.");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(200);
  expect((await godwit("up", "--dry-run", "--verbose")).stdout).toContain("0059_step");
});

test("a module that ends the transaction is refused by name, and no success is told", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.ts":
      "export async function up({ execute }: any) { await execute('create table a (id int)'); await execute('commit'); }",
  });
  const { json, stdout } = await commandIn({ folder, url: db.url }).fails(1, "up", "--dry-run", "--json");
  expect(json.problems[0].message).toContain("0001_a.ts");
  expect(stdout).not.toContain('"worked"');
});
