/**
 * What people get wrong with their files: every time a clear error with a next step, and a database in which
 * nothing was changed.
 */
import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import type { ErrorCode } from "../src/errors.ts";
import { openLedger } from "../src/ledger/ledger.ts";
import type { Target } from "../src/run/session/target.ts";
import type { Source } from "../src/source/source.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { type Refusal, refusalOf } from "./support/refusal.ts";
import { stateOf } from "./support/state.ts";
import { type Files, folderOf, targetOf, UP, up, writeFiles } from "./support/target.ts";

const GOOD: Files = { "0001_first.sql": "create table first (id int);" };

/** Runs it; whatever it says, neither objects nor rows nor ledger may have changed. */
async function refusedBy(db: TestDatabase, target: Target, options: Parameters<typeof up>[2] = {}) {
  const before = await stateOf(db.admin);
  const refusal = await refusalOf(up(target, undefined, options));
  expect(await stateOf(db.admin)).toEqual(before);
  for (const { message, hint } of refusal.problems) {
    expect(message, "a sentence").toMatch(/\.$/);
    expect(hint, `the next step after: ${message}`).toBeTruthy();
  }
  return refusal;
}

/** The same where the migration was begun: all of it was rolled back, and the log says what failed. */
async function failedBy(db: TestDatabase, target: Target): Promise<Refusal> {
  const before = await stateOf(db.admin);
  const refusal = await refusalOf(up(target));
  const { ledger, ...after } = await stateOf(db.admin);
  expect(after).toEqual({ schema: before.schema, rows: before.rows });
  expect(ledger.filter((line) => /^(?:history|statement)/.test(line))).toEqual([]);
  expect(ledger).toContain(`log 1 failed ${refusal.error.report?.failures[0]?.revision} up`);
  return refusal;
}

const targetWith = (db: TestDatabase, files: Files, settings = {}) =>
  targetOf({ url: db.url, folder: folderOf(files), settings });

describe("the folder", () => {
  test("is missing, is a file, is a link to nowhere, is empty", async ({ db }) => {
    const parent = folderOf({ "file.sql": "select 1;", "empty/README.md": "", "other/0001_a/up.sql": "" });
    symlinkSync(join(parent, "nowhere"), join(parent, "link"));
    for (const [folder, code] of [
      ["missing", "SOURCE_FOLDER_MISSING"],
      ["file.sql", "SOURCE_FOLDER_UNREADABLE"],
      ["link", "SOURCE_FOLDER_MISSING"],
      ["empty", "SOURCE_FOLDER_EMPTY"],
      ["other", "SOURCE_FOLDER_EMPTY"],
    ] as const) {
      const { codes, error } = await refusedBy(db, targetOf({ url: db.url, folder: join(parent, folder) }));
      expect(codes, folder).toEqual([code]);
      expect(error.message).toContain(join(parent, folder));
    }
  });

  test("may not be read", async ({ db }) => {
    const folder = folderOf(GOOD);
    chmodSync(folder, 0);
    const target = targetOf({ url: db.url, folder });
    const { codes, error } = await refusedBy(db, { ...target, source: asNobody(target.source) });
    expect(codes).toEqual(["SOURCE_FOLDER_UNREADABLE"]);
    expect(error.message).toContain("permission is denied");
  });

  test("has a file that is a link to nowhere", async ({ db }) => {
    const folder = folderOf(GOOD);
    symlinkSync(join(folder, "nowhere"), join(folder, "0002_link.sql"));
    const { problems } = await refusedBy(db, targetOf({ url: db.url, folder }));
    expect(problems).toMatchObject([{ place: { file: "0002_link.sql" } }]);
  });
});

describe("a file that is wrong is named with its place, and nothing runs", () => {
  const cases: readonly (readonly [string, Files, object])[] = [
    [
      "two files with one id",
      { "0002_b.sql": "select 1;", "0002_b.ts": "export function up() {}" },
      { code: "PLAN_BROKEN_FILE", details: { revision: "0002_b", code: "SOURCE_DUPLICATE_ID" } },
    ],
    [
      "a cycle",
      {
        "0002_b.sql": "-- godwit: depends=0003_c\nselect 1;",
        "0003_c.sql": "-- godwit: depends=0002_b\nselect 1;",
      },
      { code: "GRAPH_CYCLE", details: { cycle: ["0002_b", "0003_c"] } },
    ],
    [
      "an unknown parent, with a suggestion",
      { "0002_b.sql": "-- godwit: depends=0001_frist\nselect 1;" },
      {
        code: "GRAPH_UNKNOWN_PARENT",
        place: { file: "0002_b.sql" },
        hint: expect.stringContaining("Did you mean 0001_first?"),
      },
    ],
    [
      "an unknown directive, with a suggestion",
      { "0002_b.sql": "-- What it is for.\n-- godwit: lock_timeout=1s\nselect 1;" },
      {
        code: "PLAN_BROKEN_FILE",
        details: { code: "SOURCE_DIRECTIVE_UNKNOWN" },
        place: { file: "0002_b.sql", line: 2, column: 12 },
        hint: expect.stringContaining("lock-timeout"),
      },
    ],
    [
      "a directive's value",
      { "0002_b.sql": "-- godwit: phase=later\nselect 1;" },
      {
        details: { code: "SOURCE_DIRECTIVE_INVALID" },
        place: { line: 1 },
        hint: expect.stringContaining("startup"),
      },
    ],
    [
      "a module without up",
      { "0002_b.ts": "export const upp = () => {};" },
      { details: { code: "SOURCE_MODULE_WITHOUT_UP" }, place: { file: "0002_b.ts" } },
    ],
    [
      "a module that throws when it is loaded",
      { "0002_b.ts": "export function up() {}\n\nthrow new Error('no shop');" },
      { message: expect.stringContaining("no shop"), place: { file: "0002_b.ts", line: 3 } },
    ],
    [
      "a module with a syntax error",
      { "0002_b.ts": "export function up() {\n  const a: = 1;\n}" },
      { details: { code: "SOURCE_MODULE_BROKEN" }, place: { file: "0002_b.ts", line: 2 } },
    ],
    [
      "a string that is never closed",
      { "0002_b.sql": "select 1;\nselect 'oh;" },
      { code: "SOURCE_PARSE", place: { file: "0002_b.sql", line: 2, column: 8 } },
    ],
    [
      "COMMIT",
      { "0002_b.sql": "create table b ();\n  commit;\ncreate table c ();" },
      { code: "SOURCE_TRANSACTION_CONTROL", place: { file: "0002_b.sql", line: 2, column: 3 } },
    ],
    [
      "BEGIN",
      { "0002_b.sql": "begin;\ncreate table b ();\nend;" },
      {
        code: "SOURCE_TRANSACTION_CONTROL",
        place: { line: 1, column: 1, excerpt: expect.stringContaining("^") },
      },
    ],
    [
      "rows for COPY",
      { "0002_b.sql": "copy first from stdin;\n1\n\\.\n" },
      { code: "SOURCE_COPY_FROM_STDIN", place: { line: 1 } },
    ],
    [
      "a command of psql",
      { "0002_b.sql": "\\i other.sql\n" },
      { code: "SOURCE_PSQL_COMMAND", place: { line: 1 } },
    ],
  ];
  test.for(cases)("%s", async ([, files, problem], { db }: { db: TestDatabase }) => {
    const { problems } = await refusedBy(db, targetWith(db, { ...GOOD, ...files }));
    expect(problems[0]).toMatchObject(problem);
  });

  test("Latin-1, with the place and the command that converts it", async ({ db }) => {
    const folder = folderOf(GOOD);
    writeFileSync(join(folder, "0002_b.sql"), Buffer.from("select 1;\nselect 'Bl\u00e4tter';", "latin1"));
    const { problems } = await refusedBy(db, targetOf({ url: db.url, folder }));
    expect(problems).toMatchObject([
      {
        details: { code: "SOURCE_FILE_ENCODING" },
        place: { line: 2, column: 11 },
        hint: expect.stringContaining("iconv"),
      },
    ]);
  });

  test("several heads, with the command that joins them", async ({ db }) => {
    const files = {
      "a.sql": "-- godwit: revises=none\nselect 1;",
      "b.sql": "-- godwit: revises=a\nselect 1;",
      "c.sql": "-- godwit: revises=a\nselect 1;",
    };
    const { codes, error } = await refusedBy(db, targetWith(db, files), { goal: { ...UP.goal, to: "head" } });
    expect(codes).toEqual(["GRAPH_SEVERAL_HEADS"]);
    expect(error.hint).toContain("godwit merge b c");
  });

  test("everything that is wrong is listed at once", async ({ db }) => {
    const { codes } = await refusedBy(
      db,
      targetWith(db, {
        "0001_a.sql": "-- godwit: phase=none\nselect 1;",
        "0002_b.ts": "export const x = 1;",
        "0003_c.down.sql": "select 1;",
        "0004_d.sql": "-- godwit: depends=9999_none\nselect 1;",
      }),
    );
    expect(codes.toSorted()).toEqual([
      "GRAPH_UNKNOWN_PARENT",
      "PLAN_BROKEN_FILE",
      "PLAN_BROKEN_FILE",
      "SOURCE_DOWN_WITHOUT_UP",
    ]);
  });

  test("line ends and byte order marks are none of these", async ({ db }) => {
    const target = targetWith(db, {
      "0001_a.sql": "\ufeff-- godwit: lock-timeout=1s\r\ncreate table a (\r\n  id int\r\n);\r\n",
      "0002_b.ts":
        "\ufeffexport async function up({ sql }: any) {\r\n  await sql`create table b ()`;\r\n}\r\n",
    });
    expect((await up(target)).steps).toHaveLength(2);
    const { problems } = await refusalOf(
      up(
        targetWith(
          db,
          { "0001_a.sql": "\ufeffselect 1;\r\nselect oops;\r\n", "0002_b.sql": "select 1;" },
          {},
        ),
      ),
    );
    expect(problems.map(({ code }) => code)).toContain("PLAN_EDITED");
  });
});

describe("files and ledger that do not fit together", () => {
  const THREE: Files = {
    "0001_a.sql": "create table a (id int);",
    "0002_b.sql": "create table b (id int);",
    "0004_d.sql": "create table d (id int);",
  };
  const applied = async (db: TestDatabase) => {
    const folder = folderOf(THREE);
    const target = targetOf({ url: db.url, folder });
    await up(target);
    return { folder, target };
  };

  test("edited, vanished and late files are told in one go", async ({ db }) => {
    const { folder, target } = await applied(db);
    writeFiles(folder, { "0001_a.sql": "create table a (id bigint);", "0003_c.sql": "create table c ();" });
    rmSync(join(folder, "0002_b.sql"));
    const { problems } = await refusedBy(db, target);
    expect(problems).toMatchObject([
      {
        code: "PLAN_EDITED",
        place: { file: "0001_a.sql" },
        hint: expect.stringContaining("--accept 0001_a"),
      },
      {
        code: "PLAN_VANISHED",
        place: { file: "0002_b.sql" },
        hint: expect.stringContaining("--forget 0002_b"),
      },
      { code: "PLAN_LATE", place: { file: "0003_c.sql" }, hint: expect.stringContaining("out-of-order") },
    ]);
  });

  test("the ledger of a newer Godwit", async ({ db }) => {
    const { folder, target } = await applied(db);
    writeFiles(folder, { "0005_e.sql": "create table e ();" });
    await db.sql(`update "${ledgerSchema}".migration_ledger set format = 99`);
    const { codes, error } = await refusedBy(db, target);
    expect(codes).toEqual(["LEDGER_NEWER"]);
    expect(error.message).toContain("99");
  });

  test("the ledger of another project, by its name and by its revisions", async ({ db }) => {
    const mine = targetOf({ url: db.url, folder: folderOf(THREE), settings: { project: "shop" } });
    await up(mine);
    const named = { ...mine, settings: { ...mine.settings, project: "blog" } };
    expect((await refusedBy(db, named)).error.message).toContain('"shop"');
    const unnamed = targetWith(db, { "0001_posts.sql": "create table posts ();" });
    expect((await refusedBy(db, unnamed)).codes).toEqual(["LEDGER_FOREIGN"]);
  });

  test("a ledger under another schema's name", async ({ db }) => {
    const { folder, target } = await applied(db);
    writeFiles(folder, { "0005_e.sql": "create table e ();" });
    const { codes, error } = await refusedBy(db, { ...target, ledger: openLedger("another") });
    expect(codes).toEqual(["LEDGER_ELSEWHERE"]);
    expect(error.hint).toContain(`--ledger-schema ${ledgerSchema}`);
  });
});

describe("SQL that the server refuses", () => {
  test("is shown with file, line, column, caret and the server's hint", async ({ db }) => {
    const text = "create table t (name text);\n\n  select 'Äß', nmae\n  from t;";
    const { error } = await failedBy(db, targetWith(db, { "0001_a.sql": text }));
    expect(error).toMatchObject({
      code: "STEP_FAILED",
      message: '0001_a.sql:3:16: column "nmae" does not exist',
      place: { file: "0001_a.sql", line: 3, column: 16 },
      hint: expect.stringContaining('"t.name"'),
    });
    const [line = "", caret = ""] = (error.place?.excerpt ?? "").split("\n");
    expect([...line][[...caret].indexOf("^")]).toBe("n");
  });

  test("is shown with the line of its statement where the server tells no position", async ({ db }) => {
    const text =
      "create table t (id int primary key);\ninsert into t values (1);\n\ninsert into t\nvalues (1);";
    const { error } = await failedBy(db, targetWith(db, { "0001_a.sql": text }));
    expect(error).toMatchObject({ code: "STEP_FAILED", place: { file: "0001_a.sql", line: 4 } });
  });

  test("inside a function is shown with the statement that called it", async ({ db }) => {
    const text = `create function f() returns int language plpgsql as $$
begin
  return (select nothing from nowhere);
end $$;

select f();`;
    const { error } = await failedBy(db, targetWith(db, { "0001_a.sql": text }));
    expect(error.message).toContain('relation "nowhere" does not exist');
    expect(error.place).toMatchObject({ file: "0001_a.sql", line: 6 });
    expect(JSON.stringify(error.details)).toContain("PL/pgSQL function f()");
  });

  test("outside a transaction keeps what was done before, and says so", async ({ db }) => {
    const text = "create table t (id int);\ncreate index concurrently i on t (idd);\nselect 1;";
    const target = targetWith(db, { "0001_a.sql": text });
    const { error } = await refusalOf(up(target));
    // The server tells no position here.
    expect(error).toMatchObject({
      place: { file: "0001_a.sql", line: 2 },
      report: { failures: [{ committed: "some" }] },
    });
    expect(await db.sql("select to_regclass('t') as t, to_regclass('i') as i")).toEqual([
      { t: "t", i: null },
    ]);

    writeFiles(target.source.folder, {
      "0001_a.sql": "create table t (id int);\nselect 1;\n  select idd\n  from t;\nvacuum t;",
    });
    expect((await refusalOf(up(target))).error.place).toMatchObject({ line: 3, column: 10 });
  });
});

describe("a module", () => {
  const module = (body: string): Files => ({
    "0001_a.ts": `export async function up({ sql, execute }: any) {
  await sql\`create table begun ()\`;
  ${body}
}`,
  });
  const cases: readonly (readonly [string, string, ErrorCode, RegExp])[] = [
    ["that throws", "throw new Error('no shop');", "STEP_FAILED", /0001_a\.ts failed: no shop/],
    ["that throws something that is no error", "throw 'no shop';", "STEP_FAILED", /no shop/],
    ["whose statement fails", "await sql`select oops`;", "STEP_FAILED", /"oops" does not exist/],
    [
      "whose statement fails and is swallowed",
      "try { await sql`select oops` } catch {}",
      "STEP_FAILED",
      /"oops" does not exist/,
    ],
    ["that never settles", "await new Promise(() => {});", "STEP_NEVER_SETTLED", /has not settled/],
    [
      "that ends its transaction",
      "await execute('commit');",
      "STEP_ENDED_TRANSACTION",
      /sends COMMIT, and a migration must not/,
    ],
  ];
  test.for(cases.slice(0, 5))("%s", async ([, body, code, message], { db }: { db: TestDatabase }) => {
    const target = targetWith(db, module(body), { idleTimeoutMs: 200 });
    const { error } = await failedBy(db, target);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.place?.file).toBe("0001_a.ts");
  });

  test.for([
    "sql`select oops`;",
    "sql`insert into begun default values`;",
    "execute('select pg_sleep(0.1)');",
  ])(
    "that does not await %s fails loudly, and nothing of it stays",
    async (body, { db }: { db: TestDatabase }) => {
      const { error } = await failedBy(db, targetWith(db, module(body)));
      expect(error).toMatchObject({
        code: "STEP_FAILED",
        hint: expect.stringMatching(/^Await every statement\. It was rolled back; nothing of it was kept/),
      });
    },
  );

  test("that ends its transaction is told so", async ({ db }) => {
    const [, body, code, message] = cases[5] ?? ["", "", "STEP_FAILED", /x/];
    const { error } = await refusalOf(up(targetWith(db, module(body))));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

/** Root may read everything: while it lists, this process is nobody. */
function asNobody(source: Source): Source {
  if (process.geteuid?.() !== 0) return source;
  return {
    ...source,
    async list() {
      process.seteuid?.(NOBODY);
      try {
        return await source.list();
      } finally {
        process.seteuid?.(0);
      }
    },
  };
}

const NOBODY = 65_534;
