/** Alembic refuses a table in which one row is an ancestor of another: none is written beside a descendant's row. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { alembicProject } from "../support/alembic-project.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { recorder, targetOf, UP, up } from "../support/target.ts";
import { without, withoutPython } from "../support/tools.ts";

const missing = without("Alembic", "/usr/bin/alembic", "--version") || withoutPython("psycopg2", "psycopg2");
const IDS = ["1aa1", "1aa2", "1aa3"];

async function scene(db: TestDatabase, to: number) {
  const folder = alembicProject(IDS);
  const alembic = async (...args: readonly string[]) => {
    const env = { PATH: process.env.PATH ?? "", TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" };
    const { stdout } = await promisify(execFile)("/usr/bin/alembic", [...args], { cwd: folder, env });
    return stdout;
  };
  await db.sql("create table alembic_version (version_num varchar(32) primary key)");
  for (const id of IDS.slice(0, to)) await db.sql(`create table t_${id} (id int)`);
  await db.sql(`insert into alembic_version values ('${IDS[to - 1]}')`);
  const target = targetOf({ url: db.url, folder: join(folder, "sql"), settings: { mirror: "alembic" } });
  await adopt(target, ADOPT, recorder());
  const say = (kind: "forget" | "mark-done", revision: string) =>
    repair(
      target,
      kind === "forget" ? { kind, revision } : { kind, revision, position: null },
      { confirm: db.name },
      recorder(),
    );
  return { target, alembic, say };
}

const rowsOf = async (db: TestDatabase) =>
  (await db.sql("select version_num from alembic_version order by 1")).map(({ version_num }) => version_num);

describe.skipIf(missing)(`Alembic${missing ? `: ${missing}` : ""}`, () => {
  test("an ancestor that was forgotten is marked as done: its head's row says so already", async ({ db }) => {
    const { target, alembic, say } = await scene(db, 2);
    await say("forget", "1aa1");
    expect((await say("mark-done", "1aa1")).told).toBeNull();
    expect(await rowsOf(db)).toEqual(["1aa2"]);
    await alembic("upgrade", "head");
    expect(await rowsOf(db)).toEqual(["1aa3"]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("one in the middle is forgotten and runs again: the head stays the only row", async ({ db }) => {
    const { target, alembic, say } = await scene(db, 3);
    await db.sql("drop table t_1aa2");
    await say("forget", "1aa2");
    // With the middle gone from our ledger, only the files say that the head stands on the first one.
    expect((await refusalOf(say("mark-done", "1aa1"))).error.message).toContain("is applied already");
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["1aa2"]);
    expect(await rowsOf(db)).toEqual(["1aa3"]);
    expect(await alembic("current")).toContain("1aa3");
    await alembic("downgrade", "-1");
    expect(await rowsOf(db)).toEqual(["1aa2"]);
  });

  test("what is applied under a head is not marked once more", async ({ db }) => {
    const { say } = await scene(db, 3);
    expect((await refusalOf(say("mark-done", "1aa1"))).codes).toEqual(["REPAIR_REFUSED"]);
    expect(await rowsOf(db)).toEqual(["1aa3"]);
  });

  test("a head is not marked as done over a pending one, which it would imply", async ({ db }) => {
    const { target, say } = await scene(db, 1);
    await db.sql("create table t_1aa3 (id int)");
    const { codes, error } = await refusalOf(say("mark-done", "1aa3"));
    expect(codes).toEqual(["REPAIR_REFUSED"]);
    expect(error.hint).toContain("`godwit up 1aa2` if it is not");
    await up(target, recorder(), { goal: { ...UP.goal, to: "1aa2" } });
    await say("mark-done", "1aa3");
    expect(await rowsOf(db)).toEqual(["1aa3"]);
  });
});
