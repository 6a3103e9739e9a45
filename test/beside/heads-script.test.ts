/** A script of `--sql` beside Alembic's heads: it stops where a head has, or may have, one of its steps below it. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { appliedIn } from "../support/refusal.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const file = (id: string, revises: string, name = id) => ({
  [`migrations/${name}.sql`]: `-- godwit: revises=${revises}\n-- migrate:up\ncreate table t_${id} ();\n-- migrate:down\ndrop table t_${id};\n`,
});
const AAA1 = file("aaa1", "none");
const BBB2 = file("bbb2", "aaa1");
const CCC3 = file("ccc3", "bbb2");

async function scene(db: TestDatabase, heads: readonly string[], files: Readonly<Record<string, string>>) {
  await db.sql("create table alembic_version (version_num varchar(32) primary key)");
  for (const head of heads) await db.sql(`insert into alembic_version values ('${head}')`);
  const folder = folderOf({ ".git/HEAD": "", ...files });
  return { folder, godwit: commandIn({ folder, url: db.url }) };
}

const move = (db: TestDatabase, head: string) => db.sql(`update alembic_version set version_num = '${head}'`);

describe.skipIf(withoutPsql)("beside Alembic, up --sql", () => {
  test.for([
    ["is ahead of the files", ["ddd4"], [], "aaa1 would be applied, and Alembic is at ddd4"],
    ["is ahead, mirrored", ["ddd4"], ["--mirror", "alembic"], "aaa1 would be applied, and Alembic is at"],
    ["has what stands on the step", ["bbb2"], ["aaa1"], "aaa1 is in the history of Alembic"],
  ] as const)("stops if it %s", async ([, heads, args, says], { db }) => {
    const { godwit } = await scene(db, heads, { ...AAA1, ...BBB2 });
    expect(psql(db.url, (await godwit("up", ...args, "--sql")).stdout)).toContain(says);
    expect(await db.sql("select from pg_class where relname = 't_aaa1'")).toEqual([]);
  });

  test("stops at files that are named as Alembic names them", async ({ db }) => {
    const { godwit } = await scene(db, ["bbb2"], {
      ...file("aaa1", "none", "aaa1_first"),
      ...file("bbb2", "aaa1_first", "bbb2_second"),
    });
    const said = psql(db.url, (await godwit("up", "--sql")).stdout);
    expect(said).toContain("aaa1_first is in the history of Alembic");
  });

  test("stops after an adoption, if Alembic went on to what has no file", async ({ db }) => {
    const { folder, godwit } = await scene(db, ["bbb2"], { ...AAA1, ...BBB2 });
    await godwit("adopt");
    await move(db, "ddd4");
    writeFiles(folder, CCC3);
    const script = (await godwit("up", "--sql", "--from", "bbb2")).stdout;
    expect(psql(db.url, script)).toContain("ccc3 would be applied, and Alembic is at ddd4");
    // A head that it stands on is no question, and neither is another one beside that.
    await db.sql(
      "update alembic_version set version_num = 'bbb2'; insert into alembic_version values ('zzz9')",
    );
    expect(psql(db.url, script)).toBeNull();
    expect(await appliedIn(db)).toEqual(["aaa1", "bbb2", "ccc3"]);
  });

  test("stops on the way back, if the head may stand on the step", async ({ db }) => {
    const { godwit } = await scene(db, [], { ...AAA1, ...BBB2 });
    const mirrored = ["--mirror", "alembic"];
    await godwit("up", ...mirrored);
    const script = (await godwit("down", "-1", "--sql", "--from", "bbb2", ...mirrored)).stdout;
    await move(db, "ddd4");
    expect(psql(db.url, script)).toContain("bbb2 would be taken back, and Alembic is at ddd4");
    await move(db, "bbb2");
    expect(psql(db.url, script)).toBeNull();
    expect(await db.sql("select version_num from alembic_version")).toEqual([{ version_num: "aaa1" }]);
  });
});
