/** A run that goes on behind a failure says all that failed, and how to run again. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const KILL = "select pg_terminate_backend(pg_backend_pid());";
const names = (list: readonly { readonly revision: string }[]) => list.map(({ revision }) => revision);

describe("--on-failure continue", () => {
  test("tells of every step that failed, and how the overtaken one is run again", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": "select 1;",
      "migrations/0002_b.sql": "select nothing;",
      "migrations/0003_c.sql": "select 1;",
      "migrations/0004_d.sql": "select 1 / 0;",
    });
    const godwit = commandIn({ folder, url: db.url });
    const { stderr, json } = await godwit.fails(1, "up", "--on-failure", "continue", "--json");
    for (const said of ["0002_b.sql:1:8", "0004_d.sql:1", "division by zero"]) expect(stderr).toContain(said);
    expect(json.report).toMatchObject({ remaining: [] });
    expect(names(json.report.failures)).toEqual(["0002_b", "0004_d"]);
    const [overtaken, last] = json.report.failures;
    expect(last.problem.hint).toContain("correct 0004_d.sql, then run again.");
    const [, command = ""] = /`godwit ([^`]+)`/.exec(overtaken.problem.hint) ?? [];
    expect(command).toBe("up --out-of-order");
    writeFiles(folder, { "migrations/0002_b.sql": "select 1;", "migrations/0004_d.sql": "select 1;" });
    await godwit.fails(1, "up");
    await godwit(...command.split(" "));
    expect(await appliedIn(db)).toEqual(["0001_a", "0003_c", "0002_b", "0004_d"]);
  });

  test("keeps what failed, and goes on, when a later step costs the connection", async ({ db }) => {
    await db.sql("create table tries (n serial)");
    const folder = folderOf({
      "migrations/0001_a.sql": "select nextval('tries_n_seq'); select 1 / 0;",
      "migrations/0002_b.sql": "select 1;",
      "migrations/0003_c.sql": KILL,
      "migrations/0004_d.sql": "select 1;",
    });
    const godwit = commandIn({ folder, url: db.url });
    const { json } = await godwit.fails(1, "up", "--on-failure", "continue", "--json");
    expect(json.problems).toMatchObject([{ message: expect.stringContaining("division by zero") }]);
    expect(names(json.report.failures)).toEqual(["0001_a", "0003_c"]);
    expect(json.report.failures[1].problem.message).toContain("The connection was lost twice while 0003_c");
    expect(names(json.report.steps)).toEqual(["0002_b", "0004_d"]);
    expect(json.report.remaining).toEqual([]);
    expect(await appliedIn(db)).toEqual(["0002_b", "0004_d"]);
    expect(await db.sql("select last_value::int as tried from tries_n_seq")).toEqual([{ tried: 1 }]);
  });
});
