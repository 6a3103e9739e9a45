/** What a failure says was kept is what is in the database, and its advice works. */
import { describe } from "vitest";
import { Interrupted } from "../../src/errors.ts";
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { refusalOf } from "../support/refusal.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const LEDGER = `"${ledgerSchema}"`;
const targetWith = (db: TestDatabase, files: Files) => targetOf({ url: db.url, folder: folderOf(files) });
const things = async (db: TestDatabase) =>
  (await db.sql<{ what: string }>("select what from effects order by what")).map(({ what }) => what);
const EFFECTS = "create table effects (what text)";
const add = (what: string) => `insert into effects values ('${what}')`;
const logged = async (db: TestDatabase) =>
  (
    await db.sql(
      `select details ->> 'committed' as committed from ${LEDGER}.migration_log where event = 'failed' order by id`,
    )
  ).at(-1);

describe("a file that runs statement by statement", () => {
  test("says how many are done and stay, and goes on at the corrected one", async ({ db }) => {
    await db.sql(EFFECTS);
    const text = (last: string) => `-- godwit: transaction=off\n${add("a")};\n${add("b")};\n${last};`;
    const target = targetWith(db, { "0001_a.sql": text("select nothing") });
    const { error } = await refusalOf(up(target));
    expect(error.hint).toContain("2 of the 3 statements of 0001_a.sql before line 4 are done and stay");
    expect(error.report).toMatchObject({ failures: [{ committed: "some" }] });
    expect(await logged(db)).toEqual({ committed: "some" });
    expect(await things(db)).toEqual(["a", "b"]);
    writeFiles(target.source.folder, { "0001_a.sql": text(add("c")) });
    await up(target);
    expect(await things(db)).toEqual(["a", "b", "c"]);
  });

  test("says that nothing was kept where its first statement fails, on a later run too", async ({ db }) => {
    await db.sql(EFFECTS);
    const target = targetWith(db, {
      "0001_a.sql": `-- godwit: transaction=off\nselect nothing;\n${add("a")};`,
    });
    for (const _again of [1, 2]) {
      const { error } = await refusalOf(up(target));
      expect(error.hint).toBe(
        "It was rolled back; nothing of it was kept: correct 0001_a.sql, then run again.",
      );
      expect(error.report).toMatchObject({ failures: [{ committed: "none" }] });
    }
    expect(await db.sql(`select from ${LEDGER}.migration_history`)).toEqual([]);
    writeFiles(target.source.folder, { "0001_a.sql": add("a") });
    await up(target);
    expect(await things(db)).toEqual(["a"]);
  });

  test("an edit of what is done is refused, and takes back nothing of the ledger", async ({ db }) => {
    await db.sql(EFFECTS);
    const text = (first: string, last: string) => `-- godwit: transaction=off\n${add(first)};\n${last};`;
    const target = targetWith(db, { "0001_a.sql": text("a", "select nothing") });
    await refusalOf(up(target));
    writeFiles(target.source.folder, { "0001_a.sql": text("other", "select 1") });
    const { error } = await refusalOf(up(target));
    expect(error).toMatchObject({
      code: "PLAN_PARTIAL_EDITED",
      report: { failures: [{ committed: "some" }] },
    });
    writeFiles(target.source.folder, { "0001_a.sql": text("a", "select 1") });
    await up(target);
    expect(await things(db)).toEqual(["a"]);
  });
});

test("a file of several own transactions calls done only those that were committed", async ({ db }) => {
  await db.sql(EFFECTS);
  const text = (last: string) => `begin;\n${add("a")};\ncommit;\nbegin;\n${add("b")};\n${last};\ncommit;\n`;
  const folder = folderOf({
    "migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "migrations/20240101000000_a/migration.sql": text("select nothing"),
  });
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit.fails(1, "up", "--json");
  expect(json.report.failures).toMatchObject([{ committed: "some", problem: { place: { line: 6 } } }]);
  expect(json.problems[0].hint).toContain("1 of the 2 transactions of");
  expect(json.problems[0].hint).toContain("before line 5 is done and stays");
  expect(await things(db)).toEqual(["a"]);
  writeFiles(folder, {
    "migrations/20240101000000_a/migration.sql": text("select 1").replace("('b')", "('c')"),
  });
  await godwit("up");
  expect(await things(db)).toEqual(["a", "c"]);
});

describe("a statement that commits for itself", () => {
  const block = (...steps: string[]) => `do $$ begin ${steps.join("; ")}; end $$`;
  const half = block(add("half"), "commit", "raise exception 'half'");

  test("and has done so is said to be unknown, and both ways out work", async ({ db }) => {
    await db.sql(EFFECTS);
    const folder = folderOf({ "migrations/0001_a.sql": `${add("a")};\n${half};\n${add("z")};` });
    const godwit = commandIn({ folder, url: db.url });
    const first = await godwit.fails(1, "up", "--json");
    expect(first.json.report.failures).toMatchObject([{ committed: "unknown" }]);
    expect(await logged(db)).toEqual({ committed: "unknown" });
    const hint: string = first.json.problems[0].hint;
    expect(hint).toContain("it may have kept a part of its work");
    expect(await things(db)).toEqual(["a", "half"]);
    writeFiles(folder, { "migrations/0001_a.sql": `${add("a")};\n${block("commit")};\n${add("z")};` });
    await godwit.fails(1, "up");
    await follow(godwit, db, hint, /`godwit (repair --retry [^`]+)`/);
    await godwit("up");
    expect(await things(db)).toEqual(["a", "half", "z"]);
  });

  test("can be called complete, and the file goes on behind it", async ({ db }) => {
    await db.sql(EFFECTS);
    const folder = folderOf({ "migrations/0001_a.sql": `${half};\n${add("z")};` });
    const godwit = commandIn({ folder, url: db.url });
    const { stderr } = await godwit.fails(1, "up");
    await follow(godwit, db, stderr, /`godwit (repair --mark-done [^`]+)`/);
    await godwit("up");
    expect(await things(db)).toEqual(["half", "z"]);
  });

  test.for([
    ["before its first commit", block("perform 1 / (select 0)", "commit", add("x"))],
    ["before it began", "do $$ begin commit; this is no statement; end $$"],
  ])("and failed %s has kept nothing, and is corrected like any other", async ([, text], { db }) => {
    await db.sql(EFFECTS);
    const target = targetWith(db, { "0001_a.sql": `${text};` });
    const { error } = await refusalOf(up(target));
    expect(error.report).toMatchObject({ failures: [{ committed: "none" }] });
    writeFiles(target.source.folder, { "0001_a.sql": `${block(add("x"), "commit")};` });
    await up(target);
    expect(await things(db)).toEqual(["x"]);
  });

  test("on the way back is decided about in the same way", async ({ db }) => {
    await db.sql(EFFECTS);
    const folder = folderOf({
      "migrations/0001_a.sql": `-- migrate:up\nselect 1;\n-- migrate:down\n${half};\n${add("z")};`,
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const { stderr } = await godwit.fails(1, "down", "base");
    await follow(godwit, db, stderr, /`godwit (repair --mark-done [^`]+)`/);
    await godwit("down", "base");
    expect(await things(db)).toEqual(["half", "z"]);
  });
});

describe("an interruption", () => {
  const stopped = new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM");
  test.for([
    ["in a transaction", "", "none", /It was rolled back; nothing of it was kept/],
    [
      "behind the first statements",
      "-- godwit: transaction=off\n",
      "some",
      /1 of the 3 statements .* is done and stays/,
    ],
  ] as const)("%s says what is there", async ([, head, committed, says], { db }) => {
    await db.sql(EFFECTS);
    const gate = await closeGate(db);
    const target = targetWith(db, {
      "0001_a.sql": `${head}${add("a")};\n${GATE}\n${add("z")};`,
      "0002_b.sql": "select 1;",
    });
    const context = recorder();
    const running = refusalOf(up({ ...target, settings: { ...target.settings, lockTimeoutMs: 0 } }, context));
    await gate.reached();
    context.abort(stopped);
    const { error } = await running;
    expect(error).toMatchObject({
      code: "INTERRUPTED",
      report: { outcome: "interrupted", failures: [{ committed }] },
    });
    expect(error.message).toMatch(says);
    expect(await things(db)).toEqual(committed === "none" ? [] : ["a"]);
    await gate.open();
    expect((await up(target)).outcome).toBe("done");
    expect(await things(db)).toEqual(["a", "z"]);
  });
});

test("a way back outside a transaction that fails at its first statement is as applied as before", async ({
  db,
}) => {
  const target = targetWith(db, {
    "0001_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nvacuum nothing;",
  });
  await up(target);
  for (const _again of [1, 2]) {
    const { error } = await refusalOf(migrate(target, down("base"), recorder()));
    expect(error.report).toMatchObject({ failures: [{ committed: "none" }] });
  }
  expect(await db.sql(`select state from ${LEDGER}.migration_history`)).toEqual([{ state: "applied" }]);
});

async function follow(godwit: ReturnType<typeof commandIn>, db: TestDatabase, said: string, wanted: RegExp) {
  const [, command = ""] = wanted.exec(said) ?? [];
  expect(command).not.toBe("");
  await godwit(...command.split(" "), "--confirm", db.name);
}
