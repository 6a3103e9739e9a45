/** What a tool runs again when its text changed: at the end, or in its place. */
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { loadLayout } from "../../src/source/layouts/layouts.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

async function runnerOf(db: TestDatabase, folder: string, layout: string) {
  const loaded = await loadLayout(layout);
  return async (placeholders: Record<string, string> = {}) => {
    const source = openInPlace(loaded, folder, { placeholders, environment: {} });
    const report = await up({ ...targetOf({ url: db.url, folder }), source });
    return report.steps.map(({ revision }) => revision);
  };
}

test("Flyway: a repeatable runs again when what it renders to changed, not when its file did not", async ({
  db,
}) => {
  const folder = folderOf({
    "R__aB.sql": "create or replace view b as select * from a;",
    "R__a_z.sql": `create or replace view a as select '\${who}'::text as who;`,
    "V1__x.sql": `select '\${who}';`,
  });
  const run = await runnerOf(db, folder, "flyway");
  // By what they are called with blanks: "a z" before "aB".
  expect(await run({ who: "me" })).toEqual(["V1__x", "R__a_z", "R__aB"]);
  expect(await run({ who: "me" })).toEqual([]);
  expect(await run({ who: "you" })).toEqual(["R__a_z"]);
  expect(await db.sql("select who from b")).toEqual([{ who: "you" }]);
});

test("Liquibase: a changeset with runOnChange runs in its place, and again when its SQL changed", async ({
  db,
}) => {
  const text = (value: number, more = "") =>
    `--liquibase formatted sql
--changeset me:1
create table t as select 1 as id;
--changeset me:2 runOnChange:true
create or replace function f() returns int language sql as 'select ${value}';
--rollback drop function f();
--changeset me:3
insert into t select f();
${more}`;
  const folder = folderOf({ "a.sql": text(2) });
  const run = await runnerOf(db, folder, "liquibase");
  expect(await run()).toEqual(["a.sql::1::me", "a.sql::2::me", "a.sql::3::me"]);
  expect(await run()).toEqual([]);
  writeFiles(folder, { "a.sql": text(3, "--changeset me:4\ninsert into t select f();\n") });
  expect(await run()).toEqual(["a.sql::2::me", "a.sql::4::me"]);
  expect(await db.sql("select id from t order by id")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(await run()).toEqual([]);
  expect(await appliedIn(db)).toHaveLength(4);
});
