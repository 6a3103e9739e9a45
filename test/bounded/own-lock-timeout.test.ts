/** The bound on lock waits is never taken away in silence: what does not name it does not change it, and what does is told. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, targetOf, up } from "../support/target.ts";

const SEE = "insert into seen select current_setting('lock_timeout')";

const seen = async (db: TestDatabase) =>
  (await db.sql<{ value: string }>("select value from seen")).map(({ value }) => value);

const module = (options: string, ...statements: readonly string[]) =>
  `export default { ${options} async up(db) { ${statements.map((text) => `await db.execute(${JSON.stringify(text)});`).join(" ")} } }`;

const RESET_IN_FUNCTION = "do $$ begin execute 'reset ' || 'all'; end $$";

describe("the run's own limit is back behind what takes it away without naming it", () => {
  test.for<[string, Files]>([
    ["RESET ALL in a file", { "0001_a.sql": `-- godwit: transaction=off\nreset all;\n${SEE};` }],
    ["a DO block in a file", { "0001_a.sql": `-- godwit: transaction=off\n${RESET_IN_FUNCTION};\n${SEE};` }],
    ["RESET ALL in a module", { "0001_a.ts": module("", "reset all", SEE) }],
    [
      "RESET ALL in a module outside a transaction",
      { "0001_a.ts": module("transaction: false,", "reset all", SEE) },
    ],
  ])("%s", async ([, files], { db }) => {
    await db.sql("create table seen (value text)");
    const report = await up(targetOf({ url: db.url, folder: folderOf(files) }));
    expect(await seen(db)).toEqual(["3s"]);
    expect(report.warnings).toEqual([]);
  });
});

describe("a step that sets a longer limit runs as it is written, and a warning names it", () => {
  test.for<[string, Files, string]>([
    [
      "as pg_dump writes it",
      { "0001_a.sql": `SET statement_timeout = 0;\nSET lock_timeout = 0;\n${SEE};` },
      "0001_a sets lock_timeout itself (SET lock_timeout = 0)",
    ],
    [
      "longer than the run",
      { "0001_a.sql": `set lock_timeout = '1min';\n${SEE};` },
      "(set lock_timeout = '1min')",
    ],
    [
      "with set_config",
      { "0001_a.sql": `select set_config('lock_timeout', '0', false);\n${SEE};` },
      "0001_a sets",
    ],
    ["RESET ALL in one transaction", { "0001_a.sql": `reset all;\n${SEE};` }, "(reset all)"],
    [
      "a function's own SET",
      {
        "0001_a.sql": `create function see() returns void language sql set lock_timeout = 0 as $$ ${SEE} $$;\nselect see();`,
      },
      "0001_a sets lock_timeout itself:",
    ],
    [
      "statement by statement",
      { "0001_a.sql": `-- godwit: transaction=off\nset lock_timeout to 0;\n${SEE};` },
      "(set lock_timeout to 0)",
    ],
    ["in a module", { "0001_a.ts": module("", "set lock_timeout = 0", SEE) }, "(set lock_timeout = 0)"],
  ])("%s", async ([, files, said], { db }) => {
    await db.sql("create table seen (value text)");
    const report = await up(targetOf({ url: db.url, folder: folderOf(files) }));
    expect(report.warnings).toMatchObject([
      { code: "STEP_LOCK_TIMEOUT", message: expect.stringContaining(said) },
    ]);
    expect(await seen(db)).not.toEqual(["3s"]);
  });
});

test.for([
  ["a shorter one", "set lock_timeout = '2s'; select 1;"],
  [
    "another role's",
    // In this database only: the role is that of all tests.
    "do $$ begin execute format('alter role %I in database %I set work_mem = 8192', current_user, current_database()); end $$;",
  ],
  ["one that only reads it", "show lock_timeout;"],
  ["one that is declared", "-- godwit: lock-timeout=none\nset lock_timeout = 0;"],
] as const)("%s is no reason for a warning", async ([, text], { db }) => {
  const folder = folderOf({ "0001_a.sql": text });
  expect((await up(targetOf({ url: db.url, folder }))).warnings).toEqual([]);
});

test("plan and --dry-run say it before up does, in text and JSON", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "\nset lock_timeout = 0;\nselect 1;" });
  const godwit = commandIn({ folder, url: db.url });
  const warning = {
    code: "STEP_LOCK_TIMEOUT",
    message:
      "0001_a sets lock_timeout itself (set lock_timeout = 0): --lock-timeout does not hold behind that.",
    place: { file: "0001_a.sql", line: 2 },
  };
  expect((await godwit("plan", "--json")).json.plan.warnings).toMatchObject([warning]);
  expect((await godwit("up", "--dry-run", "--json")).json.report.warnings).toMatchObject([warning]);
  expect((await godwit("up", "--json")).json.report.warnings).toMatchObject([warning]);
});

test("plan and --dry-run show it to people", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "set lock_timeout = 0;\nselect 1;" });
  const godwit = commandIn({ folder, url: db.url });
  for (const words of [["plan"], ["up", "--dry-run"]])
    expect((await godwit(...words)).stdout).toContain("0001_a sets lock_timeout itself");
});
