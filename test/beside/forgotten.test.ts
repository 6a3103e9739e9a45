/** What our ledger remembered of the tool's history is lost: then nothing is told to the tool by a guess. */
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;
const MEMORY = `"${ledgerSchema}".migration_tool_rows`;

async function scene(db: TestDatabase, lose: string) {
  const folder = folderOf({
    "0001_a.sql": file("a"),
    "0002_b.sql": file("b"),
    "0003_c.sql": file("c"),
  });
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  await up(target);
  // As dbmate takes them back.
  await db.sql("drop table b, c; delete from schema_migrations where version > '0001'");
  await db.sql(lose);
  return target;
}

const versions = async (db: TestDatabase) =>
  (await db.sql("select version from schema_migrations order by 1")).map(({ version }) => version);
const say = (
  db: TestDatabase,
  target: Awaited<ReturnType<typeof scene>>,
  kind: "forget" | "mark-done",
  revision: string,
) =>
  repair(
    target,
    kind === "forget" ? { kind, revision } : { kind, revision, position: null },
    { confirm: db.name },
    recorder(),
  );

describe("migration_tool_rows was emptied", () => {
  test("what was taken back there is asked about, and not written again", async ({ db }) => {
    const target = await scene(db, `truncate ${MEMORY}`);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.message).toContain("0002_b, 0003_c are applied here and not in the history of dbmate");
    expect(await versions(db)).toEqual(["0001"]);
    // A word about one of them says nothing of the other.
    await say(db, target, "forget", "0003_c");
    await db.sql("create table b ()");
    expect((await refusalOf(up(target))).error.message).toContain("0002_b is applied here");
    await say(db, target, "mark-done", "0002_b");
    expect(await versions(db)).toEqual(["0001", "0002"]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0003_c"]);
    expect(await versions(db)).toEqual(["0001", "0002", "0003"]);
    expect((await up(target)).warnings).toEqual([]);
  });

  test("marking one as done does not let the others be told", async ({ db }) => {
    const target = await scene(db, `truncate ${MEMORY}`);
    await say(db, target, "mark-done", "0003_c");
    expect((await refusalOf(up(target))).error.message).toContain("0002_b is applied here");
    await say(db, target, "forget", "0002_b");
    expect(await appliedIn(db)).toEqual(["0001_a", "0003_c"]);
    expect(await versions(db)).toEqual(["0001", "0003"]);
  });

  test("all of it may be declared at once", async ({ db }) => {
    const target = await scene(db, `truncate ${MEMORY}`);
    await baseline(target, "0003_c", recorder());
    expect(await versions(db)).toEqual(["0001", "0002", "0003"]);
    expect((await up(target)).steps).toEqual([]);
  });
});

test("migration_tool_rows was dropped: refused, rebuilt, and then asked about", async ({ db }) => {
  const target = await scene(db, `drop table ${MEMORY}`);
  expect((await refusalOf(up(target))).codes).toEqual(["LEDGER_DAMAGED"]);
  await repair(target, { kind: "rebuild" }, { confirm: db.name }, recorder());
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  expect(await versions(db)).toEqual(["0001"]);
});

test.for([["dbmate"], [null]] as const)(
  "mirrored: %s: forgotten after its row was removed, and applied there again, it is the tool's doing",
  async ([mirror], { db }) => {
    const folder = folderOf({ "0001_a.sql": file("a"), "0002_b.sql": file("b") });
    const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror } });
    await db.sql(`create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0001'), ('0002');
      create table a (); create table b ()`);
    await adopt(target, { assume: false, dryRun: false }, recorder());
    await db.sql("drop table b; delete from schema_migrations where version = '0002'");
    await say(db, target, "forget", "0002_b");
    await db.sql("create table b (); insert into schema_migrations values ('0002')");
    if (mirror === null) expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    else expect((await up(target)).steps).toEqual([]);
  },
);

test("marked as done although its row is gone, and then applied there, it is said that both did", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": file("a"), "0002_b.sql": file("b") });
  const target = await targetIn("dbmate", { url: db.url, folder });
  await db.sql(`create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0001'), ('0002');
    create table a (); create table b ()`);
  await adopt(target, { assume: false, dryRun: false }, recorder());
  await db.sql("delete from schema_migrations where version = '0002'");
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  await say(db, target, "mark-done", "0002_b");
  expect((await up(target)).warnings).toEqual([]);
  await db.sql("insert into schema_migrations values ('0002')");
  const { warnings } = await up(target);
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining("0002_b was applied here, and since then dbmate says that it has applied it too"),
  ]);
  expect((await up(target)).warnings).toEqual([]);
});
