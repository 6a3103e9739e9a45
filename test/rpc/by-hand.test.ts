/** What operators of a Supabase project do by hand with the tables of the ledger. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { folderOf } from "../support/target.ts";

const FILES = {
  "supabase/migrations/20260101000000_first.sql":
    "create table if not exists runs (what text);\ninsert into runs values ('first');",
  "supabase/migrations/20260102000000_second.sql": "insert into runs values ('second');",
  "supabase/migrations/20260103000000_third.sql": "insert into runs values ('third');",
};
const CLI_HISTORY = `create schema supabase_migrations;
  create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)`;
const DIR = ["--dir", "supabase/migrations"];

for (const way of ["over HTTPS", "over the database URL"] as const)
  for (const cli of [false, true])
    test(`${way}${cli ? ", where Supabase's own history holds the rows too" : ""}: who deletes a row by its filename has that file run again, once`, async ({
      db,
    }) => {
      await installFunction(db);
      if (cli) await db.sql(CLI_HISTORY);
      await using api = await startPostgrest(db);
      const command = commandIn({
        folder: folderOf(FILES),
        ...(way === "over HTTPS" ? { env: api.env } : { url: db.url }),
      });
      await command("up", ...DIR);
      await db.sql(
        `delete from "${ledgerSchema}".migration_history where filename = '20260101000000_first.sql'`,
      );
      const { json } = await command("up", ...DIR, "--json");
      expect(json.report.steps).toMatchObject([{ revision: "20260101000000_first" }]);
      expect((await command("up", ...DIR, "--json")).json.report.steps).toEqual([]);
      expect(await db.sql("select what from runs order by what")).toEqual(
        ["first", "first", "second", "third"].map((what) => ({ what })),
      );
      const newest = `delete from "${ledgerSchema}".migration_history where executed_at = (select max(executed_at) from "${ledgerSchema}".migration_history)`;
      await db.sql(newest);
      expect((await command("up", ...DIR, "--json")).json.report.steps).toHaveLength(1);
      expect((await command("status", ...DIR, "--check")).code).toBe(0);
      if (cli)
        expect(await db.sql("select count(*)::int as n from supabase_migrations.schema_migrations")).toEqual([
          { n: 3 },
        ]);
    });

test("in the schema public the tables have the names that are written without a schema: old lock rows go, the history is read", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const command = commandIn({ folder: folderOf(FILES), env: { ...api.env, GODWIT_LEDGER_SCHEMA: "public" } });
  await command("up", ...DIR);
  expect(await db.sql("select filename from migration_history order by executed_at")).toEqual(
    ["first", "second", "third"].map((name, index) => ({
      filename: `2026010${index + 1}000000_${name}.sql`,
    })),
  );
  // A holder that died ten minutes ago, whose term seems not to be over.
  await db.sql(`update migration_locks set kind = 'lease', run_id = gen_random_uuid(), host = 'gone',
    locked_at = now() - interval '10 minutes', expires_at = now() + interval '1 hour'`);
  const waiting = command.start("up", ...DIR);
  await waiting.says(/waiting/);
  await db.sql("delete from migration_locks where locked_at < now() - interval '5 minutes'");
  await waiting.exits(0);
});

test("row-level security is on for every table of the ledger: neither anon nor a signed-in user sees a row, whatever they are granted", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  await commandIn({ folder: folderOf(FILES), env: api.env })("up", ...DIR);
  const tables = await db.sql<{ name: string; secure: boolean }>(
    `select relname as name, relrowsecurity as secure from pg_class where relkind = 'r' and relnamespace = '"${ledgerSchema}"'::regnamespace order by 1`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["migration_history", "migration_locks", "migration_log"]),
  );
  expect(tables.filter(({ secure }) => !secure)).toEqual([]);
  await db.admin(
    `grant usage on schema "${ledgerSchema}" to anon, authenticated; grant all on all tables in schema "${ledgerSchema}" to anon, authenticated`,
  );
  for (const role of ["anon", "authenticated"])
    for (const { name } of tables) {
      const rows = await db
        .admin(`set role ${role}`)
        .then(() => db.admin(`select count(*)::int as n from "${ledgerSchema}".${name}`));
      await db.admin("reset role");
      expect([role, name, rows]).toEqual([role, name, [{ n: 0 }]]);
    }
});

test("rows that were lost and not deleted stay damage: a table that was emptied does not run everything again", async ({
  db,
}) => {
  const command = commandIn({ folder: folderOf(FILES), url: db.url });
  await command("up", ...DIR);
  await db.sql(`truncate "${ledgerSchema}".migration_history`);
  expect((await command.fails(1, "up", ...DIR, "--json")).json.problems).toMatchObject([
    { code: "LEDGER_DAMAGED" },
  ]);
});
