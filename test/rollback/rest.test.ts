/** Where a rollback ends in the middle, its hint is the command that takes back the rest. The tests follow it. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";

const up = (name: string, down = `drop table ${name};`) =>
  `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\n${down}\n`;
const BAD = "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n";

const applied = async (db: TestDatabase) =>
  (
    await db.sql<{ revision: string }>(
      `select revision from "${ledgerSchema}".migration_history order by sequence`,
    )
  ).map(({ revision }) => revision);

/** The command in a hint. */
function commandOf(hint: string): readonly string[] {
  const [, command = ""] = /`godwit (down [^`]*)`/.exec(hint) ?? [];
  return command.split(" ");
}

const NEW: Files = {
  "migrations/0002_b.sql": up("b"),
  "migrations/0003_c.sql": up("c", "select 1 / 0;"),
  "migrations/0004_d.sql": up("d"),
  "migrations/0005_bad.sql": BAD,
};

test.for([
  ["onto an older run", { "migrations/0001_a.sql": up("a") }, "down 0001_a"],
  ["into an empty database", {}, "down base"],
  ["below a later one", { "migrations/0009_z.sql": up("z") }, "down -2"],
] as const)(
  "the way back of a run %s fails, and the rest is taken back",
  async ([, before, command], { db }) => {
    const folder = folderOf({ "package.json": "{}", ...before });
    const godwit = commandIn({ folder, url: db.url }).with({ GODWIT_OUT_OF_ORDER: "true" });
    if (Object.keys(before).length > 0) await godwit("up");
    const old = Object.keys(before).length > 0 ? await applied(db) : [];
    writeFiles(folder, NEW);
    const { json } = await godwit.fails(1, "up", "--rollback-on-failure", "--json");
    const { rollback } = json.report;
    expect(rollback).toMatchObject({ outcome: "failed", reverted: ["0004_d"], kept: ["0002_b", "0003_c"] });
    expect(rollback.problem.hint).toBe(
      `It was rolled back; nothing of it was kept: correct 0003_c.sql, then run \`godwit ${command}\`.`,
    );
    writeFiles(folder, { "migrations/0003_c.sql": up("c"), "migrations/0005_bad.sql": up("e") });
    await godwit(...commandOf(rollback.problem.hint));
    expect(await applied(db)).toEqual(old);
    await godwit("up", "--rollback-on-failure");
  },
);

test.for(["a signal", "the deadline"])(
  "%s ends a rollback, and the rest is taken back",
  async (what, { db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": up("a"),
      "migrations/0002_slow.sql": up("b", "select pg_sleep(60); drop table b;"),
      "migrations/0003_c.sql": up("c"),
      "migrations/0004_bad.sql": BAD,
    });
    const godwit = commandIn({ folder, url: db.url });
    const more = what === "a signal" ? [] : ["--timeout", "3s"];
    const run = godwit.start("up", "--rollback-on-failure", "--json", ...more);
    await run.says("0003_c reverted");
    if (what === "a signal") run.child.kill("SIGTERM");
    const { json } = await run.exits(1);
    const { rollback } = json.report;
    expect(rollback).toMatchObject({ outcome: "interrupted", kept: ["0001_a", "0002_slow"] });
    expect(rollback.problem.hint).toBe(
      "What is left of this run stays applied: `godwit down base` takes it back.",
    );
    writeFiles(folder, { "migrations/0002_slow.sql": up("b") });
    await godwit(...commandOf(rollback.problem.hint));
    expect(await applied(db)).toEqual([]);
  },
);
