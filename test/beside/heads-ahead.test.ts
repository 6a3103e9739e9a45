/**
 * Alembic is ahead of our files: its head has no file here, so nobody knows what is below it. What is applied stays applied, and
 * what is pending is asked about. Alembic itself judges its table afterwards.
 */
import { execFile } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { preview, statusOf } from "../../src/run/status.ts";
import { alembicProject } from "../support/alembic-project.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { down, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { without, withoutPython } from "../support/tools.ts";

const missing = without("Alembic", "/usr/bin/alembic", "--version") || withoutPython("psycopg2", "psycopg2");
const IDS = ["aaa1", "bbb2", "ccc3", "ddd4"];
type Mirror = "alembic" | null;

function scene(db: TestDatabase, { here, mirror }: { here: number; mirror: Mirror }) {
  const folder = alembicProject(IDS);
  const [sql, later] = [join(folder, "sql"), join(folder, "later")];
  mkdirSync(later);
  const move = (ids: readonly string[], from: string, to: string) => {
    for (const id of ids) renameSync(join(from, `${id}.sql`), join(to, `${id}.sql`));
  };
  move(IDS.slice(here), sql, later);
  return {
    sql,
    target: targetOf({ url: db.url, folder: sql, settings: { mirror } }),
    /** Their files arrive. */
    arrive: (...ids: readonly string[]) => move(ids, later, sql),
    alembic: async (...args: readonly string[]) => {
      const env = { PATH: process.env.PATH ?? "", TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" };
      const { stdout } = await promisify(execFile)("/usr/bin/alembic", [...args], { cwd: folder, env });
      return stdout;
    },
  };
}

const rowsOf = async (db: TestDatabase) =>
  (await db.sql("select version_num from alembic_version order by 1")).map(({ version_num }) => version_num);
const codesOf = (warnings: readonly { readonly code: string }[]) => warnings.map(({ code }) => code);

describe.skipIf(missing)(`Alembic${missing ? `: ${missing}` : ""}`, () => {
  test.for(["alembic", null] as const)(
    "it goes on while our checkout is older (mirror: %s): up, plan and status go on with a warning",
    async (mirror, { db }) => {
      const { target, alembic, arrive } = scene(db, { here: 2, mirror });
      await alembic("upgrade", "bbb2");
      await adopt(target, ADOPT, recorder());
      await alembic("upgrade", "ccc3");
      const wanted = { ...UP, imports: async () => [] };
      const looks = [await preview(target, UP, recorder()), await statusOf(target, wanted, recorder())];
      for (const { warnings } of [...looks, await up(target)])
        expect(codesOf(warnings)).toEqual(["PLAN_VANISHED"]);
      const again = await up(target);
      expect([again.steps, codesOf(again.warnings)]).toEqual([[], mirror === null ? [] : ["PLAN_VANISHED"]]);
      // What is below the head is neither forgotten nor written beside it.
      await baseline(target, "bbb2", recorder());
      expect(await rowsOf(db)).toEqual(["ccc3"]);
      arrive("ccc3");
      if (mirror === null) await adopt(target, ADOPT, recorder());
      expect((await up(target)).steps).toEqual([]);
      await alembic("downgrade", "aaa1");
      const { codes, error } = await refusalOf(up(target));
      expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
      expect(error.message).toContain("bbb2, ccc3 were in the history");
    },
  );

  test("what was below a head without a file is missed once the table says that it is gone", async ({
    db,
  }) => {
    const { target, alembic } = scene(db, { here: 2, mirror: "alembic" });
    await up(target);
    await alembic("upgrade", "ccc3");
    await up(target);
    await alembic("downgrade", "aaa1");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.message).toMatch(/^bbb2 was in the history/);
    await repair(target, { kind: "forget", revision: "bbb2" }, { confirm: db.name }, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["bbb2"]);
    expect(await rowsOf(db)).toEqual(["bbb2"]);
  });

  test.for(["alembic", null] as const)(
    "before our first run (mirror: %s) nothing runs, and the hints end with everything once",
    async (mirror, { db }) => {
      const { target, alembic, arrive } = scene(db, { here: 2, mirror });
      await alembic("upgrade", "head");
      const named =
        "aaa1, bbb2 are pending, and Alembic is at ddd4 (public.alembic_version), which has no file";
      const attempts = [
        () => preview(target, UP, recorder()),
        () => up(target),
        () => adopt(target, ADOPT, recorder()),
      ];
      for (const attempt of attempts) {
        const { codes, error } = await refusalOf(attempt());
        expect(codes).toEqual(["ADOPT_CONFLICT"]);
        expect(error.message).toContain(named);
      }
      await baseline(target, "bbb2", recorder());
      expect((await up(target)).steps).toEqual([]);
      arrive("ccc3");
      const { codes, error } = await refusalOf(up(target));
      expect(codes).toEqual(["ADOPT_CONFLICT"]);
      expect(error.message).toMatch(/^ccc3 is pending, and Alembic is at ddd4/);
      await repair(
        target,
        { kind: "mark-done", revision: "ccc3", position: null },
        { confirm: db.name },
        recorder(),
      );
      arrive("ddd4");
      if (mirror === null) {
        expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
        await adopt(target, ADOPT, recorder());
      }
      expect((await up(target)).steps).toEqual([]);
      expect(await rowsOf(db)).toEqual(["ddd4"]);
      expect((await appliedIn(db)).sort()).toEqual(IDS);
      await alembic("downgrade", "-1");
      await alembic("upgrade", "head");
    },
  );

  test("one that was adopted without a file is not called edited when its file comes", async ({ db }) => {
    const { target, alembic, arrive } = scene(db, { here: 0, mirror: null });
    await alembic("upgrade", "head");
    await adopt(target, ADOPT, recorder());
    arrive("aaa1", "bbb2");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_CONFLICT"]);
    arrive("ccc3", "ddd4");
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps).toEqual([]);
  });

  test("a file that stands on the head runs, and the head makes room for it", async ({ db }) => {
    const { sql, target, alembic } = scene(db, { here: 0, mirror: "alembic" });
    await alembic("upgrade", "head");
    writeFiles(sql, { "eee5.sql": "-- godwit: revises=ddd4\ncreate table t_eee5 (id int);" });
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["eee5"]);
    expect(await rowsOf(db)).toEqual(["eee5"]);
  });

  test("down refuses what its head may stand on", async ({ db }) => {
    const { sql, target, alembic } = scene(db, { here: 2, mirror: "alembic" });
    writeFiles(sql, {
      "bbb2.sql":
        "-- godwit: revises=aaa1\n-- migrate:up\ncreate table t_bbb2 ();\n-- migrate:down\ndrop table t_bbb2;",
    });
    await up(target);
    await alembic("upgrade", "ccc3");
    const { codes, error } = await refusalOf(migrate(target, down("aaa1"), recorder()));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toMatch(/^bbb2 would be taken back here, and Alembic is at ccc3/);
    expect(await rowsOf(db)).toEqual(["ccc3"]);
  });

  test("files that are named as Alembic names them are its revisions", async ({ db }) => {
    const { alembic } = scene(db, { here: 0, mirror: null });
    await alembic("upgrade", "bbb2");
    const folder = folderOf({
      "aaa1_first.sql": "-- godwit: revises=none\ncreate table t_aaa1 (id int);",
      "bbb2_second.sql": "-- godwit: revises=aaa1_first\ncreate table t_bbb2 (id int);",
    });
    const target = targetOf({ url: db.url, folder });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(["aaa1_first", "bbb2_second"]);
    const mirrored = targetOf({ url: db.url, folder, settings: { mirror: "alembic" } });
    const { codes, error } = await refusalOf(up(mirrored));
    expect([codes, error.message.includes("bbb2_second")]).toEqual([["ADOPT_CONFLICT"], true]);
  });

  test("beside a folder of others it goes up and down without stopping us", async ({ db }) => {
    const { alembic } = scene(db, { here: 0, mirror: null });
    await alembic("upgrade", "ccc3");
    const folder = folderOf({ "0001_x.sql": "create table x1 ();" });
    const target = targetOf({ url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await up(target);
    for (const [way, to] of [
      ["upgrade", "ddd4"],
      ["downgrade", "bbb2"],
      ["upgrade", "head"],
    ] as const) {
      await alembic(way, to);
      expect((await up(target)).steps).toEqual([]);
    }
  });
});
