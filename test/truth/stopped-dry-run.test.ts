/** A dry run that must end says what it has tried, and that nothing of it is kept. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

/** It catches what cancels it, and goes on. */
const DEAF = `do $$ begin loop begin ${GATE.replace("select", "perform")} exit;
  exception when query_canceled then null; end; end loop; end $$;`;
const OTHERS = {
  "migrations/0001_a.sql": "create table a ();",
  "migrations/0003_c.sql": "create table c ();",
};
const moduleOf = (text: string) =>
  `export const up = async ({ execute }) => { await execute("create table b ()"); await execute(${JSON.stringify(text)}); };`;

const CASES: readonly (readonly [name: string, file: string, text: string])[] = [
  ["a statement", "0002_b.sql", `create table b (); ${GATE}`],
  ["a statement that obeys no cancel", "0002_b.sql", `create table b (); ${DEAF}`],
  ["a module", "0002_b.mjs", moduleOf(GATE)],
  ["a module whose statement obeys no cancel", "0002_b.mjs", moduleOf(DEAF)],
];
const DRY = ["up", "--dry-run", "--json", "--lock-timeout", "0"];

describe("a dry run that must end in", () => {
  for (const way of ["SIGINT", "deadline"] as const)
    test.for(way === "SIGINT" ? CASES : CASES.slice(0, 1))(
      `$0, by ${way}`,
      async ([, file, text], { db }) => {
        const gate = await closeGate(db);
        const folder = folderOf({ ...OTHERS, [`migrations/${file}`]: text });
        const godwit = commandIn({ folder, url: db.url });
        const running = godwit.start(...DRY, ...(way === "deadline" ? ["--timeout", "4s"] : []));
        await gate.reached();
        if (way === "SIGINT") running.child.kill("SIGINT");
        const { json, stderr } = await running.exits(way === "SIGINT" ? 130 : 1);
        expect(json.problems).toHaveLength(1);
        const [{ message, hint, code }] = json.problems;
        expect(code).toBe(way === "SIGINT" ? "INTERRUPTED" : "DEADLINE");
        expect(message).toMatch(/ended the dry run while 0002_b was tried\. A dry run keeps nothing\.$/);
        expect(hint).toBe("To try everything, run it again: it begins with the first migration.");
        expect(`${stderr}${JSON.stringify(json)}`).not.toMatch(/continues where|goes on where/);
        expect(json.report).toMatchObject({
          outcome: "interrupted",
          tried: ["0001_a"],
          notTried: [
            { revision: "0002_b", because: "the dry run was interrupted while it ran" },
            { revision: "0003_c", because: "the dry run was interrupted before it" },
          ],
          failures: [],
          failed: null,
        });
        await gate.open();
        await until(async () => {
          const rows = await db.admin(
            "select from pg_stat_activity where application_name like 'godwit run%' and datname = current_database()",
          );
          return rows.length === 0;
        });
        expect(await db.sql("select to_regclass('a') as a, to_regclass('b') as b")).toEqual([
          { a: null, b: null },
        ]);
        const { json: after } = await godwit(...DRY);
        expect(after.report.tried).toEqual(["0001_a", "0002_b", "0003_c"]);
      },
    );
});

test("a migration that ends its own session is named, and what was tried is in the report", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a (id int);",
    "migrations/0002_b.sql": "select pg_terminate_backend(pg_backend_pid());",
    "migrations/0003_c.sql": "create table c (id int);",
  });
  const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--dry-run", "--json");
  expect(json.problems).toMatchObject([{ code: "DATABASE_CONNECTION_LOST" }]);
  expect(json.problems[0].message).toContain("0002_b was tried. A dry run keeps nothing.");
  expect(json.problems[0].hint).toContain("a statement of 0002_b");
  expect(json.report).toMatchObject({
    outcome: "interrupted",
    tried: ["0001_a"],
    notTried: [{ revision: "0002_b" }, { revision: "0003_c" }],
  });
});
