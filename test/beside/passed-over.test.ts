/** What another tool takes for applied may have been run by it: nobody is told to run it without a look at the database. */
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { preview } from "../../src/run/status.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

test.for([[null], ["golang-migrate"]] as const)(
  "golang-migrate, a file below its number, with keep %s: the refusal says to look first",
  async ([keep], { db }) => {
    const folder = folderOf({ "1_a.up.sql": "create table a ();", "3_c.up.sql": "create table c ();" });
    await db.sql(`create table schema_migrations (version bigint primary key, dirty boolean not null);
      insert into schema_migrations values (3, false); create table a (); create table c ()`);
    const target = await targetIn("golang-migrate", { url: db.url, folder, settings: { mirror: keep } });
    await adopt(target, ADOPT, recorder());
    writeFiles(folder, { "2_b.up.sql": "create table b ();" });
    for (const ask of [() => up(target), () => preview(target, UP, recorder())]) {
      const { codes, error } = await refusalOf(ask());
      expect(codes).toEqual(["PLAN_LATE"]);
      expect(error.hint).toMatch(
        /^golang-migrate takes it for applied.*look at the database.*--mark-done 2_b/,
      );
    }
    await repair(
      target,
      { kind: "mark-done", revision: "2_b", position: null },
      { confirm: db.name },
      recorder(),
    );
    expect((await up(target)).steps).toEqual([]);
  },
);
