import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

test("23: The head of a pg_dump empties search_path, and everything behind it goes astray", async ({
  db,
}) => {
  // One of its own: what the owner may do, other tests on this server see.
  const role = `${db.owner}_${process.pid}_head`;
  await db.admin(`create role ${role}`);
  await db.admin(`grant ${role} to ${db.owner}`);
  const head = `SET statement_timeout = 0;
SET lock_timeout = 0;
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;
SET default_table_access_method = heap;
SET datestyle = 'German';
SET SESSION AUTHORIZATION ${db.owner};
CREATE TEMPORARY TABLE shadow (id int);
PREPARE leftover AS SELECT 1;
LISTEN leftover;
SET ROLE ${role};
`;
  const state = `insert into states select current_setting('search_path'), current_setting('check_function_bodies'),
  current_setting('datestyle'), current_setting('lock_timeout'), to_regclass('pg_temp.shadow') is null;`;
  const folder = folderOf({
    "0001_states.sql": `create table states (path text, checks text, dates text, lock_timeout text, temp_gone boolean);\n${state}`,
    "0002_dump.sql": `CREATE TABLE public.dumped (id integer NOT NULL);\n${head}`,
    "0003_after.sql": `create table unqualified (id int);\n${state}`,
    "0004_dump_again.sql": `-- godwit: transaction=off\n${head.replace("shadow", "shadow2").replace("leftover AS", "leftover2 AS")}`,
    "0005_after.sql": `-- godwit: transaction=off\n${state}`,
    "0006_module.ts":
      "export async function up({ sql }: any) { await sql`select set_config('search_path', '', false)`; }",
    "0007_after.sql": state,
  });
  expect((await up(targetOf({ url: db.url, folder }))).steps).toHaveLength(7);
  const states = await db.sql("select * from states");
  expect(states).toHaveLength(4);
  expect(new Set(states.map((row) => JSON.stringify(row))).size).toBe(1);
  expect(states[0]).toMatchObject({ path: '"$user", public', lock_timeout: "3s", temp_gone: true });
  expect(await db.sql("select to_regclass('public.unqualified') as t")).toEqual([{ t: "unqualified" }]);
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(7);
  await db.admin(`drop role ${role}`);
});
