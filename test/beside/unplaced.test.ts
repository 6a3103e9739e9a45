/** Alembic's row is a head, which implies what is below it. Where the files do not say what that is, nothing of them runs. */
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const made = (name: string) =>
  `create table if not exists ${name} (); insert into made values ('${name}');\n`;

async function scene(db: TestDatabase) {
  const folder = folderOf({ "a1.sql": made("t1"), "a2.sql": made("t2") });
  await db.sql(`create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('a2');
    create table made (name text); insert into made values ('t1'), ('t2')`);
  return { folder, target: targetOf({ url: db.url, folder }) };
}

const madeIn = async (db: TestDatabase) =>
  (await db.sql("select name from made order by 1")).map(({ name }) => name);

describe("files that do not say what they revise", () => {
  test("adopt refuses by name, and its hint ends with everything applied once", async ({ db }) => {
    const { folder, target } = await scene(db);
    const { codes, error } = await refusalOf(adopt(target, ADOPT, recorder()));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toContain("a1 is pending, and Alembic has applied a2 with all below it");
    expect((await refusalOf(up(target))).codes).not.toEqual([]);
    writeFiles(folder, {
      "a1.sql": `-- godwit: revises=none\n${made("t1")}`,
      "a2.sql": `-- godwit: revises=a1\n${made("t2")}`,
      "a3.sql": `-- godwit: revises=a2\n${made("t3")}`,
    });
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["a3"]);
    expect(await appliedIn(db)).toEqual(["a1", "a2", "a3"]);
    expect(await madeIn(db)).toEqual(["t1", "t2", "t3"]);
  });

  test("a file that comes after the adoption is refused too, and is not run", async ({ db }) => {
    const { folder, target } = await scene(db);
    await adopt(targetOf({ url: db.url, folder: folderOf({ "a2.sql": made("t2") }) }), ADOPT, recorder());
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_CONFLICT"]);
    writeFiles(folder, {
      "a1.sql": `-- godwit: revises=none\n${made("t1")}`,
      "a2.sql": `-- godwit: revises=a1\n${made("t2")}`,
    });
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps).toEqual([]);
    expect(await madeIn(db)).toEqual(["t1", "t2"]);
  });
});
