/** A way back that stopped in the middle is finished by the command that the refusal names. */
import { describe } from "vitest";
import { type Command, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const states = async (db: TestDatabase) =>
  Object.fromEntries(
    (
      await db.sql<{ revision: string; state: string }>(
        `select revision, state from "${ledgerSchema}".migration_history order by sequence`,
      )
    ).map(({ revision, state }) => [revision, state]),
  );

/** Its way back stops behind the first statement for as long as there is no table `ready`. */
const stopping = (table: string, directives = "") =>
  `-- godwit: transaction=off ${directives}\n-- migrate:up\ncreate table ${table} ();\n-- migrate:down\ndrop table ${table};\ncomment on table ready is 'x';`;

const plain = (table: string, directives = "") =>
  `${directives}-- migrate:up\ncreate table ${table} ();\n-- migrate:down\ndrop table ${table};`;

async function follow(godwit: Command, said: string): Promise<void> {
  const [, command = ""] = /with `godwit (down \S+)`/.exec(said) ?? [];
  expect(command).not.toBe("");
  await godwit(...command.split(" "));
}

describe("with a revision of another branch applied behind it", () => {
  for (const command of [["up"], ["status", "--check"], ["baseline", "head"]])
    test(`${command.join(" ")} names the way back that leads there`, async ({ db }) => {
      const folder = folderOf({
        "migrations/r.sql": plain("r"),
        "migrations/x.sql": plain("x", "-- godwit: revises=r\n"),
        "migrations/y.sql": stopping("y", "revises=x"),
        "migrations/z.sql": plain("z", "-- godwit: revises=r\n"),
      });
      const godwit = commandIn({ folder, url: db.url });
      await godwit("up", "y");
      await godwit("up", "z");
      await godwit.fails(1, "down", "x");
      expect(await states(db)).toEqual({ r: "applied", x: "applied", y: "reverting", z: "applied" });
      const { stderr, stdout } = await godwit.fails(1, ...command);
      await db.sql("create table ready ()");
      await follow(godwit, stdout + stderr);
      expect(await states(db)).toEqual({ r: "applied", x: "applied", z: "applied" });
    });
});

describe("a repeatable whose way back stopped", () => {
  const files = {
    "migrations/0001_a.sql": plain("a"),
    "migrations/0002_b.sql": plain("b"),
    "migrations/repeatable/c.sql": stopping("c"),
  };

  test("is finished by the command that up names, which takes nothing else back", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(files), url: db.url });
    await godwit("up");
    await godwit.fails(1, "down", "-1");
    expect((await states(db)).c).toBe("reverting");
    const { stderr } = await godwit.fails(1, "up");
    await db.sql("create table ready ()");
    await follow(godwit, stderr);
    expect(await states(db)).toEqual({ "0001_a": "applied", "0002_b": "applied" });
    await godwit("up");
    expect((await states(db)).c).toBe("applied");
  });

  test("is finished by the same down, before what was asked for", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(files), url: db.url });
    await godwit("up");
    await godwit.fails(1, "down", "-1");
    await db.sql("create table ready ()");
    const { json } = await godwit("down", "-1", "--json");
    expect(json.report.steps.map(({ revision }: { revision: string }) => revision)).toEqual(["c", "0002_b"]);
    expect(await states(db)).toEqual({ "0001_a": "applied" });
  });
});

test("a statement that cannot be judged is looked for in the file of the way back", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.up.sql": "create table a ();",
    "migrations/0001_a.down.sql":
      "-- godwit: transaction=off\ndrop table a;\ndo $$ begin commit; perform pg_sleep(600); end $$;",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const running = godwit.start("down", "base");
  const pid = await until(async () => {
    const [row] = await db.admin<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'",
    );
    return row?.pid;
  });
  running.child.kill("SIGKILL");
  await running.ended;
  await db.admin("select pg_terminate_backend($1, 10000)", [pid]);
  const { json } = await godwit.fails(1, "down", "base", "--json");
  expect(json.problems[0]).toMatchObject({
    code: "PLAN_PARTIAL",
    message: expect.stringContaining("statement 2 of 0001_a.down.sql"),
    place: { file: "0001_a.down.sql", line: 3 },
  });
});

test("a way back that leaves something running is not said to be in the ledger", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect pg_sleep(1);",
    "migrations/0002_b.js":
      "export async function up() {}\nexport async function down({ sql }) { setTimeout(() => sql`create table late ()`, 400); }",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const { json } = await godwit.fails(1, "down", "base", "--json");
  const [problem] = json.problems;
  expect(problem.code).toBe("STEP_LEFT_BEHIND");
  expect(problem.hint).toContain("its migration is out of the ledger");
  expect(await states(db)).toEqual({});
});
