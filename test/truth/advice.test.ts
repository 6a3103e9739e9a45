/** What a failure advises is about the file that ran, and about what is so. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const raise = (code: string, more = "") =>
  `do $$ begin raise exception 'no' using errcode = '${code}'${more}; end $$;`;

describe("the advice of a failure", () => {
  test("names the file of the way back where each direction has its own", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.up.sql": "select 1;",
      "migrations/0001_a.down.sql": "select 1;\nselect nothing;",
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const { json, stderr } = await godwit.fails(1, "down", "base", "--json");
    expect(json.problems[0].hint).toContain("correct 0001_a.down.sql, then run again");
    expect(stderr).not.toContain("0001_a.up.sql");
  });

  test.for<[string, string]>([
    ["a privilege that is raised", raise("42501")],
    ["an error with a hint of its own", raise("P0001", ", hint = 'Ask somebody.'")],
    ["a privilege that is missing", "create role somebody;"],
    [
      "the end of a transaction in a block",
      "-- godwit: transaction=on\nselect 1;\ndo $$ begin commit; end $$;",
    ],
  ])("says what was kept of %s", async ([, text], { db }) => {
    const { error } = await refusalOf(
      up(targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": text }) })),
    );
    expect(error.hint).toContain("It was rolled back; nothing of it was kept");
    if (text.includes("42501")) expect(error.hint).not.toContain("Grant");
  });

  test.for<[string, string]>([
    ["a BEGIN", "begin;\nselect 1;\ncommit;"],
    [
      "a block that cannot commit",
      "select 1;\ndo $$ begin begin commit; exception when plpgsql_error then null; end; end $$;",
    ],
  ])("does not offer transaction=off to %s where it is said already", async ([, text], { db }) => {
    const folder = folderOf({ "0001_a.sql": `-- godwit: transaction=off\n${text}` });
    const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
    expect(error.hint).not.toMatch(/begin the file with|For statements outside/);
  });
});

test("a module whose COMMIT was answered with a ROLLBACK is not applied", async ({ db }) => {
  const text = `export default { transaction: false, async up({ execute }: any) {
    await execute("begin"); await execute("create table a ()");
    await execute("select nothing").catch(() => {});
    await execute("commit").catch(() => {}); } };`;
  const { error } = await refusalOf(up(targetOf({ url: db.url, folder: folderOf({ "0001_a.ts": text }) })));
  expect(error).toMatchObject({
    code: "STEP_ENDED_TRANSACTION",
    message: expect.stringContaining("the server answered with ROLLBACK"),
    report: { failures: [{ committed: "none" }] },
  });
  expect(await db.sql(`select from "${ledgerSchema}".migration_history`)).toEqual([]);
});

test.for<[string, string]>([
  [
    "0001_a.ts",
    `export default { transaction: false, async up({ execute }: any) { await execute("create table a ()"); throw new Error("late"); } };`,
  ],
  ["0001_a.sql", "do $$ begin commit; raise 'half'; end $$;"],
])("status tells of a half-done %s what up tells", async ([file, text], { db }) => {
  const godwit = commandIn({ folder: folderOf({ [`migrations/${file}`]: text }), url: db.url });
  await godwit.fails(1, "up");
  const { json } = await godwit.fails(1, "up", "--json");
  expect(json.problems).toMatchObject([{ code: "PLAN_PARTIAL" }]);
  const status = await godwit.fails(1, "status", "--json");
  expect(status.json.problems).toEqual(json.problems);
});

test("repair tells of the history of another tool that it wrote as well", async ({ db }) => {
  const DIR = ["--dir", "supabase/migrations"];
  const folder = folderOf({
    "supabase/config.toml": 'project_id = "test"\n',
    "supabase/migrations/20240101000000_a.sql": "select 1;",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", ...DIR);
  const { stdout } = await godwit("repair", ...DIR, "--forget", "20240101000000_a", "--confirm", db.name);
  expect(stdout).toContain(`the ledger of ${db.name} and the history of Supabase`);
  expect(await db.sql("select from supabase_migrations.schema_migrations")).toEqual([]);
});
