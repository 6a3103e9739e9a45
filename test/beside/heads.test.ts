/** What Alembic took back is forgotten by us: its table keeps what Alembic itself left in it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { repair } from "../../src/run/repair.ts";
import { alembicProject } from "../support/alembic-project.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { recorder, targetOf, up } from "../support/target.ts";
import { without, withoutPython } from "../support/tools.ts";

const missing = without("Alembic", "/usr/bin/alembic", "--version") || withoutPython("psycopg2", "psycopg2");
const IDS = ["aa01", "aa02", "aa03"];

async function alembic(db: TestDatabase, cwd: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH ?? "", TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await promisify(execFile)("/usr/bin/alembic", [...args], { cwd, env });
  return stdout;
}

const rowsOf = async (db: TestDatabase) =>
  (await db.sql("select version_num from alembic_version order by 1")).map(({ version_num }) => version_num);

describe.skipIf(missing)(`Alembic${missing ? `: ${missing}` : ""}`, () => {
  const begin = async (db: TestDatabase) => {
    const folder = alembicProject(IDS);
    const target = targetOf({ url: db.url, folder: join(folder, "sql"), settings: { mirror: "alembic" } });
    await up(target);
    await alembic(db, folder, "downgrade", "aa01");
    return { folder, target };
  };

  test.for([
    ["in the order of the hint", ["aa03", "aa02"]],
    ["in another order", ["aa02", "aa03"]],
  ] as const)("taken back there, forgotten here %s: no heads overlap", async ([, order], { db }) => {
    const { folder, target } = await begin(db);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.hint).toMatch(/newest first: `godwit repair --forget aa03`, `godwit repair --forget aa02`/);
    for (const revision of order) {
      const report = await repair(target, { kind: "forget", revision }, { confirm: db.name }, recorder());
      expect(report.told).toBeNull();
      expect(await rowsOf(db)).toEqual(["aa01"]);
    }
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["aa02", "aa03"]);
    expect(await rowsOf(db)).toEqual(["aa03"]);
    await alembic(db, folder, "downgrade", "-1");
    expect(await rowsOf(db)).toEqual(["aa02"]);
  });

  test("still there, said of each, the oldest first: what is below is no head beside it", async ({ db }) => {
    const { folder, target } = await begin(db);
    await db.sql("create table t_aa02 (id int); create table t_aa03 (id int)");
    const done = (revision: string) =>
      repair(target, { kind: "mark-done", revision, position: null }, { confirm: db.name }, recorder());
    // Its row would answer for the one below it too.
    expect((await refusalOf(done("aa03"))).codes).toEqual(["REPAIR_REFUSED"]);
    await done("aa02");
    await done("aa03");
    expect(await rowsOf(db)).toEqual(["aa03"]);
    await alembic(db, folder, "upgrade", "heads");
    expect((await up(target)).steps).toEqual([]);
  });

  test("a head is forgotten: what it stood on is the head, and the middle of the line is not", async ({
    db,
  }) => {
    const folder = alembicProject(IDS);
    const target = targetOf({ url: db.url, folder: join(folder, "sql"), settings: { mirror: "alembic" } });
    await up(target);
    const forget = (revision: string) =>
      repair(target, { kind: "forget", revision }, { confirm: db.name }, recorder());
    expect((await forget("aa02")).told).toBeNull();
    expect(await rowsOf(db)).toEqual(["aa03"]);
    expect((await forget("aa03")).told).toBe("Alembic (public.alembic_version)");
    expect(await rowsOf(db)).toEqual(["aa02"]);
    expect((await alembic(db, folder, "current")).trim()).toContain("aa02");
  });
});
