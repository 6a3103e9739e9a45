/** A way back that stopped half-way: every hint leads to a ledger that says what is in the database. */
import { describe } from "vitest";
import { type Command, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const LEDGER = `"${ledgerSchema}"`;
const history = (db: TestDatabase) => db.sql(`select revision, state from ${LEDGER}.migration_history`);
const events = async (db: TestDatabase) =>
  (await db.sql<{ event: string }>(`select event from ${LEDGER}.migration_log order by id`)).map(
    ({ event }) => event,
  );

const MODULE = `export default { transaction: false,
  async up({ execute }: any) { await execute("create table a ()"); },
  async down({ execute }: any) { await execute("drop table a"); throw new Error("late"); } };`;

/** Two tables, of which the way back takes one away and then fails. */
const SCRIPT = (first: string, second: string) =>
  `-- godwit: transaction=off\n-- migrate:up\ncreate table a ();\n-- migrate:down\n${first};\n${second};`;

async function follow(godwit: Command, db: TestDatabase, said: string, wanted: RegExp): Promise<void> {
  const [, command = ""] = wanted.exec(said) ?? [];
  expect(command).not.toBe("");
  await godwit(...command.split(" "), "--confirm", db.name);
}

async function takenBack(godwit: Command, db: TestDatabase): Promise<void> {
  expect(await history(db)).toEqual([]);
  await godwit.fails(1, "status", "--check");
  await godwit("up");
  expect(await db.sql("select to_regclass('a') is not null as there")).toEqual([{ there: true }]);
}

describe("a module outside a transaction whose way back failed after its work", () => {
  test("is forgotten on the advice of every later run", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.ts": MODULE }), url: db.url });
    await godwit("up");
    const first = await godwit.fails(1, "down", "base");
    const second = await godwit.fails(1, "down", "base");
    for (const { stderr } of [first, second]) {
      expect(stderr).toContain("if it is reverted: `godwit repair --forget 0001_a`");
      expect(stderr).not.toContain("--mark-done");
    }
    expect(second.stderr).toContain("in the middle of the way back of 0001_a.ts");
    const { stderr } = await godwit.fails(1, "up");
    expect(stderr).toContain("PLAN_PARTIAL");
    await follow(godwit, db, second.stderr, /godwit (repair --forget [^\s;`.]+)/);
    await takenBack(godwit, db);
  });

  test("is out of the ledger when it is marked as done", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.ts": MODULE }), url: db.url });
    await godwit("up");
    await godwit.fails(1, "down", "base");
    const { stdout } = await godwit("repair", "--mark-done", "0001_a", "--confirm", db.name);
    expect(stdout).toContain("0001_a: its revert is marked as done.");
    expect((await events(db)).slice(-2)).toEqual(["reverted", "marked-done"]);
    await takenBack(godwit, db);
  });
});

describe("a file whose way back stopped behind its first statement", () => {
  test("and was edited there is forgotten on the advice of the refusal, and begins again", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.sql": SCRIPT("drop table a", "select nothing") });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    await godwit.fails(1, "down", "base");
    writeFiles(folder, { "migrations/0001_a.sql": SCRIPT("drop table if exists a", "select 1") });
    const { stderr } = await godwit.fails(1, "down", "base");
    expect(stderr).toContain("PLAN_PARTIAL_EDITED");
    expect(stderr).not.toContain("--mark-done");
    await follow(godwit, db, stderr, /godwit (repair --forget [^\s;`.]+)/);
    await takenBack(godwit, db);
    await godwit("down", "base");
    expect(await db.sql("select to_regclass('a') is not null as there")).toEqual([{ there: false }]);
  });

  test("is no baseline, and can be called one when it was taken back", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.sql": SCRIPT("drop table a", "select nothing") });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    await godwit.fails(1, "down", "base");
    const { stderr } = await godwit.fails(1, "baseline", "0001_a");
    await follow(godwit, db, stderr, /godwit (repair --forget [^\s;`.]+)/);
    await godwit("baseline", "0001_a");
    expect(await history(db)).toEqual([{ revision: "0001_a", state: "applied" }]);
  });
});
