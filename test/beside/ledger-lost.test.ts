/** A ledger that was lost in part, or restored in part: nothing is carried out a second time, and each way out leads on. */
import { describe } from "vitest";
import { baseline } from "../../src/run/baseline.ts";
import type { Repair } from "../../src/run/corrections.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { statusOf } from "../../src/run/status.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { stateOf } from "../support/state.ts";
import { down, type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";

const L = `"${ledgerSchema}"`;
const table = (name: string) =>
  `-- migrate:up\ncreate table ${name} (); create table t_${name} ();\n-- migrate:down\ndrop table ${name}, t_${name};`;
const FILES: Files = { "0001_a.sql": table("a"), "0002_b.sql": table("b"), "0003_c.sql": table("c") };

async function applied(db: TestDatabase, files: Files = FILES) {
  const folder = folderOf(files);
  const target = targetOf({ url: db.url, folder });
  await up(target);
  return { target, folder };
}

const fix = (db: TestDatabase, target: Target, request: Repair) =>
  repair(target, request, { confirm: db.name }, recorder());
const REBUILD: Repair = { kind: "rebuild" };

describe.for([
  ["migration_history", /has lost migration_history; .* 0001_a, 0002_b, 0003_c are applied/],
  ["migration_log", /has lost migration_log\.$/],
  ["migration_statements", /has lost migration_statements\.$/],
  ["migration_ledger", /has lost migration_ledger\.$/],
  ["migration_tool_rows", /has lost migration_tool_rows\.$/],
] as const)("%s was dropped", ([name, message]) => {
  test("every command is refused, changes nothing, and goes on when it was rebuilt", async ({ db }) => {
    const { target } = await applied(db);
    await db.sql(`drop table ${L}.${name}`);
    const before = await stateOf(db.admin).catch(() => null);
    for (const act of [
      () => up(target),
      () => migrate(target, down("-1"), recorder()),
      () => baseline(target, "0001_a", recorder()),
      () => statusOf(target, { ...UP, imports: async () => [] }, recorder()),
      () => fix(db, target, { kind: "forget", revision: "0001_a" }).then(() => up(target)),
    ].slice(0, name === "migration_history" ? 4 : 5)) {
      const { codes, error } = await refusalOf(act());
      expect(codes).toEqual(["LEDGER_DAMAGED"]);
      expect(error.message).toMatch(message);
      expect(error.hint).toContain("godwit repair --rebuild");
    }
    expect(await stateOf(db.admin).catch(() => null)).toEqual(before);

    const { rebuilt, left } = await fix(db, target, REBUILD);
    expect({ rebuilt, left }).toEqual({
      rebuilt: name === "migration_history" ? ["0001_a", "0002_b", "0003_c"] : [],
      left: [],
    });
    expect((await up(target)).steps).toEqual([]);
    expect((await migrate(target, down("-2"), recorder())).steps.map(({ revision }) => revision)).toEqual([
      "0003_c",
      "0002_b",
    ]);
    expect(await appliedIn(db)).toEqual(["0001_a"]);
    const { codes } = await refusalOf(fix(db, target, REBUILD));
    expect(codes).toEqual(["REPAIR_REFUSED"]);
  });
});

test("a row that the log knows better: refused, rebuilt in its place, and taken back in its order", async ({
  db,
}) => {
  const { target } = await applied(db);
  await db.sql(`delete from ${L}.migration_history where revision = '0002_b'`);
  const { codes, error } = await refusalOf(up(target));
  expect(codes).toEqual(["LEDGER_DAMAGED"]);
  expect(error.message).toContain("0002_b is applied");
  await fix(db, target, REBUILD);
  expect((await migrate(target, down("-1"), recorder())).steps).toMatchObject([{ revision: "0003_c" }]);
  expect((await migrate(target, down("-1"), recorder())).steps).toMatchObject([{ revision: "0002_b" }]);
});

test("emptied, and the migration is not there either: it may be forgotten, and runs again", async ({
  db,
}) => {
  const { target } = await applied(db, { "0001_a.sql": table("a") });
  await db.sql(`truncate ${L}.migration_history; drop table a, t_a`);
  const { error } = await refusalOf(up(target));
  expect(error.hint).toContain("godwit repair --forget 0001_a");
  await fix(db, target, { kind: "forget", revision: "0001_a" });
  expect((await up(target)).steps).toHaveLength(1);
});

test("a history that is older than the log: what was taken back since is asked about, each way leads on", async ({
  db,
}) => {
  const { target } = await applied(db);
  await db.sql(`create table old as select * from ${L}.migration_history`);
  await migrate(target, down("-2"), recorder());
  await db.sql(`truncate ${L}.migration_history; insert into ${L}.migration_history select * from old`);
  const { codes, error } = await refusalOf(migrate(target, down("-1"), recorder()));
  expect(codes).toEqual(["LEDGER_DAMAGED"]);
  expect(error.message).toContain(
    "says that 0003_c, 0002_b are applied, and the log that they were taken back",
  );
  await fix(db, target, { kind: "forget", revision: "0003_c" });
  await db.sql("create table b (); create table t_b ()");
  await fix(db, target, { kind: "mark-done", revision: "0002_b", position: null });
  expect((await up(target)).steps).toMatchObject([{ revision: "0003_c" }]);
  expect(await appliedIn(db)).toEqual(["0001_a", "0002_b", "0003_c"]);
});

test("without file and without a row nothing says what it was: it is left, and named", async ({ db }) => {
  const { folder } = await applied(db);
  await db.sql(`drop table ${L}.migration_history`);
  const { "0002_b.sql": _, ...files } = FILES;
  const target = targetOf({ url: db.url, folder: folderOf(files) });
  expect(await fix(db, target, REBUILD)).toMatchObject({ rebuilt: ["0001_a", "0003_c"], left: ["0002_b"] });
  const { error } = await refusalOf(up(target));
  expect(error.message).toContain("0002_b is applied");
  expect((await refusalOf(fix(db, target, REBUILD))).codes).toEqual(["LEDGER_DAMAGED"]);
  expect(await fix(db, targetOf({ url: db.url, folder }), REBUILD)).toMatchObject({ rebuilt: ["0002_b"] });
  expect((await up(target).catch((thrown) => thrown)).code).toBe("PLAN_VANISHED");
});

describe("half-way", () => {
  const half = async (db: TestDatabase) => {
    const target = targetOf({
      url: db.url,
      folder: folderOf({
        "0001_a.sql":
          "-- godwit: transaction=off\ncreate table a ();\nselect 1 / (select count(*) from one);",
      }),
    });
    await db.sql("create table one (n int)");
    await refusalOf(up(target));
    await db.sql("insert into one values (1)");
    return target;
  };

  test("its row is lost: what was done of it is not done again", async ({ db }) => {
    const target = await half(db);
    await db.sql(`truncate ${L}.migration_history`);
    const { error } = await refusalOf(up(target));
    expect(error.message).toContain("0001_a is half-way");
    await fix(db, target, REBUILD);
    expect((await up(target)).steps).toHaveLength(1);
  });

  test("its statements are lost: a person says how far it got, before anything is rebuilt", async ({
    db,
  }) => {
    const target = await half(db);
    await db.sql(`drop table ${L}.migration_statements`);
    for (const refused of [() => up(target), () => fix(db, target, REBUILD)])
      expect((await refusalOf(refused())).error).toMatchObject({
        code: "LEDGER_DAMAGED",
        hint: expect.stringContaining("godwit repair --mark-done 0001_a"),
      });
    await fix(db, target, { kind: "mark-done", revision: "0001_a", position: null });
    await fix(db, target, REBUILD);
    expect((await up(target)).steps).toEqual([]);
  });
});

test("history and log are both lost: the hint leads to a declared database", async ({ db }) => {
  const { target } = await applied(db);
  await db.sql(`drop table ${L}.migration_history, ${L}.migration_log`);
  const { error } = await refusalOf(fix(db, target, REBUILD));
  const command = /\((drop table .*;)\)/.exec(error.hint ?? "")?.[1] ?? "";
  await db.sql(command);
  await baseline(target, "0003_c", recorder());
  expect((await up(target)).steps).toEqual([]);
});

test("by the command: up --sql raises, doctor and history tell, repair --rebuild mends", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": table("a") });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const { stdout: script } = await godwit("up", "--sql", "--from", "base");
  await db.sql(`drop table ${L}.migration_history; drop table a, t_a`);
  expect((await godwit.fails(1, "doctor")).stdout).toContain("has lost migration_history");
  expect((await godwit("history", "--log")).stdout).toContain("applied 0001_a");
  await expect(db.sql(script.replaceAll(/^\\.*$/gm, ""))).rejects.toThrow("the ledger contradicts itself");
  await db.sql("rollback; select pg_advisory_unlock_all()");
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  const { stdout } = await godwit("repair", "--rebuild", "--confirm", db.name);
  expect(stdout).toContain("(their present texts count from now on): 0001_a");
  writeFiles(folder, { "migrations/0001_a.sql": `${table("a")} -- edited` });
  expect((await godwit("up")).stderr).toContain("edited");
});
