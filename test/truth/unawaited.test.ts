/** What a module began and did not wait for, or never began, is a failure with a name. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const module = (code: string) => `export async function up({ sql, query, execute, schema }) {\n${code}\n}\n`;
const tables = async (db: TestDatabase) =>
  (
    await db.sql(
      "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    )
  ).map(({ relname }) => relname);

const NEVER = "never executed";
const RAN = "settled while";
const LATE = "after its function had settled";

describe("a module fails, and nothing of it is kept, where", () => {
  for (const [title, code, said] of [
    ["a builder is not awaited", 'schema.createTable("a").addColumn("a", "int4").execute();', RAN],
    [
      "a builder is awaited, but not executed",
      'await schema.createTable("a").addColumn("a", "int4");',
      NEVER,
    ],
    [
      "a callback of forEach is async",
      '["a", "b"].forEach(async (n) => { await schema.createTable(n).addColumn("a", "int4").execute(); });',
      RAN,
    ],
    [
      "the last of several is not awaited",
      'await sql`create table z (a int)`; schema.dropTable("z").execute();',
      RAN,
    ],
    [
      "what a loop derives from a builder is thrown away",
      'const t = schema.createTable("a"); for (const n of ["b", "c"]) t.addColumn(n, "int4"); await t.execute();',
      NEVER,
    ],
    [
      "a change of a table is not executed",
      'schema.withSchema("public").alterTable("x").renameTo("y");',
      NEVER,
    ],
    ["a statement comes some turns later", "setImmediate(() => sql`create table a ()`);", LATE],
    ["a statement comes from a timer", "setTimeout(() => sql`create table a ()`, 50);", LATE],
    [
      "a statement comes behind one that is not awaited",
      "(async () => { await sql`create table a ()`; await sql`create table b ()`; })();",
      RAN,
    ],
    ["a builder is executed by a timer", 'setTimeout(() => schema.createTable("a").execute(), 20);', LATE],
  ] as const)
    test(title, async ({ db }) => {
      const folder = folderOf({ "migrations/0001_a.js": module(code) });
      const godwit = commandIn({ folder, url: db.url });
      const { json } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0]).toMatchObject({
        code: "STEP_FAILED",
        message: expect.stringContaining(said),
        place: { file: "0001_a.js", line: 2 },
      });
      expect(json.report.failures).toMatchObject([{ revision: "0001_a", committed: "none" }]);
      expect(await tables(db)).toEqual([]);
    });
});

test("the same is refused in a script and in a dry run", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.js": module('schema.createTable("a").addColumn("a", "int4");'),
  });
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit.fails(1, "up", "--sql")).stderr).toContain(NEVER);
  expect((await godwit.fails(1, "up", "--dry-run")).stdout).toContain(NEVER);
});

test("builders that are executed, compiled, handed through $call or run at once are done", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.js": module(`
  const base = schema.createTable("a");
  await base.addColumn("id", "int4").$call((t) => t.addColumn("n", "int4", (c) => c.notNull())).execute();
  const { sql: text } = schema.createTable("b").addColumn("id", "int4").compile();
  await execute(text);
  await Promise.all(["c", "d"].map((n) => schema.withSchema("public").createTable(n).addColumn("id", "int4").execute()));
  await schema.alterTable("a").addColumn("m", "int4").execute();
  const idle = setTimeout(() => {}, 60_000);
  await sql\`select 1\`;`),
  });
  await commandIn({ folder, url: db.url })("up");
  expect(await tables(db)).toEqual(["a", "b", "c", "d"]);
});

test("a timer that is set for later than the run waits is told as a warning", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.js": module(
      "await sql`create table a ()`; setTimeout(() => sql`create table b ()`, 600_000);",
    ),
    "migrations/0002_b.js": module("await sql`create table c ()`;"),
  });
  const { stdout, stderr } = await commandIn({ folder, url: db.url })("up");
  const warnings = (stdout + stderr).match(/.*has settled and left a timer open.*/g);
  expect(warnings).toHaveLength(1);
  expect(await tables(db)).toEqual(["a", "c"]);
});

test.for([
  [
    "a thread",
    "new (await import('node:worker_threads')).Worker('setInterval(() => {}, 100)', { eval: true });",
  ],
  [
    "a thread",
    "new (await import('node:worker_threads')).Worker('setInterval(() => {}, 100)', { eval: true }).unref();",
  ],
  [
    "a process",
    "(await import('node:child_process')).spawn('sleep', ['5'], { stdio: 'ignore', detached: true }).unref();",
  ],
  ["a timer", "const again = () => setImmediate(again); again();"],
  ["a timer", "setInterval(() => {}, 10);"],
])("what it has left running is told as a warning: %s (%#)", async ([what, code], { db }) => {
  const text = module(`await sql\`create table a ()\`; ${code}`);
  const { stderr } = await commandIn({ folder: folderOf({ "migrations/0001_a.ts": text }), url: db.url })(
    "up",
  );
  expect(stderr).toContain(`warning: 0001_a: Its function has settled and left ${what} open`);
  expect(await tables(db)).toEqual(["a"]);
});

describe("when its step was committed already, the run fails and names it", () => {
  for (const [title, late, said] of [
    ["a statement", "sql`create table late ()`", "began a statement after its function had settled"],
    ["a throw", "(() => { throw new Error('oh'); })()", "0001_a.js"],
  ] as const)
    test(`for ${title} of a timer`, async ({ db }) => {
      const folder = folderOf({
        "migrations/0001_a.js": module(`setTimeout(() => ${late}, 400);`),
        "migrations/0002_b.sql": "select pg_sleep(1);",
      });
      const godwit = commandIn({ folder, url: db.url });
      const { json } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0]).toMatchObject({
        code: "STEP_LEFT_BEHIND",
        message: expect.stringContaining(said),
      });
      expect(json.report.steps).toHaveLength(2);
      expect(await tables(db)).toEqual([]);
    });
});
