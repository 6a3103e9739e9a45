/** A tool may work through a view that has the name of its table. What it shows is its history, and nobody can lock it. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const file = (n: number) => ({
  [`migrations/2024010${n}000000_x${n}.sql`]: `-- migrate:up\ncreate table if not exists eff (n int); insert into eff values (${n});\n-- migrate:down\ndelete from eff where n = ${n};\n`,
});
const DONE = `create table eff (n int); insert into eff values (1);
create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101000000');`;
const INTO_VIEW = `alter table schema_migrations rename to smx; alter table smx add service text default 'a';
create view schema_migrations as select version from smx;`;
const INTO_OTHER = `${INTO_VIEW} drop view schema_migrations;
create materialized view schema_migrations as select version from smx;`;
const INTO_SEQUENCE = "drop table schema_migrations; create sequence schema_migrations;";

async function adopted(db: TestDatabase) {
  await db.sql(DONE);
  const folder = folderOf({ ".git/HEAD": "", ...file(1) });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("adopt");
  writeFiles(folder, file(2));
  return godwit;
}

const effects = async (db: TestDatabase) =>
  (await db.sql("select n from eff order by n")).map(({ n }) => Number(n));

describe("a history that has become another relation after its adoption is not taken for one that is gone", () => {
  test.for([
    ["a view", INTO_VIEW],
    ["a materialized view", INTO_OTHER],
    ["a sequence", INTO_SEQUENCE],
  ])("%s", async ([what, sql], { db }) => {
    const godwit = await adopted(db);
    await db.sql(`${sql} insert into eff values (2);`);
    for (const command of ["up", "plan", "status"]) {
      const { stderr, stdout } = await godwit.fails(1, command);
      expect(stdout + stderr).toContain(`public.schema_migrations is ${what}, `);
    }
    await godwit.fails(1, "up", "--dry-run");
    expect(await effects(db)).toEqual([1, 2]);
    // The way out.
    expect((await godwit("up", "--mirror", "none")).stdout).toContain("1 migration applied");
  });

  test("the table behind the view can be named", async ({ db }) => {
    const godwit = await adopted(db);
    await db.sql(
      `${INTO_VIEW} insert into eff values (2); insert into schema_migrations values ('20240102000000')`,
    );
    await godwit.fails(1, "up");
    await godwit("adopt", "--table", "public.smx");
    expect((await godwit("up")).stdout).toContain("nothing to do");
    expect(await effects(db)).toEqual([1, 2]);
  });
});
