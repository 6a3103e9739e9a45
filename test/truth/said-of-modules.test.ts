/** Each failure of a module says what of it was kept, and a gate says what is wrong however quiet it is. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const KEPT_NOTHING = /It was rolled back; nothing of it was kept/;
const module = (inside: string) =>
  `export const up = async ({ sql, execute }) => { await sql\`create table a ()\`; ${inside} };`;

describe("what a module in a transaction kept is said where", () => {
  test.for<[name: string, inside: string]>([
    ["it ends its process", "process.exit(0);"],
    ["it ends its process with a code", "process.exit(7);"],
    ["it crashes", "process.abort();"],
    ["it closes what it has not opened", "(await import('node:fs')).closeSync(3);"],
    ["it forgets to wait", "execute('select pg_sleep(0.2)'); execute('select 1');"],
    [
      "it throws where nobody can catch it",
      "setTimeout(() => { throw new Error('it was kept'); }); await new Promise((r) => setTimeout(r, 500));",
    ],
    ["it takes the promises away", "globalThis.Promise = undefined; await sql`select 1`;"],
    ["it never settles", "await new Promise(() => {});"],
  ])("%s", async ([, inside], { db }) => {
    const folder = folderOf({ "migrations/0001_a.mjs": module(inside) });
    const { json, stderr } = await commandIn({ folder, url: db.url }).fails(
      1,
      "up",
      "--json",
      "--idle-timeout",
      "1s",
    );
    const [{ message, hint }] = json.problems;
    expect(`${message} ${hint}`).toMatch(KEPT_NOTHING);
    expect(stderr.match(/nothing of it was kept/g)).toHaveLength(1);
    expect(stderr).not.toContain("Cannot destructure");
    expect(json.report.failures).toMatchObject([{ revision: "0001_a", committed: "none" }]);
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });
});

test("a quiet gate says in one line what is pending, and what would stop the run, and nothing else", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a ();" });
  const godwit = commandIn({ folder, url: db.url });
  const pending = await godwit.fails(1, "status", "--check", "--quiet");
  expect(pending.stdout).toBe("");
  expect(pending.stderr).toMatch(/^warning: \S+ is not up to date: 0001_a \(pending\)\n$/);
  await godwit("up");
  const fine = await godwit("status", "--check", "--quiet");
  expect(fine.stdout + fine.stderr).toBe("");
  await db.sql("create table c (id int); create index ix on c (id)");
  await db.admin("update pg_index set indisvalid = false where indexrelid = 'ix'::regclass");
  const left = await godwit.fails(1, "status", "--check", "--quiet");
  expect(left.stderr).toMatch(
    /Index public\.ix is invalid[\s\S]*\nwarning: \S+ is not up to date: an index is invalid\n$/,
  );
  await db.sql("drop table c");
  writeFiles(folder, { "migrations/0001_a.sql": "create table b ();" });
  const { stdout, stderr } = await godwit.fails(1, "status", "--check", "--quiet");
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: .*0001_a.*\[PLAN_EDITED\]\n/);
});

test("a failure of a dry run that is uncertain does not say that its file is wrong", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a (i int);",
    "migrations/0002_v.sql": "vacuum a; create table b (i int);",
    "migrations/0003_u.sql": "insert into b values (1);",
  });
  const { json } = await commandIn({ folder, url: db.url })("up", "--dry-run", "--json");
  const [failure] = json.report.failures;
  expect(failure).toMatchObject({ revision: "0003_u", uncertain: true });
  expect(failure.problem.hint).toMatch(/not carried out before it: 0002_v\. 0003_u\.sql may be right/);
  expect(failure.problem.hint).not.toMatch(/correct 0003_u/);
});
